"""A small part of the reliability campaign (`make torture` runs all of it), and how it counts."""

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The share of each campaign's trials, at least one; more of those of many kinds.
GROUPS = {
    "2,4,15": 0.01,
    "1,3,5,6,7,8,9,10": 0.01,
    "11,13,14,16": 0.01,
    "12": 0.2,
    "17": 0.01,
    "18": 0.2,
    "19": 0.01,
    "20": 0.01,
    "21": 0.05,
}


def torture(*arguments):
    """Run the campaign in a new process: it forks, so it must not have threads."""
    return subprocess.run(
        [sys.executable, "-m", "scripts.torture", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("only", "share"), GROUPS.items())
def test_a_share_of_each_campaign_has_no_failure(only, share):
    result = torture("--only", only, "--share", share, "--seed", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    rows = [line.split()[0] for line in result.stdout.splitlines() if line[:2].strip().isdigit()]
    assert rows[: len(only.split(","))] == only.split(",")


@pytest.fixture
def frame(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("torture.frame")


def test_every_campaign_is_in_a_group(frame):
    registry = importlib.import_module("torture.registry")
    assert sorted(registry.CAMPAIGNS) == sorted(
        int(number) for group in GROUPS for number in group.split(",")
    )
    for entry in registry.CAMPAIGNS.values():
        assert list(entry.trial_numbers(1.0)) == list(range(entry.trials))
        assert len(entry.trial_numbers(1e-9)) == 1


def test_failures_are_printed_with_the_command_that_repeats_them(frame, tmp_path, capsys):
    drawn = []

    def trial(number, generator, place):
        drawn.append(generator.random())
        assert place.is_dir() and number != 5, "five"
        if number == 6:
            raise frame.Skipped("no such thing here")
        if number == 7:
            raise KeyError("seven")

    outcome = frame.repeat(trial, [4, 5, 6, 7], 3, tmp_path / "first")
    assert (outcome.trials, outcome.failures, outcome.skipped) == (3, 2, "no such thing here")
    told = capsys.readouterr().err
    assert "FAILED --only first --seed 3 --trial 5: five" in told and "--trial 7: Traceback" in told
    frame.repeat(trial, [5], 3, tmp_path / "again")
    assert drawn[4] == drawn[1] and len(set(drawn)) == 4


def test_campaigns_run_side_by_side_and_their_outcomes_come_in_order(frame, tmp_path, capfd):
    run_side_by_side = importlib.import_module("torture.side_by_side").run_side_by_side
    met = [tmp_path / "first met", tmp_path / "second met"]

    def meet(number, other):
        met[number].touch()
        end = time.monotonic() + 60
        while not met[other].exists() and time.monotonic() < end:
            time.sleep(0.01)
        return frame.Outcome(trials=number, failures=not met[other].exists(), notes=["met"])

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    works = [lambda: meet(0, 1), lambda: meet(1, 0), die, lambda: frame.Outcome(trials=3)]
    found = list(run_side_by_side(works, 2, tmp_path))
    assert [outcome.trials for outcome in found] == [0, 1, 0, 3]
    assert [outcome.failures for outcome in found] == [0, 0, 1, 0] and found[1].notes == ["met"]
    assert "ended before its campaign" in capfd.readouterr().err


def test_a_fault_happens_at_its_call_and_leaves_half_a_write(frame, tmp_path):
    faults = importlib.import_module("torture.faults")
    children = importlib.import_module("torture.children")

    def write(at, manner):
        folder = tmp_path / f"{at}-{manner}"
        folder.mkdir()

        def action():
            faults.Faults(folder, tmp_path / "log", at, manner).install()
            (folder / "a").write_bytes(b"12345678")
            (folder / "a").rename(folder / "b")

        ended = children.fork(action, tmp_path / "output").wait()
        return ended, {file.name: file.read_bytes() for file in folder.iterdir()}

    ended, files = write(-1, "EIO")
    assert ended.code == 0 and files == {"b": b"12345678"}
    assert [call for call, *_ in faults.read_log(tmp_path / "log")] == ["open", "write", "rename"]
    ended, files = write(1, "ENOSPC")
    assert ended.code == 99 and "No space left" in ended.err and files == {"a": b"1234"}
    ended, files = write(2, faults.KILLED)
    assert ended.code == -9 and files == {"a": b"12345678"}

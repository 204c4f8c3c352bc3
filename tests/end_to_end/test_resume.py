"""A run that is stopped, killed or damaged ends with the bytes of a run without faults."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest


def start(tiny, path, environment, *arguments):
    """Start a training as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "sentiment", "train", *map(str, arguments), "--run", str(path)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_step(path, step, process, timeout=60):
    """Wait until a step is in metrics.jsonl."""
    end = time.monotonic() + timeout
    metrics = path / "metrics.jsonl"
    while time.monotonic() < end and process.poll() is None:
        if metrics.exists() and metrics.read_text().count('"event": "step"') >= step:
            return
        time.sleep(0.002)


def assert_same_result(path, whole):
    """Fail unless the weights are the same bytes and each step is in the metrics once."""
    for name in ("model.safetensors", "vocabulary.txt", "config.toml", "golden.json", "metrics.jsonl"):
        assert (path / name).read_bytes() == (whole / name).read_bytes(), name
    newest = max((path / "checkpoints").iterdir(), key=lambda folder: int(folder.name.split("-")[1]))
    state = newest.relative_to(path) / "state.safetensors"
    assert (path / state).read_bytes() == (whole / state).read_bytes()
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    steps = [line["step"] for line in lines if line["event"] == "step"]
    assert steps == list(range(1, len(steps) + 1))


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_killed_in_the_middle_of_an_epoch(tiny, tmp_path, environment, finished_run, seed):
    path = tmp_path / "run"
    generator = random.Random(seed)
    process = start(tiny, path, environment, tiny / "tiny.toml")
    for hash_seed in ("12345", "54321"):  # the order of Python's sets does not matter
        wait_for_step(path, generator.randint(3, 40), process)
        assert process.poll() is None
        process.kill()
        process.communicate()
        process = start(tiny, path, environment | {"PYTHONHASHSEED": hash_seed}, "--resume")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert_same_result(path, finished_run)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends_the_training(tiny, tmp_path, environment, command, finished_run, number):
    path = tmp_path / "run"
    process = start(tiny, path, environment, tiny / "tiny.toml", "--set", "training.checkpoint_steps=1000")
    wait_for_step(path, 5, process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 128 + number, errors
    assert f"--resume --run {path}" in errors and "Traceback" not in errors
    result = command("train", "--resume", "--run", path)
    assert result.returncode == 0, result.stderr
    assert "resuming from" in result.stderr
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (path / name).read_bytes() == (finished_run / name).read_bytes()


def test_a_damaged_checkpoint_is_skipped_for_the_one_before(
    tiny, tmp_path, environment, command, finished_run
):
    path = tmp_path / "run"
    process = start(tiny, path, environment, tiny / "tiny.toml")
    wait_for_step(path, 15, process)
    process.kill()
    process.communicate()
    newest = max((path / "checkpoints").glob("step-*"), key=lambda folder: int(folder.name.split("-")[1]))
    state = newest / "state.safetensors"
    content = bytearray(state.read_bytes())
    content[len(content) // 2] ^= 1
    state.write_bytes(content)
    result = command("train", "--resume", "--run", path)
    assert result.returncode == 0, result.stderr
    assert f"warning: {state} is damaged" in result.stderr
    assert_same_result(path, finished_run)


def test_resume_refuses_another_recipe_or_other_data(tiny, tmp_path, command, finished_run):
    path = tmp_path / "run"
    shutil.copytree(finished_run, path)
    (path / "manifest.json").unlink()
    for config in ((), (tiny / "tiny.toml",)):  # without one, the run's own
        result = command("train", "--resume", "--run", path, "--set", "training.epochs=9", *config)
        assert result.returncode == 2 and "another configuration (training.epochs 3 -> 9);" in result.stderr
    facts = (path / "run.json").read_text()
    changed = json.loads(facts)
    for key, words in (
        ("split_hashes", "started on another split of these reviews"),
        ("further_hash", "started with other texts of data.extra"),
        ("hash", "started on other reviews"),
    ):
        changed["data"][key] = "0" * 64
        (path / "run.json").write_text(json.dumps(changed))
        result = command("train", "--resume", "--run", path)
        assert result.returncode == 3 and words in result.stderr


def test_resume_refuses_a_changed_vocabulary(tmp_path, command, finished_run):
    path = tmp_path / "run"
    shutil.copytree(finished_run, path)
    (path / "manifest.json").unlink()
    facts, words = json.loads((path / "run.json").read_text()), (path / "vocabulary.txt").read_text()
    facts["versions"]["spacy"] = "3.0"
    (path / "run.json").write_text(json.dumps(facts))
    (path / "vocabulary.txt").write_text("".join(reversed(words.splitlines(keepends=True))))
    result = command("train", "--resume", "--run", path)
    assert result.returncode == 3
    assert "the vocabulary has changed" in result.stderr and "spacy 3.0 -> " in result.stderr
    assert json.loads((path / "run.json").read_text())["versions"]["spacy"] == "3.0"


def test_a_run_resumes_with_data_that_have_moved(tiny, tmp_path, command, finished_run):
    path, moved, other = tmp_path / "run", tmp_path / "moved.jsonl", tmp_path / "other.jsonl"
    shutil.copytree(finished_run, path)
    (path / "manifest.json").unlink()
    lines = (tiny / "reviews.jsonl").read_text().splitlines(keepends=True)
    moved.write_text("".join(lines))
    other.write_text("".join(lines[1:]))
    result = command("train", "--resume", "--run", path, "--data", other)
    assert result.returncode == 3 and "started on other reviews" in result.stderr
    result = command("train", "--resume", "--run", path, "--data", moved)
    assert result.returncode == 0, result.stderr
    assert_same_result(path, finished_run)
    assert json.loads((path / "run.json").read_text())["data"]["source"] == str(moved)


def test_resume_of_a_finished_run_changes_nothing(tmp_path, command, finished_run):
    path = tmp_path / "run"
    shutil.copytree(finished_run, path)
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    result = command("train", "--resume", "--run", path)
    assert result.returncode == 0 and "is already finished" in result.stderr
    assert before == {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_a_second_training_into_one_folder_is_refused(tiny, tmp_path, environment, command):
    path = tmp_path / "run"
    process = start(tiny, path, environment, tiny / "tiny.toml", "--set", "training.epochs=500")
    wait_for_step(path, 1, process)
    second = command("train", "--resume", "--run", path)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert second.returncode == 4 and "in use by another training" in second.stderr
    assert process.returncode == 143


def test_a_signal_before_the_first_step_ends_at_once(tiny, tmp_path, environment):
    path = tmp_path / "run"
    process = start(tiny, path, environment, tiny / "tiny.toml")
    while not path.exists() and process.poll() is None:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 143 and "Traceback" not in errors

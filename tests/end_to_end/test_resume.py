"""A run that is stopped, killed or damaged ends with the bytes of a run without faults."""

import json
import random
import shutil
import signal
import time

import pytest

from scripts.torture.children import fork_command, start_command
from sentiment.errors import MachineError
from sentiment.training.run import resume_run


@pytest.fixture
def path(tmp_path):
    """The folder of the run."""
    return tmp_path / "run"


@pytest.fixture
def start(tiny, path, environment):
    """Start a training: as a fork, which has imported everything, or as a new process."""

    def start(*arguments, by=fork_command, **variables):
        given = ["train", *map(str, arguments), "--run", str(path)]
        return by(given, path.with_name("output"), environment | variables)

    return start


def wait_for_step(path, step, process, timeout=60):
    """Wait until a step is in metrics.jsonl."""
    end = time.monotonic() + timeout
    metrics = path / "metrics.jsonl"
    while time.monotonic() < end and not process.poll():
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


@pytest.mark.parametrize(
    ("seed", "by"),
    [(1, fork_command), pytest.param(2, start_command, marks=pytest.mark.slow)],
    ids=["fork", "new process"],
)
def test_killed_in_the_middle_of_an_epoch(tiny, path, start, finished_run, seed, by):
    generator = random.Random(seed)
    process = start(tiny / "tiny.toml", by=by)
    for hash_seed in ("12345", "54321"):  # of new processes: the order of Python's sets does not matter
        wait_for_step(path, generator.randint(3, 40), process)
        assert not process.poll()
        process.send(signal.SIGKILL)
        assert process.wait().code == -signal.SIGKILL
        process = start("--resume", by=by, PYTHONHASHSEED=hash_seed)
    process.wait().assert_code(0)
    assert_same_result(path, finished_run)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends_the_training(tiny, path, start, finished_run, capsys, number):
    process = start(tiny / "tiny.toml", "--set", "training.checkpoint_steps=1000")
    wait_for_step(path, 5, process)
    process.send(number)
    ended = process.wait(patience=20)
    ended.assert_code(128 + number)
    assert f"--resume --run {path}" in ended.err and "Traceback" not in ended.err
    resume_run(path)
    assert "resuming from" in capsys.readouterr().err
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (path / name).read_bytes() == (finished_run / name).read_bytes()


def test_a_damaged_checkpoint_is_skipped_for_the_one_before(tiny, path, start, command, finished_run):
    process = start(tiny / "tiny.toml")
    wait_for_step(path, 15, process)
    process.send(signal.SIGKILL)
    process.wait()
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


def test_a_second_training_into_one_folder_is_refused(tiny, path, start):
    process = start(tiny / "tiny.toml", "--set", "training.epochs=500")
    wait_for_step(path, 1, process)
    with pytest.raises(MachineError, match="in use by another training"):
        resume_run(path)
    process.send(signal.SIGTERM)
    process.wait(patience=20).assert_code(143)


def test_a_signal_before_the_first_step_ends_at_once(tiny, path, start):
    process = start(tiny / "tiny.toml")
    while not path.exists() and not process.poll():
        time.sleep(0.001)
    process.send(signal.SIGTERM)
    ended = process.wait(patience=20)
    ended.assert_code(143)
    assert "Traceback" not in ended.err

"""The run folder: it is written through storage, and damaged or hostile files are refused."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import safetensors.torch
import tomli_w
import torch

from sentiment.errors import MachineError, RunError, UsageError
from sentiment.runs import RunFolder, read_metrics, read_run
from sentiment.runs.start import read_start
from sentiment.system import storage
from sentiment.system.held_folder import HeldFolder
from sentiment.training.run import resume_run, train_run
from tests.helpers import assert_one_error

TINY = [
    "model.embedding = 8",
    "model.hidden = 4",
    "model.layers = 1",
    "training.epochs = 2",
    "training.checkpoint_steps = 1",
    "machine.device = 'cpu'",
    "machine.threads = 1",
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The folder of the run that `run` trains once."""
    return tmp_path_factory.mktemp("runs") / "run"


@pytest.fixture
def run(kept, tmp_path, rows, write_rows, config_for):
    """A copy of a finished run for a test to change."""
    if not kept.exists():
        train_run(config_for(write_rows(kept.parent / "reviews.jsonl", rows), *TINY), kept)
    return shutil.copytree(kept, tmp_path / "run")


def newest_step(run, warnings):
    checkpoint = RunFolder(run).newest_checkpoint(warnings.append)
    return checkpoint.progress["step"]


# --- saving --------------------------------------------------------------------------------------------


def test_a_full_disk_under_a_checkpoint_is_a_failure_of_the_machine(tmp_path, monkeypatch):
    """This includes the tensors, which safetensors could write without Python's calls."""
    written, open_file = [], HeldFolder.open

    def open_new(folder, name, mode):
        written.append(name)
        if name == "state.safetensors":
            raise OSError(28, "No space left on device")
        return open_file(folder, name, mode)

    monkeypatch.setattr(HeldFolder, "open", open_new)
    run = RunFolder(tmp_path)
    with pytest.raises(MachineError, match=r"cannot write .*step-1: No space left on device"):
        run.save_checkpoint({"w": torch.zeros(2)}, {"step": 1})
    assert written[-1] == "state.safetensors"
    assert run.checkpoints() == [] and list((tmp_path / "checkpoints").iterdir()) == []


def test_a_training_killed_at_its_start_leaves_no_run(tmp_path, config_for):
    (tmp_path / ".lock").touch()
    (tmp_path / ".config.toml.123.tmp").write_text("half")
    with RunFolder(tmp_path) as run:
        run.claim(force=False)
        run.create(config_for("sample"))
    assert sorted(file.name for file in tmp_path.iterdir()) == [".lock", "config.toml"]
    (tmp_path / "config.toml").rename(tmp_path / ".hidden")
    with RunFolder(tmp_path) as run, pytest.raises(UsageError, match="exists"):
        run.claim(force=False)


def test_files_that_appear_in_a_claimed_folder_are_not_lost(tmp_path, config_for):
    with (
        RunFolder(tmp_path / "run") as run,
        pytest.raises(UsageError, match="appeared after this training began"),
    ):
        run.claim(force=True)
        (tmp_path / "run" / "thesis.txt").write_text("mine")
        run.create(config_for("sample"))
    assert (tmp_path / "run" / "thesis.txt").read_text() == "mine"


def test_a_claimed_folder_that_vanishes_hides_no_error(tmp_path):
    with pytest.raises(LookupError), RunFolder(tmp_path / "run") as run:
        run.claim(force=False)
        shutil.rmtree(tmp_path / "run")
        raise LookupError


def test_a_claim_that_fails_leaves_no_folder_and_no_lock(tmp_path, monkeypatch):
    path, lockf = tmp_path / "run", fcntl.lockf

    def after_the_other_has_gone(*arguments):
        lockf(*arguments)
        shutil.rmtree(path)

    with RunFolder(path) as run:
        run.claim(force=False)
    assert not path.exists()
    monkeypatch.setattr("fcntl.lockf", after_the_other_has_gone)
    with RunFolder(path) as run, pytest.raises(MachineError, match="is in use"):
        run.claim(force=False)


def test_a_run_that_is_older_than_the_rules_for_text_is_resumed_with_its_own(
    tmp_path, rows, write_rows, config_for, monkeypatch
):
    for row in rows:
        row["text"] = row["text"].replace("was", "wasn\u2019t")
    config = config_for(write_rows(tmp_path / "reviews.jsonl", rows), *TINY)
    with monkeypatch.context() as patch:
        patch.setattr("sentiment.config.Config.to_toml", toml_before_the_rules)
        train_run(config.with_text(rules=1), tmp_path / "whole")
    old = shutil.copytree(tmp_path / "whole", tmp_path / "old")
    (old / "manifest.json").unlink()
    (old / "model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"text\.rules 1 -> 2"):
        resume_run(old, config_for(tmp_path / "reviews.jsonl", *TINY, "text.rules = 2"))
    resume_run(old, config)
    assert (old / "model.safetensors").read_bytes() == (tmp_path / "whole/model.safetensors").read_bytes()
    assert read_run(old).config.text.rules == 1 and "n\u2019t\t" in read_run(old).vocabulary.to_text()


def toml_before_the_rules(config):
    """Return a configuration as it was written before `text.rules`."""
    sections = config.model_dump()
    sections["text"] = {key: sections["text"][key] for key in ("head", "tail")}
    return tomli_w.dumps(sections)


def test_a_file_of_the_user_in_the_folder_is_not_part_of_the_run(run):
    (run / "manifest.json").unlink()
    (run / "train.log").write_text("so far")
    resume_run(run)
    (run / "train.log").write_text("so far, and then to the end")
    assert (run / "train.log").name not in storage.read_manifest(run, RunError)
    assert read_run(run).weights.keys()


# --- resuming ------------------------------------------------------------------------------------------


def test_a_log_without_its_end_goes_back_to_the_checkpoint_before(run):
    metrics, warnings = run / "metrics.jsonl", []
    last, before = (newest_step(run, []), RunFolder(run).checkpoints()[-2])
    beside = json.loads((before / "beside.json").read_text())
    metrics.write_bytes(metrics.read_bytes()[: beside["metrics.jsonl"]["bytes"]])
    assert newest_step(run, warnings) < last
    assert len(warnings) == 1 and f"{metrics} has changed since {run}/checkpoints/step-{last}" in warnings[0]


def test_a_log_that_has_grown_is_accepted(run):
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"event": "step"}\n')
    warnings = []
    newest_step(run, warnings)
    assert warnings == []


@pytest.mark.parametrize("damage", [b"", b"# mine\n", None], ids=["emptied", "changed", "removed"])
@pytest.mark.parametrize("name", ["config.toml", "metrics.jsonl"])
def test_a_run_with_changed_files_is_not_resumed(run, name, damage):
    if damage is None:
        (run / name).unlink()
    else:
        (run / name).write_bytes(damage + (run / name).read_bytes() * bool(damage))
    with pytest.raises(RunError, match=rf"has no usable checkpoint \(.*{name} "):
        newest_step(run, [])


def test_a_damaged_configuration_is_refused_before_the_data_it_names_are_read(run):
    (run / "manifest.json").unlink()
    text = (run / "config.toml").read_text()
    (run / "config.toml").write_text(text.replace("reviews.jsonl", "elsewhere.jsonl"))
    with pytest.raises(RunError, match=r"config\.toml has changed since"):
        resume_run(run)


def test_a_damaged_configuration_is_also_refused_when_it_is_changed(run, command):
    (run / "manifest.json").unlink()
    (run / "config.toml").write_text("[[")
    assert_one_error(command("train", "--resume", "--run", run, "--threads", 2), 3, "config.toml is damaged")


@pytest.mark.parametrize(
    "beside",
    [{"../run.json": {"bytes": 1}}, {"metrics.jsonl": None}, {"metrics.jsonl": {"bytes": "all"}}],
    ids=range(3),
)
def test_a_hostile_list_of_run_files_is_refused(run, beside):
    for checkpoint in RunFolder(run).checkpoints():
        (checkpoint / "beside.json").write_bytes(storage.dump_json(beside))
        storage.write_manifest(checkpoint)
    with pytest.raises(RunError, match=r"beside\.json is damaged"):
        newest_step(run, [])


@pytest.mark.parametrize(
    "facts", [{}, {"data": 3}, {"data": {}}, {"data": {"hash": "a"}, "versions": {}}], ids=range(4)
)
def test_a_run_json_without_data_is_refused(run, facts):
    vocabulary = read_run(run).vocabulary
    (run / "run.json").write_bytes(storage.dump_json(facts))
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        RunFolder(run).check_start(vocabulary, {})


@pytest.mark.parametrize("name", ["run.json", "vocabulary.txt", "config.toml"])
def test_a_file_of_the_start_that_is_missing_beside_a_checkpoint_is_damage(run, name, monkeypatch):
    for file in ("manifest.json", name):
        (run / file).unlink()
    monkeypatch.setattr("sentiment.training.run.open_session", None)  # it is found before the data are read
    with pytest.raises(RunError, match=f"{name} is missing"):
        resume_run(run)


def test_a_run_that_was_stopped_before_its_start_was_written_is_started(run):
    shutil.rmtree(run / "checkpoints")
    assert read_start(run)
    (run / "run.json").unlink()
    assert read_start(run) is None


def test_two_threads_of_one_process_do_not_hold_the_same_run(tmp_path, config_for):
    with RunFolder(tmp_path / "run") as run:
        run.claim(force=False)
        (tmp_path / "link").symlink_to(tmp_path / "run")
        for path in (tmp_path / "run", tmp_path / "link"):
            with ThreadPoolExecutor(1) as threads:
                second = threads.submit(RunFolder(path).lock)
                with pytest.raises(MachineError, match="is in use by another training"):
                    second.result()
        run.create(config_for("sample"))
        assert is_locked(tmp_path / "run")  # this check did not release the lock
    assert not is_locked(tmp_path / "run")
    RunFolder(tmp_path / "run").lock()


def is_locked(run):
    """Return whether another process fails to take the lock."""
    script = f"import fcntl; fcntl.lockf(open({str(run / '.lock')!r}, 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode != 0


def test_a_lock_that_is_a_link_is_refused_and_its_target_kept(run, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    (run / ".lock").unlink()
    (run / ".lock").symlink_to(tmp_path / "thesis.txt")
    (run / "manifest.json").unlink()
    with pytest.raises(RunError, match=r"\.lock is a link"):
        resume_run(run)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def link(run, name, target):
    """Put a link into a run of somebody else that is stopped."""
    (run / "manifest.json").unlink()
    if (run / name).is_dir():
        shutil.rmtree(run / name)
    else:
        (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(target)


@pytest.fixture
def outside(tmp_path):
    """A folder with a file, a temporary folder and a checkpoint of somebody else."""
    for name in (".theirs.tmp", "step-1"):
        (tmp_path / "outside" / name).mkdir(parents=True)
    (tmp_path / "outside" / "thesis.txt").write_text("mine")
    yield tmp_path / "outside"
    assert sorted(file.name for file in (tmp_path / "outside").iterdir()) == [
        ".theirs.tmp",
        "step-1",
        "thesis.txt",
    ]
    assert (tmp_path / "outside" / "thesis.txt").read_text() == "mine"


LINKS = {
    ".lock": "thesis.txt",
    "checkpoints": "",
    "metrics.jsonl": "new.jsonl",
    "tensorboard": "",
    "config.toml": "thesis.txt",
}


@pytest.mark.parametrize(("name", "target"), [*LINKS.items(), ("metrics.jsonl", "thesis.txt")])
def test_a_run_with_a_link_is_not_resumed_and_nothing_outside_is_changed(run, outside, name, target):
    link(run, name, outside / target)
    with pytest.raises(RunError, match=f"{name} is a link"):
        resume_run(run)


@pytest.mark.parametrize("name", [name for name in LINKS if name != ".lock"])
def test_links_in_a_run_that_is_replaced_go_without_their_targets(run, outside, config_for, name):
    link(run, name, outside / LINKS[name])
    with RunFolder(run) as new:
        new.claim(force=True)
        new.create(config_for("sample"))
    assert sorted(file.name for file in run.iterdir()) == [".lock", "config.toml"]


def test_a_link_that_appears_during_a_training_is_not_written_through(run, outside):
    folder = RunFolder(run)
    for name in ("checkpoints", "metrics.jsonl", "tensorboard"):
        (run / "manifest.json").touch()
        link(run, name, outside / LINKS[name])
    with pytest.raises(RunError, match="checkpoints is a link"):
        folder.save_checkpoint({"w": torch.zeros(2)}, {"step": 1})
    with pytest.raises(RunError, match=r"metrics\.jsonl is a link"):
        folder.append_metrics({"step": 1})
    with pytest.raises(RunError, match="tensorboard is a link"):
        folder.make_tensorboard_folder()


@pytest.mark.parametrize("name", [".lock", "metrics.jsonl"])
def test_a_pipe_in_a_run_is_refused_at_once(run, name):
    (run / "manifest.json").unlink()
    (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)
    with pytest.raises(RunError, match=f"{name} is no regular file"):
        resume_run(run)


def test_old_checkpoints_that_are_links_go_without_their_targets(run, outside):
    (run / "checkpoints" / "step-0").symlink_to(outside / "step-1")
    RunFolder(run).save_checkpoint({"w": torch.zeros(2)}, {"step": 99})
    assert not (run / "checkpoints" / "step-0").is_symlink()


def test_a_finished_run_whose_files_are_links_is_read(run, tmp_path):
    """DVC, git-annex and the cache of a hub make such links."""
    expected = read_run(run)
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    for number, file in enumerate([file for file in run.iterdir() if file.is_file()]):
        file.rename(blobs / f"{number}")
        file.symlink_to(blobs / f"{number}")
    found = read_run(run)
    assert found.golden == expected.golden and found.facts == expected.facts
    assert read_metrics(run)
    (run / "golden.json").unlink()
    (run / "golden.json").symlink_to(run / "config.toml")
    with pytest.raises(RunError, match=r"golden\.json is damaged"):
        read_run(run)


# --- opening -------------------------------------------------------------------------------------------


def test_a_finished_run_has_every_file_complete(run):
    read_run(run)
    with (run / "metrics.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(RunError, match=r"metrics\.jsonl is damaged"):
        read_run(run)


@pytest.mark.parametrize(
    "change", [lambda b: b + b"\n", lambda b: b[:-1], lambda b: b.replace(b"{", b"{ ", 1)]
)
def test_a_manifest_with_the_same_content_in_other_bytes_is_refused(run, change):
    manifest = run / "manifest.json"
    manifest.write_bytes(change(manifest.read_bytes()))
    with pytest.raises(RunError, match=r"manifest\.json is damaged"):
        read_run(run)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.toml", b"\xff"),
        ("vocabulary.txt", b"[lower]\n\xff\t1\n"),
        ("golden.json", b"{}\n"),
        ("golden.json", b'{"reviews": []}\n'),
        ("golden.json", b'{"reviews": [3]}\n'),
        ("golden.json", b'{"reviews": [{"text": "good", "probability": "0.5"}]}\n'),
        ("golden.json", b'{"reviews": [], "reviews": []}\n'),
        ("run.json", b"{}\n"),
        ("run.json", b'{"versions": [], "result": {}}\n'),
        ("run.json", b'{"versions": {}, "result": {}, "more": [' + b"[]," * 100_000 + b"[]]}\n"),
    ],
    ids=range(10),
)
def test_a_file_of_another_kind_is_refused_even_if_the_manifest_lists_it(run, name, content):
    (run / name).write_bytes(content)
    storage.write_manifest(run)
    with pytest.raises(RunError, match=rf"{name} is damaged"):
        read_run(run)


@pytest.mark.parametrize("text", ["#" * 70_000, "seed = " + "1" * 5_000, "seed" + ".a" * 200 + " = 1"])
def test_a_configuration_that_would_take_much_memory_is_refused(run, text):
    (run / "config.toml").write_text(text)
    storage.write_manifest(run)
    with pytest.raises(RunError, match=r"config\.toml"):
        read_run(run)
    (run / "manifest.json").unlink()
    with pytest.raises(RunError, match=r"config\.toml is damaged"):
        RunFolder(run).read_config()


def test_a_manifest_without_a_file_of_a_run_is_refused(run):
    (run / "golden.json").unlink()
    storage.write_manifest(run)
    with pytest.raises(RunError, match=r"manifest\.json does not list golden\.json"):
        read_run(run)


# --- content of a checkpoint ---------------------------------------------------------------------------


def change_checkpoints(run, tensors=lambda tensors: tensors, progress=lambda progress: progress):
    """Rewrite every checkpoint of a stopped run, with a manifest of the new content."""
    (run / "manifest.json").unlink()
    for folder in RunFolder(run).checkpoints():
        state = folder / "state.safetensors"
        state.write_bytes(safetensors.torch.save(tensors(safetensors.torch.load(state.read_bytes()))))
        (folder / "progress.json").write_bytes(
            storage.dump_json(progress(json.loads((folder / "progress.json").read_bytes())))
        )
        storage.write_manifest(folder)


@pytest.mark.parametrize(
    "progress",
    [
        lambda progress: {},
        lambda progress: progress | {"step": "x"},
        lambda progress: progress | {"more": 1},
        lambda progress: progress | {"finished": 7},
    ],
    ids=range(4),
)
def test_a_checkpoint_with_other_progress_is_refused(run, progress):
    change_checkpoints(run, progress=progress)
    with pytest.raises(RunError, match="does not fit the run's configuration"):
        resume_run(run)


@pytest.mark.parametrize("part", ["model.head.bias", "optimizer.0.exp_avg", "best.head.bias"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_checkpoint_with_numbers_that_are_not_finite_is_refused(run, part, value):
    change_checkpoints(run, lambda tensors: tensors | {part: torch.full_like(tensors[part], value)})
    with pytest.raises(RunError, match=f"{part} holds values that are not finite"):
        resume_run(run)


def test_a_checkpoint_with_optimizer_state_of_another_shape_is_refused(run):
    change_checkpoints(run, lambda tensors: tensors | {"optimizer.0.exp_avg": torch.zeros(3)})
    with pytest.raises(RunError, match=r"optimizer\.0\.exp_avg has another shape than its weights"):
        resume_run(run)

"""The run folder: everything a run is, written so that any instant leaves it whole, verified on reading.

config.toml  vocabulary.txt  metrics.jsonl  run.json       from the start
checkpoints/step-N/  state.safetensors  progress.json  beside.json  manifest.json
model.safetensors  golden.json  manifest.json              at the end; the manifest makes a run finished
"""

import fcntl
import json
import os
import re
import shlex
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Self, TextIO

import safetensors
import safetensors.torch
from torch import Tensor

from sentiment.system import storage
from sentiment.config import Config, parse_config
from sentiment.data.vocabulary import Vocabulary
from sentiment.errors import MachineError, RunError, UsageError
from sentiment.system.versions import changed_versions

CHECKPOINT = re.compile(r"step-(\d+)")
SHIPPED = Path(str(resources.files("sentiment") / "pretrained" / "imdb"))
FINISHED_FILES = {"config.toml", "vocabulary.txt", "model.safetensors", "golden.json", "run.json"}
BESIDE = ("config.toml", "metrics.jsonl")
# What run.json says of a run's data, and what is wrong if it is another one when the run goes on.
CHANGES = {
    "hash": "the reviews are not those that the run was started on; restore them",
    "further_hash": "the texts of data.extra or the bundled phrases are not those that the run was started "
    "on; restore them",
    "split_hashes": "the reviews are no longer split as when the run was started; restore their groups",
}
KEPT_CHECKPOINTS = 2  # the newest, and one to fall back to should it be damaged


@dataclass(frozen=True)
class Checkpoint:
    """One saved training state."""

    path: Path
    tensors: dict[str, Tensor]
    progress: dict[str, Any]
    beside: dict[str, Any]
    """Fingerprints of the run's files that a resumed training goes on with."""


@dataclass(frozen=True)
class FinishedRun:
    """What a finished run folder holds for prediction, verified against its manifest."""

    path: Path
    config: Config
    vocabulary: Vocabulary
    weights: dict[str, Tensor]
    golden: list[dict[str, Any]]
    facts: dict[str, Any]


class RunFolder:
    """A run that is being trained; a context that lets go of the folder at its end.

    Only one process at a time may hold it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: TextIO | None = None
        self._made: list[Path] = []
        self._replaces = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._lock is not None:
            with suppress(OSError):
                if not _holds_something(self.path):  # the run failed before it began
                    (self.path / ".lock").unlink()
                    for folder in self._made:
                        folder.rmdir()
            self._lock.close()
            self._lock = None

    # --- starting and resuming -------------------------------------------------------------------------

    def claim(self, force: bool) -> None:
        """Make the folder and hold it for a new run; an earlier one stays in it until `create`.

        Raises UsageError if the folder is taken (and not `force`), MachineError if it cannot be written or is
        in use.
        """
        self._made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        self._replaces = self._is_taken()
        if self._replaces and not force:
            raise UsageError(
                f"{self.path} exists; choose another --run, or --resume it, or replace it with --force"
            )
        if self._replaces and not is_run(self.path):
            raise UsageError(f"{self.path} is no run folder; --force does not replace it")
        with storage.machine_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        self.lock()

    def create(self, config: Config) -> None:
        """Start a run in the claimed folder with its configuration; nothing of an earlier one survives.

        Raises UsageError if something has got into the folder since, MachineError if it cannot be written.
        """
        if self._replaces:
            with storage.machine_errors(self.path):
                _remove_contents(self.path)
        elif self._is_taken():
            raise UsageError(f"{self.path} was empty when this training began and is not now; choose another")
        self._write("config.toml", config.to_toml().encode())

    def _is_taken(self) -> bool:
        return self.path.exists() and (not self.path.is_dir() or _holds_something(self.path))

    def lock(self) -> None:
        """Hold the folder until the context or process ends; raises MachineError if another one holds it."""
        if self._lock is not None:
            return
        path = self.path / ".lock"
        with storage.machine_errors(self.path):
            lock = path.open("w")
        try:
            # A record lock ends with this process, whatever children it has forked.
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another training that failed at its start may have removed the file since it was opened.
            is_held = os.path.samestat(os.fstat(lock.fileno()), path.stat())
        except OSError:
            is_held = False
        if not is_held:
            lock.close()
            raise MachineError(f"{self.path} is in use by another training")
        self._lock = lock
        storage.remove_leftovers(self.path)
        storage.remove_leftovers(self.path / "checkpoints")

    def config(self) -> Config:
        """The configuration the run was started with; raises RunError if there is none."""
        path = self.path / "config.toml"
        if not self.path.exists():
            raise RunError(_no_run_at(self.path))
        if self.path.is_dir() and not _holds_something(self.path):
            raise RunError(
                f"{self.path} had not begun its training; start it again: "
                f"sentiment train --run {shlex.quote(f'{self.path}')}"
            )
        try:
            return parse_config(storage.read_bytes(path, RunError).decode(), str(path))
        except (UsageError, UnicodeDecodeError) as error:
            raise RunError(f"{path} is damaged: {error}") from None

    def data_option(self, source: str) -> str:
        """What a command needs besides the run if its data are in `source` now, and not where they were."""
        return "" if source == self.config().data.source else f" --data {shlex.quote(source)}"

    @property
    def report_path(self) -> Path:
        """Where the page about the run stands, if there is one; not among the files that are verified."""
        return self.path / "report.html"

    @property
    def is_finished(self) -> bool:
        """Whether training has come to its end."""
        return (self.path / storage.MANIFEST).is_file()

    # --- during training -------------------------------------------------------------------------------

    def write_start(self, vocabulary: Vocabulary, facts: dict[str, Any]) -> None:
        """Write the vocabulary and what is known before the first step."""
        self._write("vocabulary.txt", vocabulary.to_text().encode())
        self._write("run.json", storage.dump_json(facts))

    def append_metrics(self, record: dict[str, Any]) -> int:
        """Append one line to metrics.jsonl; return the file's size afterwards."""
        path = self.path / "metrics.jsonl"
        with storage.machine_errors(path), path.open("ab") as file:
            file.write(json.dumps(record).encode() + b"\n")
            return file.tell()

    def save_checkpoint(self, tensors: dict[str, Tensor], progress: dict[str, Any]) -> Path:
        """Write a checkpoint, whole or not at all; then drop all but the newest two."""
        path = self.path / "checkpoints" / f"step-{progress['step']}"
        if (self.path / "metrics.jsonl").exists():
            with storage.machine_errors(path):
                storage.sync_file(self.path / "metrics.jsonl")
        # The last step of an epoch is saved twice if a stop falls between its training and its validation.
        with storage.new_folder(path, replace=True) as temporary, storage.machine_errors(path):
            (temporary / "beside.json").write_bytes(storage.dump_json(self._beside()))
            (temporary / "progress.json").write_bytes(storage.dump_json(progress))
            (temporary / "state.safetensors").write_bytes(safetensors.torch.save(tensors))
        for old in self.checkpoints()[:-KEPT_CHECKPOINTS]:
            shutil.rmtree(old, ignore_errors=True)
        return path

    def checkpoints(self) -> list[Path]:
        """Complete checkpoints, oldest first."""
        found = [
            (int(match[1]), path)
            for path in (self.path / "checkpoints").glob("step-*")
            if (match := CHECKPOINT.fullmatch(path.name))
        ]
        return [path for _, path in sorted(found)]

    def newest_checkpoint(self, warn: Any) -> Checkpoint | None:
        """Load the newest whole checkpoint; `warn(message)` names each damaged one that was passed over.

        Returns None where training had not come to its first; raises RunError where none is whole.
        """
        paths = self.checkpoints()
        for path in reversed(paths):
            try:
                checkpoint = _read_checkpoint(path)
                self._check_beside(checkpoint)
                return checkpoint
            except RunError as error:
                warn(f"{error}; going back to the checkpoint before it")
                reason = error
        if paths:
            raise RunError(
                f"no checkpoint of {self.path} can be gone on from ({reason}); start again with --force"
            )
        return None

    def check_start(self, vocabulary: Vocabulary, facts: dict[str, Any]) -> None:
        """Raise RunError if `write_start` was given other reviews or words when the run was started.

        A run that was stopped before that has nothing to differ from.
        """
        path = self.path / "run.json"
        if not path.exists():
            return
        started = storage.load_json(storage.read_bytes(path, RunError), path, RunError)
        data, versions = started.get("data"), started.get("versions")
        if not isinstance(data, dict) or "hash" not in data or not isinstance(versions, dict):
            raise RunError(f"{path} is damaged: it does not say what the run was started on")
        for key, change in CHANGES.items():
            if data.get(key) != facts["data"][key]:
                raise RunError(f"by {path} {change}")
        words = self.path / "vocabulary.txt"
        if storage.read_bytes(words, RunError) != vocabulary.to_text().encode():
            raise RunError(
                f"{words} has other words than are counted now, so the weights would be taken for the wrong "
                f"ones; changed since: {changed_versions(versions) or 'the file, or the program'}"
            )

    def cut_metrics(self, size: int) -> None:
        """Drop the lines of metrics.jsonl that were written after the checkpoint."""
        path = self.path / "metrics.jsonl"
        if path.exists():
            storage.write_file(path, path.read_bytes()[:size])

    def _beside(self) -> dict[str, dict[str, Any]]:
        """Fingerprints of the files that a run goes on with besides a checkpoint."""
        files = [file for name in BESIDE if (file := self.path / name).exists()]
        with storage.machine_errors(self.path):
            return {file.name: storage.fingerprint(file.read_bytes()) for file in files}

    def _check_beside(self, checkpoint: Checkpoint) -> None:
        """Raise RunError if the run is not the one that a checkpoint was saved in."""
        for name, expected in checkpoint.beside.items():
            size = expected.get("bytes") if isinstance(expected, dict) else None
            if name not in BESIDE or not isinstance(size, int):
                raise RunError(f"{checkpoint.path / 'beside.json'} is damaged: {name} does not belong there")
            content = storage.read_bytes(self.path / name, RunError)
            if name == "metrics.jsonl":  # it has grown since
                content = content[:size]
            if storage.fingerprint(content) != expected:
                raise RunError(f"{self.path / name} is not what it was when {checkpoint.path} was saved")

    # --- the end ---------------------------------------------------------------------------------------

    def finish(self, weights: dict[str, Tensor], golden: list[dict[str, Any]], facts: dict[str, Any]) -> None:
        """Write the best weights, the golden predictions and, last, the manifest."""
        self._write("model.safetensors", safetensors.torch.save(weights))
        self._write("golden.json", storage.dump_json({"reviews": golden}))
        self._write("run.json", storage.dump_json(facts))
        with storage.machine_errors(self.path):
            storage.write_manifest(self.path, {*FINISHED_FILES, "metrics.jsonl"})

    def _write(self, name: str, content: bytes) -> None:
        storage.write_file(self.path / name, content)


def read_run(path: Path) -> FinishedRun:
    """Read a finished run; every byte is read once, hashed, then parsed.

    Raises RunError naming what is missing, damaged, unfinished or foreign.
    """
    if not path.is_dir():
        raise RunError(
            f"{path} is a file; a run is a folder (pickled checkpoints are not opened: they can run code)"
            if path.exists()
            else _no_run_at(path)
        )
    if not is_run(path):
        raise RunError(f"{path} is no run folder: it has no config.toml")
    if not (path / storage.MANIFEST).exists():
        raise RunError(
            f"{path} is not finished; go on with: sentiment train --resume --run {shlex.quote(f'{path}')}"
        )
    entries = storage.read_manifest(path, RunError)
    contents = {name: storage.read_verified(path, name, entries, RunError) for name in entries}
    if missing := FINISHED_FILES - contents.keys():
        raise RunError(f"{path / storage.MANIFEST} does not list {', '.join(sorted(missing))}")

    def text(name: str) -> str:
        try:
            return contents[name].decode()
        except UnicodeDecodeError:
            raise RunError(f"{path / name} is damaged: not UTF-8") from None

    def json_of(name: str) -> dict[str, Any]:
        return storage.load_json(contents[name], path / name, RunError)

    try:
        config = parse_config(text("config.toml"), str(path / "config.toml"))
    except UsageError as error:
        raise RunError(str(error)) from None
    facts, golden = json_of("run.json"), json_of("golden.json").get("reviews")
    if not isinstance(facts.get("versions"), dict) or not isinstance(facts.get("result"), dict):
        raise RunError(f"{path / 'run.json'} is damaged: it tells no versions or no result")
    if not isinstance(golden, list) or not golden or not all(map(_is_golden, golden)):
        raise RunError(f"{path / 'golden.json'} is damaged: no reviews with their probabilities")
    return FinishedRun(
        path,
        config,
        Vocabulary.from_text(text("vocabulary.txt"), config.vocabulary),
        _parse_tensors(contents["model.safetensors"], path / "model.safetensors"),
        golden,
        facts,
    )


def _is_golden(record: Any) -> bool:
    return (
        isinstance(record, dict)
        and isinstance(record.get("text"), str)
        and isinstance(record.get("probability"), float)
    )


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a finished run's metrics.jsonl: its steps and epochs, in order; none of the shipped model.

    Raises RunError if the file is damaged.
    """
    entries = storage.read_manifest(path, RunError)
    name = "metrics.jsonl"
    if name not in entries:
        return []
    lines = storage.read_verified(path, name, entries, RunError).splitlines()
    return [storage.load_json(line, path / name, RunError) for line in lines]


def run_name(path: Path) -> str:
    """What a run is called beside others."""
    return "shipped model" if path == SHIPPED else path.resolve().name


def is_run(path: Path) -> bool:
    """Whether a folder is one of ours."""
    return (path / "config.toml").is_file()


def looks_like_run(text: str) -> bool:
    """Whether a text that may be anything is the path of a run."""
    try:
        return is_run(Path(text))
    except (OSError, ValueError):  # too long, or with characters that no path has
        return False


def newest_finished(root: Path) -> Path | None:
    """The run under `root` that was finished last, if there is any."""
    manifests = sorted(root.glob(f"*/{storage.MANIFEST}"), key=lambda path: path.stat().st_mtime_ns)
    runs: Sequence[Path] = [manifest.parent for manifest in manifests if is_run(manifest.parent)]
    return runs[-1] if runs else None


def _read_checkpoint(path: Path) -> Checkpoint:
    entries = storage.read_manifest(path, RunError)

    def read(name: str) -> bytes:
        return storage.read_verified(path, name, entries, RunError)

    def read_json(name: str) -> dict[str, Any]:
        return storage.load_json(read(name), path / name, RunError)

    tensors = _parse_tensors(read("state.safetensors"), path / "state.safetensors")
    return Checkpoint(path, tensors, read_json("progress.json"), read_json("beside.json"))


def _parse_tensors(content: bytes, path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise RunError(f"{path} is damaged: {error}") from None


def _no_run_at(path: Path) -> str:
    return f"no run at {path}; train one with: sentiment train --run {shlex.quote(f'{path}')}"


def _holds_something(folder: Path) -> bool:
    """Whether there is more than what a training leaves that was killed before it had a configuration."""
    return any(entry.name != ".lock" and not entry.match(storage.TEMPORARY) for entry in folder.iterdir())


def _remove_contents(folder: Path) -> None:
    # The manifest goes first: half a removed run must not look finished.
    (folder / storage.MANIFEST).unlink(missing_ok=True)
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != ".lock":
            entry.unlink()

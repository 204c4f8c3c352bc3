"""The folder of a run during its training. Nothing else writes into it.

config.toml  vocabulary.txt  metrics.jsonl  run.json       from the start
checkpoints/step-N/                                        during training
model.safetensors  golden.json  manifest.json              at the end; the manifest makes a run finished
"""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import safetensors.torch
from torch import Tensor

from sentiment.config import CONFIG_BYTES, Config, parse_run_config
from sentiment.data.vocabulary import Vocabulary
from sentiment.errors import RunError, UsageError
from sentiment.runs.checkpoints import (
    CHECKPOINTS,
    METRICS_FILE,
    Checkpoint,
    list_checkpoints,
    load_newest_checkpoint,
    write_checkpoint,
)
from sentiment.runs.commands import train_command_line
from sentiment.runs.locate import is_run
from sentiment.runs.lock import LOCK_FILE, FolderLock
from sentiment.runs.reader import FINISHED_FILES
from sentiment.runs.start import FACTS_FILE, VOCABULARY_FILE, check_start, read_start
from sentiment.system import storage
from sentiment.system.held_folder import hold_folder, refuse_link

TENSORBOARD = "tensorboard"  # the folder of the curves


class RunFolder:
    """The folder of a run that is being trained, held by one training at a time.

    It is a context manager. The folder is released when the block ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: FolderLock | None = None
        self._made: list[Path] = []
        self._replaces = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._lock is None:
            return
        with suppress(OSError):
            if not _has_content(self.path):  # the run failed before it began
                self._lock.remove_file()
                for folder in self._made:
                    folder.rmdir()
        self._lock.release()
        self._lock = None

    # --- starting and resuming -------------------------------------------------------------------------

    def claim(self, force: bool) -> None:
        """Make the folder and hold it for a new run; an earlier run in it stays until `create`.

        Raises UsageError if the folder is taken (and not `force`), MachineError if it cannot be written or is
        in use.
        """
        self._made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        self._replaces = self._is_taken()
        if self._replaces and not force:
            raise UsageError(
                f"{self.path} exists; resume it with --resume, replace it with --force, "
                "or choose another --run"
            )
        if self._replaces and not is_run(self.path):
            raise UsageError(f"{self.path} is no run folder; --force does not replace it")
        with storage.machine_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        self.lock()

    def create(self, config: Config) -> None:
        """Start a run in the claimed folder with its configuration; everything of an earlier run is removed.

        Raises UsageError if the folder has new files since `claim` or the configuration is too long to be
        read back, MachineError if it cannot be written.
        """
        text = config.to_toml()  # before anything is removed
        if self._replaces:
            with storage.machine_errors(self.path):
                _remove_contents(self.path)
        elif self._is_taken():
            raise UsageError(
                f"{self.path} has files that appeared after this training began; choose another --run"
            )
        self._write("config.toml", text.encode())

    def _is_taken(self) -> bool:
        return self.path.exists() and (not self.path.is_dir() or _has_content(self.path))

    def lock(self) -> None:
        """Hold the folder until the block or process ends; remove the files that killed trainings left.

        Raises MachineError if another training holds it, RunError if a link is in the way.
        """
        if self._lock is not None:
            return
        self._lock = FolderLock(self.path)
        if self._replaces:
            return  # `create` removes everything, links too
        if not self.is_finished:
            self._refuse_links()
        with storage.machine_errors(self.path), hold_folder(self.path, may_be_link=True) as folder:
            storage.remove_leftovers(folder)
            if folder.is_folder(CHECKPOINTS):
                with folder.hold(CHECKPOINTS) as checkpoints:
                    storage.remove_leftovers(checkpoints)

    def _refuse_links(self) -> None:
        """Raise RunError for a link before the data are read; every write refuses links as well."""
        for name in (CHECKPOINTS, METRICS_FILE, TENSORBOARD):
            refuse_link(self.path / name)

    def read_config(self) -> Config:
        """Return the configuration that the run was started with; raises RunError if there is none."""
        path = self.path / "config.toml"
        if not self.path.exists():
            raise RunError(f"no run at {self.path}; train one with: {train_command_line(self.path)}")
        if self.path.is_dir() and not _has_content(self.path):
            raise RunError(f"{self.path} is empty; start the training again: {train_command_line(self.path)}")
        try:
            content = storage.read_bytes(path, RunError, limit=CONFIG_BYTES)
            return parse_run_config(content.decode(), str(path))
        except (UsageError, UnicodeDecodeError) as error:
            raise RunError(f"{path} is damaged: {error}") from None

    @property
    def report_path(self) -> Path:
        """The page about the run, which need not exist; the manifest does not list it."""
        return self.path / "report.html"

    @property
    def is_finished(self) -> bool:
        """Whether the training is complete."""
        return (self.path / storage.MANIFEST).is_file()

    # --- during training -------------------------------------------------------------------------------

    def write_start(self, vocabulary: Vocabulary, facts: dict[str, Any]) -> None:
        """Write the vocabulary and the facts that are known before the first step."""
        self._write(VOCABULARY_FILE, vocabulary.to_text().encode())
        self._write(FACTS_FILE, storage.dump_json(facts))

    def require_start(self) -> None:
        """Raise RunError if a file of the start is damaged, or missing although there are checkpoints."""
        read_start(self.path)

    def check_start(self, vocabulary: Vocabulary, facts: dict[str, Any]) -> None:
        """Raise RunError if the run was started with other reviews or other words, or as `require_start`."""
        check_start(self.path, vocabulary, facts)

    def append_metrics(self, record: dict[str, Any]) -> int:
        """Append one line to metrics.jsonl; return the file's size afterwards."""
        path = self.path / METRICS_FILE
        with (
            storage.machine_errors(path),
            hold_folder(self.path, may_be_link=True) as folder,
            folder.open(METRICS_FILE, "ab") as file,
        ):
            file.write(json.dumps(record).encode() + b"\n")
            return file.tell()

    def cut_metrics(self, size: int) -> None:
        """Remove the lines of metrics.jsonl that were written after the checkpoint."""
        path = self.path / METRICS_FILE
        if path.exists():
            storage.write_file(path, storage.read_bytes(path, RunError)[:size])

    def make_tensorboard_folder(self) -> Path:
        """Make the folder of the curves, and return it; raises RunError if it is a link."""
        path = self.path / TENSORBOARD
        refuse_link(path)
        with storage.machine_errors(path):
            path.mkdir(exist_ok=True)
        return path

    def save_checkpoint(self, tensors: dict[str, Tensor], progress: dict[str, Any]) -> Path:
        """Save a checkpoint, whole or not at all; return its folder."""
        return write_checkpoint(self.path, tensors, progress)

    def checkpoints(self) -> list[Path]:
        """List the complete checkpoints, oldest first."""
        return list_checkpoints(self.path)

    def newest_checkpoint(self, warn: Callable[[str], None]) -> Checkpoint | None:
        """Load the newest whole checkpoint; see `load_newest_checkpoint`."""
        return load_newest_checkpoint(self.path, warn)

    # --- the end ---------------------------------------------------------------------------------------

    def finish(self, weights: dict[str, Tensor], golden: list[dict[str, Any]], facts: dict[str, Any]) -> None:
        """Write the best weights, the golden predictions and, last, the manifest."""
        self._write("model.safetensors", safetensors.torch.save(weights))
        self._write("golden.json", storage.dump_json({"reviews": golden}))
        self._write(FACTS_FILE, storage.dump_json(facts))
        with storage.machine_errors(self.path):
            storage.write_manifest(self.path, {*FINISHED_FILES, METRICS_FILE})

    def _write(self, name: str, content: bytes) -> None:
        storage.write_file(self.path / name, content)


def _has_content(folder: Path) -> bool:
    """Return whether a folder has more in it than a training that was killed at its start."""
    return any(entry.name != LOCK_FILE and not entry.match(storage.TEMPORARY) for entry in folder.iterdir())


def _remove_contents(folder: Path) -> None:
    # Remove the manifest first: a run that is removed in part must not look finished.
    (folder / storage.MANIFEST).unlink(missing_ok=True)
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != LOCK_FILE:
            entry.unlink()

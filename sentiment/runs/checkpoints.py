"""The checkpoints of a run: saved whole or not at all, verified when they are loaded.

checkpoints/step-N/  state.safetensors  progress.json  beside.json  manifest.json
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from sentiment.errors import RunError
from sentiment.system import storage
from sentiment.system.held_folder import hold_folder

CHECKPOINTS = "checkpoints"  # their folder in the folder of the run
METRICS_FILE = "metrics.jsonl"
CHECKPOINT_NAME = re.compile(r"step-(\d+)")
KEPT_CHECKPOINTS = 2  # the newest, and one to go back to if that is damaged
# The files of the run folder whose fingerprints are in the checkpoint, in beside.json.
RUN_FILES = ("config.toml", METRICS_FILE)


@dataclass(frozen=True)
class Checkpoint:
    """A saved training state."""

    path: Path
    tensors: dict[str, Tensor]
    progress: dict[str, Any]
    run_files: dict[str, Any]
    """Fingerprints of the run's files when it was saved."""


def list_checkpoints(run: Path) -> list[Path]:
    """List the complete checkpoints of a run, oldest first."""
    found = [
        (int(match[1]), path)
        for path in (run / CHECKPOINTS).glob("step-*")
        if (match := CHECKPOINT_NAME.fullmatch(path.name))
    ]
    return [path for _, path in sorted(found)]


def write_checkpoint(run: Path, tensors: dict[str, Tensor], progress: dict[str, Any]) -> Path:
    """Save a checkpoint, whole or not at all; then remove all but the newest two."""
    path = run / CHECKPOINTS / f"step-{progress['step']}"
    with storage.machine_errors(path), hold_folder(run, may_be_link=True) as folder:
        if folder.is_file(METRICS_FILE):
            storage.sync_file(folder, METRICS_FILE)
    # The last step of an epoch is saved twice if a stop falls between its training and its validation.
    with storage.new_folder(path, replace=True) as temporary, storage.machine_errors(path):
        for name, content in (
            ("beside.json", storage.dump_json(_fingerprint_run_files(run))),
            ("progress.json", storage.dump_json(progress)),
            ("state.safetensors", safetensors.torch.save(tensors)),
        ):
            with temporary.open(name, "xb") as file:
                file.write(content)
    with suppress(OSError), hold_folder(path.parent) as checkpoints:
        for old in list_checkpoints(run)[:-KEPT_CHECKPOINTS]:
            checkpoints.remove(old.name)
    return path


def load_newest_checkpoint(run: Path, warn: Callable[[str], None]) -> Checkpoint | None:
    """Load the newest whole checkpoint; call `warn` for each damaged one that is skipped.

    Returns None if there are no checkpoints; raises RunError if all of them are damaged.
    """
    paths = list_checkpoints(run)
    for path in reversed(paths):
        try:
            checkpoint = _read_checkpoint(path)
            _check_run_files(run, checkpoint)
            return checkpoint
        except RunError as error:
            warn(f"{error}; trying the checkpoint before it")
            reason = error
    if paths:
        raise RunError(f"{run} has no usable checkpoint ({reason}); start again with --force")
    return None


def parse_tensors(content: bytes, path: Path) -> dict[str, Tensor]:
    """Parse safetensors; raises RunError, which names `path`, if they are damaged."""
    try:
        return safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise RunError(f"{path} is damaged: {error}") from None


def _read_checkpoint(path: Path) -> Checkpoint:
    entries = storage.read_manifest(path, RunError)

    def read(name: str) -> bytes:
        return storage.read_verified(path, name, entries, RunError)

    def read_json(name: str) -> dict[str, Any]:
        return storage.load_json(read(name), path / name, RunError)

    return Checkpoint(
        path=path,
        tensors=parse_tensors(read("state.safetensors"), path / "state.safetensors"),
        progress=read_json("progress.json"),
        run_files=read_json("beside.json"),
    )


def _fingerprint_run_files(run: Path) -> dict[str, dict[str, Any]]:
    files = [file for name in RUN_FILES if (file := run / name).exists()]
    with storage.machine_errors(run):
        return {file.name: storage.fingerprint(file.read_bytes()) for file in files}


def _check_run_files(run: Path, checkpoint: Checkpoint) -> None:
    """Raise RunError if the run's files have changed since the checkpoint was saved."""
    for name, expected in checkpoint.run_files.items():
        size = expected.get("bytes") if isinstance(expected, dict) else None
        if name not in RUN_FILES or not isinstance(size, int):
            raise RunError(f"{checkpoint.path / 'beside.json'} is damaged: {name} does not belong there")
        content = storage.read_bytes(run / name, RunError)
        if name == METRICS_FILE:  # it has grown since
            content = content[:size]
        if storage.fingerprint(content) != expected:
            raise RunError(f"{run / name} has changed since {checkpoint.path} was saved")

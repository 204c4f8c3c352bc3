"""Read a finished run: every byte is read once, hashed, then parsed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from sentiment.config import Config, parse_run_config
from sentiment.config.classes import MOST_CLASSES
from sentiment.data.vocabulary import Vocabulary
from sentiment.errors import RunError, UsageError
from sentiment.runs.checkpoints import parse_tensors
from sentiment.runs.commands import resume_command_line, train_command_line
from sentiment.runs.locate import is_run
from sentiment.runs.table_settings import class_names
from sentiment.system import storage

GOLDEN_LIMIT = 2**26  # bytes; a few reviews may be long
FINISHED_FILES = {"config.toml", "vocabulary.txt", "model.safetensors", "golden.json", "run.json"}


@dataclass(frozen=True)
class FinishedRun:
    """What prediction needs of a finished run, verified against its manifest."""

    path: Path
    config: Config
    vocabulary: Vocabulary
    weights: dict[str, Tensor]
    golden: list[dict[str, Any]]
    facts: dict[str, Any]
    """The content of run.json."""


def read_run(path: Path) -> FinishedRun:
    """Read a finished run; raises RunError if it is missing, damaged, unfinished or not a run."""
    _require_finished(path)
    entries = storage.read_manifest(path, RunError, follow_links=True)
    contents = {
        name: storage.read_verified(path, name, entries, RunError, follow_links=True) for name in entries
    }
    if missing := FINISHED_FILES - contents.keys():
        raise RunError(f"{path / storage.MANIFEST} does not list {', '.join(sorted(missing))}")

    def text(name: str) -> str:
        try:
            return contents[name].decode()
        except UnicodeDecodeError:
            raise RunError(f"{path / name} is damaged: not UTF-8") from None

    def json_object(name: str, limit: int = storage.JSON_LIMIT) -> dict[str, Any]:
        return storage.load_json(contents[name], path / name, RunError, limit)

    try:
        config = parse_run_config(text("config.toml"), str(path / "config.toml"))
    except UsageError as error:
        raise RunError(str(error)) from None
    facts, golden = json_object("run.json"), json_object("golden.json", GOLDEN_LIMIT).get("reviews")
    if not isinstance(facts.get("versions"), dict) or not isinstance(facts.get("result"), dict):
        raise RunError(f"{path / 'run.json'} is damaged: it has no versions or no result")
    names = class_names(facts)
    if not _are_class_names(names):
        raise RunError(f"{path / 'run.json'} is damaged: its classes have no names")
    if not isinstance(golden, list) or not golden or not all(_is_golden(one, len(names)) for one in golden):
        raise RunError(f"{path / 'golden.json'} is damaged: it has no reviews with probabilities")
    return FinishedRun(
        path=path,
        config=config,
        vocabulary=Vocabulary.from_text(text("vocabulary.txt"), config.vocabulary),
        weights=parse_tensors(contents["model.safetensors"], path / "model.safetensors"),
        golden=golden,
        facts=facts,
    )


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a finished run's metrics.jsonl: its steps and epochs, in order; none of the shipped model.

    Raises RunError if the file is damaged.
    """
    name = "metrics.jsonl"
    entries = storage.read_manifest(path, RunError, follow_links=True)
    if name not in entries:
        return []
    lines = storage.read_verified(path, name, entries, RunError, follow_links=True).splitlines()
    return [storage.load_json(line, path / name, RunError) for line in lines]


def _require_finished(path: Path) -> None:
    if not path.exists():
        raise RunError(f"no run at {path}; train one with: {train_command_line(path)}")
    if not path.is_dir():
        raise RunError(
            f"{path} is a file; a run is a folder (pickled files are not opened: they can run code)"
        )
    if not is_run(path):
        raise RunError(f"{path} is no run folder: it has no config.toml")
    if not (path / storage.MANIFEST).exists():
        raise RunError(f"{path} is not finished; to resume it: {resume_command_line(path)}")


def _are_class_names(names: Sequence[Any]) -> bool:
    is_named = all(isinstance(name, str) and name for name in names)
    return is_named and 2 <= len(names) <= MOST_CLASSES and len(set(names)) == len(names)


def _is_golden(record: Any, classes: int) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        return False
    if classes == 2:
        return isinstance(record.get("probability"), float)
    values = record.get("probabilities")
    if not isinstance(values, list) or len(values) != classes:
        return False
    return all(isinstance(value, float) for value in values)

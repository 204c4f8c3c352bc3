"""What a run has recorded of its start, and whether a resumed training starts from the same."""

import os
from pathlib import Path
from typing import Any

from sentiment.data.text import shorten
from sentiment.data.vocabulary import Vocabulary
from sentiment.errors import RunError
from sentiment.runs.checkpoints import list_checkpoints
from sentiment.system import storage
from sentiment.system.versions import changed_versions

FACTS_FILE, VOCABULARY_FILE = "run.json", "vocabulary.txt"
# The keys of run.json that must be the same when a run is resumed, and the message if one has changed.
DATA_CHANGES = {
    "hash": "the run was started on other reviews; restore them",
    "further_hash": "the run was started with other texts of data.extra or data.rehearse, other bundled "
    "phrases, or other lessons; restore them",
    "split_hashes": "the run was started on another split of these reviews; restore their groups",
}


def read_start(run: Path) -> dict[str, Any] | None:
    """Return the facts in run.json about the start; None if the run was stopped before the file was written.

    Raises RunError if a file of the start is damaged, or missing although there are checkpoints.
    """
    path = run / FACTS_FILE
    if not list_checkpoints(run) and not os.path.lexists(path):
        return None
    for name in (FACTS_FILE, VOCABULARY_FILE):
        if not os.path.lexists(run / name):
            raise RunError(f"{run / name} is missing; restore it, or start again with --force")
    started = storage.load_json(storage.read_bytes(path, RunError, limit=storage.JSON_LIMIT), path, RunError)
    data = started.get("data")
    is_whole = isinstance(data, dict) and data.keys() >= DATA_CHANGES.keys()
    is_whole = is_whole and isinstance(started.get("start", {}), dict)  # older runs have no such key
    if not is_whole or not isinstance(started.get("versions"), dict):
        raise RunError(f"{path} is damaged: it does not describe the start of the run")
    return started


def check_start(run: Path, vocabulary: Vocabulary, facts: dict[str, Any]) -> None:
    """Raise RunError if a run was started with other reviews or words than `facts` and `vocabulary`.

    A run that was stopped before its start was written passes. Raises RunError as `read_start` does.
    """
    started = read_start(run)
    if started is None:
        return
    for key, change in DATA_CHANGES.items():
        if started["data"][key] != facts["data"][key]:
            raise RunError(f"{change} ({run / FACTS_FILE} has their hash)")
    parent = started.get("start", {})
    if parent.get("hash") != facts["start"].get("hash"):
        name = shorten(parent.get("run") or "none")
        raise RunError(f"the run that this one started from has changed; restore it ({name})")
    words = run / VOCABULARY_FILE
    if storage.read_bytes(words, RunError) != vocabulary.to_text().encode():
        changes = changed_versions(started["versions"]) or "the file, or this program"
        raise RunError(f"the vocabulary has changed since {words} was written; changed since: {changes}")

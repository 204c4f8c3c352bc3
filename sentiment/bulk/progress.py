"""The record in the output folder of which files are finished, from which a killed command is resumed."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from sentiment.bulk.plan import Shard
from sentiment.data.text import shorten
from sentiment.errors import DataError, UsageError
from sentiment.runs.lock import FolderLock
from sentiment.system import storage

PROGRESS_FILE = "_progress.jsonl"  # programs that read a folder of tables skip names that begin with _
Entry = dict[str, Any]


@dataclass(frozen=True)
class Counts:
    """What was written to one file."""

    rows: int = 0
    labels: Mapping[str, int] = field(default_factory=dict)
    flaws: Sequence[str] = ()
    """The first rows that were not predicted, each with its reason."""


class Progress:
    """Knows which files are finished, and adds a line to the record for each further one."""

    def __init__(self, file: BinaryIO, out: Path, finished: dict[str, Entry]) -> None:
        self._file = file
        self._out = out
        self._finished = finished
        self._states: dict[Shard, Entry] = {}

    def select_waiting(self, shards: Sequence[Shard]) -> list[Shard]:
        """Return the files that are not finished, or have changed since."""
        self._states = {shard: describe_file(shard.source) for shard in shards}
        return [shard for shard in shards if not self._is_finished(shard)]

    def _is_finished(self, shard: Shard) -> bool:
        entry = self._finished.get(name_of(shard, self._out))
        return entry is not None and entry["source"] == self._states[shard] and shard.target.is_file()

    def finish(self, shard: Shard, counts: Counts) -> None:
        """Record that a file is finished."""
        name = name_of(shard, self._out)
        entry = {
            "finished": name,
            "source": self._states[shard],
            "rows": counts.rows,
            "labels": dict(counts.labels),
            "flaws": list(counts.flaws),
        }
        self._finished[name] = entry
        with storage.machine_errors(self._out / PROGRESS_FILE):
            self._file.write(_line(entry))
            self._file.flush()
            os.fsync(self._file.fileno())

    def counts(self, shards: Iterable[Shard]) -> list[Counts]:
        """Return what was written to those files that are finished, now or before."""
        found = (self._finished.get(name_of(shard, self._out)) for shard in shards)
        return [Counts(entry["rows"], entry["labels"], entry["flaws"]) for entry in found if entry]


@contextmanager
def open_progress(out: Path, work: Entry, shards: Sequence[Shard], *, force: bool) -> Iterator[Progress]:
    """Yield the progress in a folder, which no other command may use meanwhile.

    `work` is all that decides what is written, such as the model: another one is not mixed into the same
    folder. With `force` the record begins again. Raises UsageError if the folder has a record of other work,
    or files of which no record says that they may be replaced; MachineError if the folder is in use.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {shorten(str(out))} is a file; name a folder")
    with storage.machine_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(out, "command")
    try:
        planned, finished = (set(), {}) if force else _read_record(out / PROGRESS_FILE, work)
        names = {name_of(shard, out): shard for shard in shards}
        if not force:
            _check_free(shard for name, shard in names.items() if name not in planned)
        entries = [{"work": work}, {"planned": sorted(planned | names.keys())}, *finished.values()]
        storage.write_file(out / PROGRESS_FILE, b"".join(_line(entry) for entry in entries))
        with storage.machine_errors(out / PROGRESS_FILE), (out / PROGRESS_FILE).open("ab") as file:
            yield Progress(file, out, finished)
    finally:
        lock.remove_file()
        lock.release()


def describe_file(path: Path) -> Entry:
    """Return what shows that a file has changed."""
    found = path.stat()
    return {"bytes": found.st_size, "modified": found.st_mtime_ns}


def name_of(shard: Shard, out: Path) -> str:
    """Return what the record calls a file: its place in the output folder."""
    return shard.target.relative_to(out).as_posix()


def _check_free(shards: Iterable[Shard]) -> None:
    for shard in shards:
        if os.path.lexists(shard.target):
            raise UsageError(
                f"{shorten(str(shard.target))} exists; choose another folder, or replace it with --force"
            )


def _read_record(path: Path, work: Entry) -> tuple[set[str], dict[str, Entry]]:
    """Return the names of the files that are planned and the entries of those that are finished."""
    if not os.path.lexists(path):
        return set(), {}
    entries = list(_read_lines(storage.read_bytes(path, DataError)))
    if not entries or entries[0].get("work") != work:
        raise UsageError(
            f"{shorten(str(path.parent))} has predictions of another model or with other options; choose "
            "another folder, or begin again with --force"
        )
    planned = {name for entry in entries for name in entry.get("planned", ())}
    return planned, {entry["finished"]: entry for entry in entries if "finished" in entry}


def _read_lines(content: bytes) -> Iterator[Entry]:
    """Yield the lines of a record up to the first that is not complete."""
    for line in content.splitlines(keepends=True):
        try:
            entry = json.loads(line)
        except ValueError:
            return
        if not isinstance(entry, dict) or not line.endswith(b"\n"):
            return
        yield entry


def _line(entry: Entry) -> bytes:
    return (json.dumps(entry) + "\n").encode()

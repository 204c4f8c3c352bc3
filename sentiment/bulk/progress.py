"""The records in the output folder from which a killed command is resumed: the plan, and what is finished."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sentiment.bulk.plan import Shard
from sentiment.data.text import shorten
from sentiment.errors import DataError, UsageError
from sentiment.runs.lock import FolderLock
from sentiment.system import storage

PLAN_FILE = "_plan.json"  # programs that read a folder of tables skip names that begin with _
PLAN_LIMIT = 2**28  # bytes; a million names have a quarter of that
Entry = dict[str, Any]


@dataclass(frozen=True)
class Counts:
    """What was written to one file."""

    rows: int = 0
    labels: Mapping[str, int] = field(default_factory=dict)
    flaws: Sequence[str] = ()
    """The first rows that were not predicted, each with its reason."""


def finish_shard(shard: Shard, source: Entry, counts: Counts) -> None:
    """Record that a file is finished; `source` is what `describe_file` said before it was read.

    The worker does it: a command that is killed later loses nothing.
    """
    with storage.machine_errors(shard.record):
        shard.record.parent.mkdir(parents=True, exist_ok=True)
    storage.write_file(shard.record, storage.dump_json({"source": source, **asdict(counts)}))


def is_finished(shard: Shard) -> bool:
    """Return whether a file is finished, and has not changed since."""
    entry = _read_record(shard)
    return bool(entry) and entry["source"] == describe_file(shard.source) and shard.target.is_file()


def read_counts(shard: Shard) -> Counts:
    """Return what was written to a file that is finished."""
    entry = _read_record(shard)
    return Counts(entry["rows"], entry["labels"], entry["flaws"])


def _read_record(shard: Shard) -> Entry:
    """Return the record of a file, empty if it has none."""
    if not shard.record.exists():
        return {}
    return storage.load_json(storage.read_bytes(shard.record, DataError), shard.record, DataError)


@contextmanager
def open_progress(out: Path, work: Entry, shards: Sequence[Shard], *, force: bool) -> Iterator[None]:
    """Hold a folder for some work inside the block; no other command may use it meanwhile.

    `work` is all that decides what is written, such as the model: another one is not mixed into the same
    folder. With `force` everything begins again. Raises UsageError if the folder is for other work, or has
    files that it is not planned to write; MachineError if the folder is in use.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {shorten(str(out))} is a file; name a folder")
    with storage.machine_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(out, "command")
    try:
        planned = set() if force else _read_plan(out / PLAN_FILE, work)
        names = {shard.target.relative_to(out).as_posix(): shard for shard in shards}
        if force:
            for shard in shards:
                shard.record.unlink(missing_ok=True)
        else:
            _check_free(shard for name, shard in names.items() if name not in planned)
        plan = {"work": work, "planned": sorted(planned | names.keys())}
        storage.write_file(out / PLAN_FILE, storage.dump_json(plan))
        yield
    finally:
        lock.remove_file()
        lock.release()


def describe_file(path: Path) -> Entry:
    """Return what shows that a file has changed."""
    found = path.stat()
    return {"bytes": found.st_size, "modified": found.st_mtime_ns}


def _check_free(shards: Iterable[Shard]) -> None:
    for shard in shards:
        if os.path.lexists(shard.target):
            raise UsageError(
                f"{shorten(str(shard.target))} exists; choose another folder, or replace it with --force"
            )


def _read_plan(path: Path, work: Entry) -> set[str]:
    """Return the names of the files that are planned already."""
    if not path.exists():
        return set()
    plan = storage.load_json(storage.read_bytes(path, DataError), path, DataError, PLAN_LIMIT)
    if plan.get("work") != work:
        raise UsageError(
            f"{shorten(str(path.parent))} has predictions of another model or with other options; choose "
            "another folder, or begin again with --force"
        )
    return set(plan["planned"])

"""Which files are predicted, and which file each becomes."""

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentiment.data.sources.files import FILE_ENDINGS, TEXT_ENDING, file_ending
from sentiment.data.text import shorten
from sentiment.errors import DataError, UsageError

# The ending of what is written, where it is not that of the file that is read.
NEW_ENDINGS = {".json": ".jsonl", ".arrow": ".parquet", ".xlsx": ".csv", ".txt": ".csv"}
RECORDS = "_finished"  # the folder of records in the output folder
IGNORED = ("_", ".")  # how the names of other things in a folder of tables begin, such as _SUCCESS


@dataclass(frozen=True)
class Shard:
    """A file to predict, and what it becomes."""

    source: Path
    target: Path
    record: Path
    """The file that says that it is finished."""


def find_shards(pattern: str, out: Path) -> list[Shard]:
    """Return the files that a name, a folder or a pattern such as `in/*.csv` means, in the order of names.

    Each keeps its name, its ending if that can be written, and its place below the first `*` or the folder.
    Raises DataError if there are none, UsageError if two become the same file or one would be overwritten.
    """
    base = _find_base(pattern)
    out = out.resolve()
    sources = sorted(_find_sources(pattern, base))
    if base.resolve() in out.parents:
        sources = [source for source in sources if out not in source.resolve().parents]
    if not sources:
        raise DataError(
            f"--file {shorten(pattern)}: no such file; put a pattern in quotes, such as 'in/*.csv'"
        )
    names = [_target_name(source.relative_to(base)) for source in sources]
    shards = [
        Shard(source, out / name, out / RECORDS / f"{name.as_posix()}.json")
        for source, name in zip(sources, names, strict=True)
    ]
    _check_targets(shards)
    return shards


def _find_base(pattern: str) -> Path:
    """Return the folder whose tree is kept in what is written."""
    path = Path(pattern).absolute()
    if path.is_dir():
        return path
    if path.exists():
        return path.parent
    while glob.has_magic(str(path)):
        path = path.parent
    return path


def _find_sources(pattern: str, base: Path) -> Iterable[Path]:
    path = Path(pattern).absolute()
    if path.is_file():
        return [path]
    is_folder = path == base
    found = base.rglob("*") if is_folder else base.glob(str(path.relative_to(base)))
    readable = (*FILE_ENDINGS, TEXT_ENDING)
    return [
        one
        for one in found
        if _is_visible(one.relative_to(base)) and one.is_file()
        if not is_folder or file_ending(one) in readable
    ]


def _is_visible(path: Path) -> bool:
    return not any(part.startswith(IGNORED) for part in path.parts)


def _target_name(name: Path) -> Path:
    """Return the name of what a file becomes: a packed file is written unpacked."""
    if name.suffix.lower() == ".gz":
        name = name.with_suffix("")
    ending = name.suffix.lower()
    return name.with_suffix(NEW_ENDINGS[ending]) if ending in NEW_ENDINGS else name


def _check_targets(shards: Sequence[Shard]) -> None:
    source_of: dict[Path, Path] = {}
    for shard in shards:
        other = source_of.setdefault(shard.target, shard.source)
        if other != shard.source:
            raise UsageError(
                f"{shorten(str(other))} and {shorten(str(shard.source))} would both become "
                f"{shorten(shard.target.name)}; name them in two commands"
            )
    sources = {source.resolve() for source in source_of.values()}
    for target in source_of:
        if target.resolve() in sources:
            raise UsageError(
                f"--out {shorten(str(target.parent))} has the files that are read; choose another folder"
            )

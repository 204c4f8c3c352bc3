"""Find the files of each split in a local folder with the layout of the hub, without asking the hub."""

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from sentiment.config import DataSettings
from sentiment.data.sources.cards import CARD, Card, read_card
from sentiment.data.sources.files import FILE_ENDINGS, file_ending, is_read_by_ending
from sentiment.data.sources.listing import list_files
from sentiment.data.sources.shards import read_shards
from sentiment.data.sources.split_names import canonical_split, require_one_each
from sentiment.data.sources.table import SplitReaders, Table
from sentiment.data.text import shorten
from sentiment.errors import DataError

# Files about a data set, which end like files of reviews.
HUB_METADATA = ("dataset_infos.json", "dataset_info.json", "dataset_dict.json", "config.json")
SHARD = re.compile(r"(.+)-\d{5}-of-\d{5}.*\..*")
SPLIT_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
WORDS = re.compile(r"[-._ 0-9]+")  # what is between the words of a name


def open_hub_folder(folder: Path, settings: DataSettings) -> SplitReaders:
    """Return the splits that README.md names, or else those that the names of files and folders tell.

    Nothing outside of the folder is read, except through a link to a file. Raises DataError if the folder
    holds no reviews, or if README.md names something that is not in it.
    """
    card = read_card(folder)
    files = list_files(folder)
    if card.patterns:
        found = _find_named_files(folder, card, files)
    else:
        start = folder / card.folder
        tables = [file for file in files if _is_table(file) and file.is_relative_to(start)]
        found = _find_splits(start, tables)
    if not found:
        raise DataError(f"{folder} holds no reviews: no {', '.join(FILE_ENDINGS)}, no train/pos")
    require_one_each(folder, map(canonical_split, found))
    return {
        canonical_split(split): partial(_read_split, folder, split, own, card, settings)
        for split, own in found.items()
    }


def _read_split(folder: Path, split: str, files: Sequence[Path], card: Card, settings: DataSettings) -> Table:
    """Read the files of one split; raises DataError if the card tells of more or fewer rows."""
    origin = f"{folder} ({shorten(split)})"
    table = read_shards(files, origin, settings)
    count = table.row_count + len(table.bad_rows)
    declared = card.rows.get(split, count)
    if declared != count:
        raise DataError(f"{origin} has {count:,} reviews, but {CARD} says {declared:,}; copy it again")
    return replace(table, classes=table.classes | dict(card.classes))


def _is_table(file: Path) -> bool:
    return file_ending(file) in FILE_ENDINGS and file.name not in HUB_METADATA


# --- files that the card names -------------------------------------------------------------------------


def _find_named_files(folder: Path, card: Card, files: Sequence[Path]) -> dict[str, list[Path]]:
    """Return the files of each split; raises DataError if an entry of the card fits none."""
    start = folder / card.folder
    within = {file.relative_to(start).parts: file for file in files if file.is_relative_to(start)}
    found: dict[str, list[Path]] = {}
    for split, patterns in card.patterns.items():
        chosen: dict[Path, None] = {}  # a file that fits two patterns is read once
        for pattern in patterns:
            fitting = _find_fitting(pattern, within)
            if not fitting:
                raise DataError(
                    f"{folder / CARD} names {shorten(pattern)}, but there is no such file in {start}; copy "
                    "it again, or mend data_files"
                )
            chosen.update(dict.fromkeys(fitting))
        found[split] = list(chosen)
    return found


def _find_fitting(pattern: str, within: dict[tuple[str, ...], Path]) -> list[Path]:
    """Return the file of that path, or the tables that fit a pattern, or else the text files that fit it."""
    wanted = PurePosixPath(pattern).parts
    if wanted in within:
        return [within[wanted]]
    fitting = [file for parts, file in within.items() if _fits(parts, wanted)]
    tables = [file for file in fitting if _is_table(file)]
    return tables or [file for file in fitting if is_read_by_ending(file)]


def _fits(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    """Return whether the parts of a path fit those of a pattern, in which `**` is any number of folders."""
    reached = {0}  # how many parts the pattern can have used up so far
    for name, before in zip(wanted, ("", *wanted), strict=False):
        if name == "**" != before:
            reached = set(range(min(reached), len(parts) + 1))
        elif name != "**":
            reached = {
                used + 1 for used in reached if used < len(parts) and fnmatch.fnmatchcase(parts[used], name)
            }
        if not reached:
            return False
    return len(parts) in reached


# --- files by their names, in the order in which the hub looks for splits ------------------------------


def _find_splits(folder: Path, tables: Sequence[Path]) -> dict[str, list[Path]]:
    """Return the tables of each split: shards in `data`, names of folders, names of files, or one split."""
    shards = [(shard[1], file) for file in tables if (shard := SHARD.fullmatch(file.name))]
    found = _group((split, file) for split, file in shards if file.parent == folder / "data")
    if not found:
        found = _group_by_words({file: file.relative_to(folder).parts[:-1] for file in tables})
    if not found:
        found = _group_by_words({file: (file.name,) for file in tables})
    return found or ({"train": list(tables)} if tables else {})


def _group(pairs: Iterable[tuple[str, Path]]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for split, file in pairs:
        groups.setdefault(split, []).append(file)
    return groups


def _group_by_words(names: Mapping[Path, Sequence[str]]) -> dict[str, list[Path]]:
    """Return the files whose names have a word for a split; raises DataError if one has words for two."""
    pairs = []
    for file, own in names.items():
        words = {word for name in own for word in WORDS.split(name.lower())}
        splits = [split for split, usual in SPLIT_WORDS.items() if words.intersection(usual)]
        if len(splits) > 1:
            raise DataError(f"{file}: its name says {' and '.join(splits)}; rename it, one split per file")
        pairs += [(split, file) for split in splits]
    return _group(pairs)

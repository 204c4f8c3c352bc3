"""The names of splits: what people call them, and what this program calls them."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from sentiment.errors import DataError

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "dev": "validation",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


def canonical_split(name: str) -> str:
    """Return what this program calls a split: `dev` and `Valid` are `validation`; other names stay."""
    return SPLIT_NAMES.get(name.lower(), name)


def is_split_name(name: str) -> bool:
    """Return whether a name is a usual one of a split."""
    return name.lower() in SPLIT_NAMES


def require_one_each(folder: Path | str, splits: Iterable[str]) -> None:
    """Raise DataError if two files or folders are the same split."""
    counts = Counter(splits)
    (name, count), *_ = counts.most_common(1)
    if count > 1:
        raise DataError(f"{folder}: {count} files are called {name}; keep one file per split")

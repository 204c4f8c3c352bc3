"""Read a folder for each class with a text file for each review, such as the original aclImdb archive."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sentiment.config import DataSettings
from sentiment.data.labels import NO_LABEL, UNLABELLED
from sentiment.data.sources.budget import MOST_CHARACTERS, require_short
from sentiment.data.sources.listing import refuse_linked_folder
from sentiment.data.sources.split_names import canonical_split, is_split_name, require_one_each
from sentiment.data.sources.table import SplitReaders, Table
from sentiment.errors import DataError

CLASS_FOLDERS = {"neg": 0, "negative": 0, "pos": 1, "positive": 1}
UNLABELLED_FOLDERS = {"unsup": NO_LABEL}
ACL_NAME = re.compile(r"(\d+)_\d+\.txt")  # number and stars


def find_class_splits(folder: Path) -> dict[str, Path]:
    """Return the folders of the splits that hold a folder for each class; nothing if there is none.

    A folder that holds `pos` and `neg` itself is the split `train`. Raises DataError if the folder of a split
    is a link.
    """
    if _has_class_folders(folder):
        return {"train": folder}
    found = [
        path for path in sorted(folder.iterdir()) if is_split_name(path.name) and _has_class_folders(path)
    ]
    for path in found:
        refuse_linked_folder(path)
    if found:
        require_one_each(folder, (canonical_split(path.name) for path in found))
    return {canonical_split(path.name): path for path in found}


def open_class_folders(splits: Mapping[str, Path], settings: DataSettings) -> SplitReaders:
    """Return the splits; the unlabelled reviews of the archive are in the folder of train."""
    readers: SplitReaders = {
        split: partial(_read_classes, path, CLASS_FOLDERS, settings.encoding)
        for split, path in splits.items()
    }
    if "train" in splits and (splits["train"] / "unsup").is_dir():
        readers[UNLABELLED] = partial(_read_classes, splits["train"], UNLABELLED_FOLDERS, settings.encoding)
    return readers


def _has_class_folders(folder: Path) -> bool:
    return (folder / "pos").is_dir() or ((folder / "positive").is_dir() and (folder / "negative").is_dir())


def _read_classes(folder: Path, classes: Mapping[str, int], encoding: str) -> Table:
    """Read a text file per review; line n of a list of URLs names the film of review n."""
    texts: list[str] = []
    labels: list[int] = []
    films: list[str] = []
    for name, label in classes.items():
        refuse_linked_folder(folder / name)
        files = sorted((folder / name).glob("*.txt"), key=_reading_order)
        texts += [_read_text(file, encoding) for file in files]
        labels += [label] * len(files)
        films += _read_films(folder / f"urls_{name}.txt", files)
    columns: dict[str, Sequence[Any]] = {"text": texts, "label": labels}
    if films and len(films) == len(texts):
        columns["film"] = films
    return Table(str(folder), columns)


def _reading_order(file: Path) -> tuple[int, str]:
    """Return what sorts files: the number of the archive's names, the name of others."""
    number = _review_number(file)
    return (-1 if number is None else number), file.name


def _review_number(file: Path) -> int | None:
    found = ACL_NAME.fullmatch(file.name)
    return None if found is None else int(found[1])


def _read_films(urls: Path, files: Sequence[Path]) -> Iterator[str]:
    """Yield the URL of the film of each numbered file; nothing if there is no list of URLs."""
    if not urls.is_file():
        return
    films = _read_text(urls).splitlines()
    for file in files:
        number = _review_number(file)
        if number is None:
            continue
        if number >= len(films):
            raise DataError(f"{urls} has no line for {file.name}; copy it again or remove it")
        yield films[number]


def _read_text(file: Path, encoding: str = "") -> str:
    try:
        with file.open(encoding=encoding or "utf-8") as stream:
            text = stream.read(MOST_CHARACTERS + 1)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file} is not {encoding or 'UTF-8'} (byte {error.start}); convert it, or name its encoding, "
            "for example --encoding cp1252"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from None
    require_short(len(text), file, "text")
    return text

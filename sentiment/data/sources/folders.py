"""Find the splits of a folder: a file per split, the original aclImdb archive, or the layout of the hub."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sentiment.config import DataSettings
from sentiment.data.labels import NO_LABEL, UNLABELLED
from sentiment.data.sources.datasets_adapter import quiet_datasets, root_cause, table_of_dataset
from sentiment.data.sources.files import FILE_ENDINGS, read_table
from sentiment.data.sources.table import SplitReaders, Table
from sentiment.data.text import shorten
from sentiment.errors import DataError

HUB_SHARD = re.compile(r".+-\d{5}-of-\d{5}")
HUB_METADATA = ("dataset_infos.json",)  # looks like a file of reviews in a folder from the hub
ACL_NAME = re.compile(r"\d+_\d+\.txt")


def open_folder(folder: Path, settings: DataSettings) -> SplitReaders:
    """Return the splits of a folder; raises DataError if it holds no reviews."""
    if (folder / "train" / "pos").is_dir():
        return _open_acl_imdb(folder)
    files = [
        file
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in FILE_ENDINGS and file.name not in HUB_METADATA
    ]
    if not files or any(HUB_SHARD.fullmatch(file.stem) for file in files):
        return _open_hub_layout(folder)
    (name, count), *_ = Counter(file.stem for file in files).most_common(1)
    if count > 1:
        raise DataError(f"{folder}: {count} files are called {name}; keep one file per split")
    return {file.stem: partial(read_table, file, settings) for file in files}


# --- aclImdb -------------------------------------------------------------------------------------------


def _open_acl_imdb(folder: Path) -> SplitReaders:
    """Return the splits of the original archive; its unlabelled reviews are in the folder of train."""
    splits: SplitReaders = {
        split: partial(_read_acl_imdb, folder / split, {"neg": 0, "pos": 1})
        for split in ("train", "test")
        if (folder / split).is_dir()
    }
    if (folder / "train" / "unsup").is_dir():
        splits[UNLABELLED] = partial(_read_acl_imdb, folder / "train", {"unsup": NO_LABEL})
    return splits


def _read_acl_imdb(folder: Path, classes: Mapping[str, int]) -> Table:
    """Read a text file per review; line n of a list of URLs names the film of review n."""
    texts, labels, films = [], [], []
    for name, label in classes.items():
        urls = folder / f"urls_{name}.txt"
        films_of_class = _read_text(urls).splitlines() if urls.is_file() else None
        files = [file for file in (folder / name).glob("*.txt") if ACL_NAME.fullmatch(file.name)]
        for file in sorted(files, key=_review_number):
            texts.append(_read_text(file))
            labels.append(label)
            if films_of_class is not None:
                if _review_number(file) >= len(films_of_class):
                    raise DataError(f"{urls} has no line for {file.name}; copy it again or remove it")
                films.append(films_of_class[_review_number(file)])
    columns: dict[str, Sequence[Any]] = {"text": texts, "label": labels}
    if len(films) == len(texts):
        columns["film"] = films
    return Table(str(folder), columns)


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 (byte {error.start}); convert it") from None
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from None


def _review_number(file: Path) -> int:
    return int(file.name.split("_")[0])


# --- the layout of the hub -----------------------------------------------------------------------------


def _open_hub_layout(folder: Path) -> SplitReaders:
    """Return the splits that `datasets` finds in a folder."""
    import datasets

    with _readable(folder, str(folder)):
        builder = datasets.load_dataset_builder(str(folder))
    return {
        str(split): partial(_read_hub_split, folder, builder, str(split))
        for split in builder.config.data_files
    }


def _read_hub_split(folder: Path, builder: Any, split: str) -> Table:
    """Read the files of one split; raises DataError if the folder's README.md tells of more or fewer rows."""
    import datasets

    origin, files = f"{folder} ({split})", list(builder.config.data_files[split])
    with _readable(folder, origin):
        dataset = datasets.load_dataset(
            str(folder), data_files={split: files}, split=split, features=builder.info.features
        )
    declared = (builder.info.splits or {}).get(split)
    if declared is not None and declared.num_examples != len(dataset):
        raise DataError(
            f"{origin} has {len(dataset):,} reviews, but README.md says {declared.num_examples:,}; "
            "copy it again"
        )
    return table_of_dataset(dataset, origin)


@contextmanager
def _readable(folder: Path, origin: str) -> Iterator[None]:
    """Run `datasets` quietly; turn whatever it raises into a DataError."""
    from datasets.data_files import EmptyDatasetError
    from datasets.exceptions import DataFilesNotFoundError

    try:
        with quiet_datasets():
            yield
    except (DataFilesNotFoundError, EmptyDatasetError):
        raise DataError(f"{folder} holds no reviews: no {', '.join(FILE_ENDINGS)}, no train/pos") from None
    except Exception as error:
        raise DataError(f"{origin} holds no readable reviews: {shorten(root_cause(error))}") from None

"""Find the splits of a folder: a file per split, or the layout of the hub."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sentiment.config import DataSettings
from sentiment.data.sources.class_folders import find_class_splits, open_class_folders
from sentiment.data.sources.datasets_adapter import quiet_datasets, root_cause, table_of_dataset
from sentiment.data.sources.files import FILE_ENDINGS, TEXT_ENDING, file_ending, read_table
from sentiment.data.sources.saved_datasets import is_saved_dataset, open_saved_dataset
from sentiment.data.sources.split_names import canonical_split, is_split_name, require_one_each
from sentiment.data.sources.table import SplitReaders, Table
from sentiment.data.text import shorten
from sentiment.errors import DataError

HUB_SHARD = re.compile(r".+-\d{5}-of-\d{5}")
HUB_METADATA = ("dataset_infos.json",)  # looks like a file of reviews in a folder from the hub


def open_folder(folder: Path, settings: DataSettings) -> SplitReaders:
    """Return the splits of a folder; raises DataError if it holds no reviews."""
    if is_saved_dataset(folder):
        return open_saved_dataset(folder)
    if class_splits := find_class_splits(folder):
        return open_class_folders(class_splits, settings)
    files = {file: _stem(file) for file in sorted(folder.iterdir()) if _is_split_file(file)}
    if not files or any(HUB_SHARD.fullmatch(stem) for stem in files.values()):
        return _open_hub_layout(folder)
    splits = {file: canonical_split(stem) for file, stem in files.items()}
    require_one_each(folder, splits.values())
    return {split: partial(read_table, file, settings) for file, split in splits.items()}


def _is_split_file(file: Path) -> bool:
    """Return whether a file of a folder is a table, or a text file named like a split."""
    ending = file_ending(file)
    if ending == TEXT_ENDING:
        return is_split_name(_stem(file))
    return ending in FILE_ENDINGS and file.name not in HUB_METADATA


def _stem(file: Path) -> str:
    """Return the name of a file without `.gz` and its ending; `train.ft.txt` of fastText is `train`."""
    stem = Path(file.stem).stem if file.suffix.lower() == ".gz" else file.stem
    return stem.removesuffix(".ft") if file_ending(file) == TEXT_ENDING else stem


# --- the layout of the hub -----------------------------------------------------------------------------


def _open_hub_layout(folder: Path) -> SplitReaders:
    """Return the splits that `datasets` finds in a folder."""
    import datasets

    with _readable(folder, str(folder)):
        builder = datasets.load_dataset_builder(str(folder))
    names = [str(split) for split in builder.config.data_files]
    require_one_each(folder, map(canonical_split, names))
    return {canonical_split(name): partial(_read_hub_split, folder, builder, name) for name in names}


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
    """Run `datasets` quietly; turn any of its errors into a DataError."""
    from datasets.data_files import EmptyDatasetError
    from datasets.exceptions import DataFilesNotFoundError

    try:
        with quiet_datasets():
            yield
    except (DataFilesNotFoundError, EmptyDatasetError):
        raise DataError(f"{folder} holds no reviews: no {', '.join(FILE_ENDINGS)}, no train/pos") from None
    except Exception as error:
        raise DataError(f"{origin} holds no readable reviews: {shorten(root_cause(error))}") from None

"""Find the splits of a folder: a file per split, or the layout of the hub."""

import re
from functools import partial
from pathlib import Path

from sentiment.config import DataSettings
from sentiment.data.sources.class_folders import find_class_splits, open_class_folders
from sentiment.data.sources.files import FILE_ENDINGS, TEXT_ENDING, file_ending, read_table
from sentiment.data.sources.hub_folders import HUB_METADATA, open_hub_folder
from sentiment.data.sources.saved_datasets import is_saved_dataset, open_saved_dataset
from sentiment.data.sources.split_names import canonical_split, is_split_name, require_one_each
from sentiment.data.sources.table import SplitReaders
from sentiment.data.sources.text_files import is_packed

HUB_SHARD = re.compile(r".+-\d{5}-of-\d{5}")


def open_folder(folder: Path, settings: DataSettings) -> SplitReaders:
    """Return the splits of a folder; raises DataError if it holds no reviews."""
    if is_saved_dataset(folder):
        return open_saved_dataset(folder, settings)
    if class_splits := find_class_splits(folder):
        return open_class_folders(class_splits, settings)
    files = {file: _stem(file) for file in sorted(folder.iterdir()) if _is_split_file(file)}
    if not files or any(HUB_SHARD.fullmatch(stem) for stem in files.values()):
        return open_hub_folder(folder, settings)
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
    stem = Path(file.stem).stem if is_packed(file) else file.stem
    return stem.removesuffix(".ft") if file_ending(file) == TEXT_ENDING else stem

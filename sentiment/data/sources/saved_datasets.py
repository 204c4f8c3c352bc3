"""Read folders that `save_to_disk` of Hugging Face `datasets` wrote."""

import json
from functools import partial
from pathlib import Path

from sentiment.data.sources.datasets_adapter import quiet_datasets, root_cause, table_of_dataset
from sentiment.data.sources.split_names import canonical_split, require_one_each
from sentiment.data.sources.table import SplitReaders, Table
from sentiment.data.text import shorten
from sentiment.errors import DataError

SPLITS_FILE = "dataset_dict.json"
STATE_FILE = "state.json"


def is_saved_dataset(folder: Path) -> bool:
    """Return whether `save_to_disk` wrote a folder."""
    return any((folder / name).is_file() for name in (SPLITS_FILE, STATE_FILE))


def open_saved_dataset(folder: Path) -> SplitReaders:
    """Return the splits of a saved data set; one without splits is `train`."""
    if not (folder / SPLITS_FILE).is_file():
        return {"train": partial(_read_saved, folder)}
    try:
        names = json.loads((folder / SPLITS_FILE).read_text(encoding="utf-8"))["splits"]
    except (ValueError, KeyError, TypeError, OSError):
        raise DataError(f"{folder / SPLITS_FILE} is damaged; save the data set again") from None
    require_one_each(folder, map(canonical_split, names))
    return {canonical_split(name): partial(_read_saved, folder / name) for name in names}


def _read_saved(folder: Path) -> Table:
    import datasets

    try:
        with quiet_datasets():
            return table_of_dataset(datasets.load_from_disk(str(folder)), str(folder))
    except Exception as error:
        raise DataError(f"{folder} holds no readable reviews: {shorten(root_cause(error))}") from None

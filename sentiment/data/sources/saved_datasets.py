"""Read folders that `save_to_disk` of Hugging Face `datasets` wrote."""

from functools import partial
from pathlib import Path
from typing import Any

from sentiment.config import DataSettings
from sentiment.data.sources.listing import refuse_linked_folder
from sentiment.data.sources.shards import read_shards
from sentiment.data.sources.split_names import canonical_split, require_one_each
from sentiment.data.sources.table import SplitReaders, Table
from sentiment.data.text import shorten
from sentiment.errors import DataError
from sentiment.system import storage

SPLITS_FILE = "dataset_dict.json"
STATE_FILE = "state.json"


def is_saved_dataset(folder: Path) -> bool:
    """Return whether `save_to_disk` wrote a folder."""
    return any((folder / name).is_file() for name in (SPLITS_FILE, STATE_FILE))


def open_saved_dataset(folder: Path, settings: DataSettings) -> SplitReaders:
    """Return the splits of a saved data set; one without splits is `train`.

    Raises DataError if its list of splits is damaged or names something that is not in the folder.
    """
    path = folder / SPLITS_FILE
    if not path.is_file():
        return {"train": partial(_read_saved, folder, settings)}
    names = _require_names(path, _read_json(path).get("splits"))
    require_one_each(folder, map(canonical_split, names))
    return {canonical_split(name): partial(_read_saved, folder / name, settings) for name in names}


def _read_saved(folder: Path, settings: DataSettings) -> Table:
    """Read the files that the state of a split lists, all of them in its folder."""
    refuse_linked_folder(folder)
    path = folder / STATE_FILE
    entries = _read_json(path).get("_data_files")
    if not isinstance(entries, list):
        raise _damage(path, "it lists no files")
    listed = [one.get("filename") if isinstance(one, dict) else None for one in entries]
    return read_shards([folder / name for name in _require_names(path, listed)], str(folder), settings)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return storage.load_json(
            storage.read_bytes(path, DataError, follow_links=True, limit=storage.JSON_LIMIT), path, DataError
        )
    except DataError as error:
        raise DataError(f"{error}; save the data set again") from None


def _require_names(path: Path, names: Any) -> list[str]:
    """Return the names that a file lists; raises DataError unless each is the name of something beside it."""
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise _damage(path, "it lists no files")
    for name in names:
        if not storage.is_plain_name(name):
            raise DataError(
                f"{path} names {shorten(name)}, which is not in its folder; only files in it are read"
            )
    if len(set(names)) < len(names):
        raise _damage(path, "it names a file twice")
    return names


def _damage(path: Path, reason: str) -> DataError:
    return DataError(f"{path} is damaged: {reason}; save the data set again")

"""Find out what the name of a source means: bundled reviews, a file, a folder or a data set on the hub."""

import difflib
from functools import partial
from importlib import resources
from pathlib import Path

from sentiment.config import DataSettings
from sentiment.data.sources.files import read_table
from sentiment.data.sources.folders import open_folder
from sentiment.data.sources.hub import HubName, download, parse_hub_name
from sentiment.data.sources.table import SplitReaders
from sentiment.data.text import shorten
from sentiment.errors import DataError
from sentiment.system.folders import expand_home

PATH_LENGTH = 120  # characters of a path in a message
BUNDLED = {"sample": "sample", "phrases": "phrases.jsonl"}


def open_source(source: str, settings: DataSettings) -> SplitReaders:
    """Return the splits of a source without reading them; a single file is the split `train`.

    `sample` and `phrases` are the bundled reviews, even if a folder is called so here; `./sample` is a path.
    Raises DataError if there is no such source, and MachineError if a download fails.
    """
    path = _bundled_path(source) if source in BUNDLED else expand_home(source)
    if path.is_file():
        return {"train": partial(read_table, path, settings)}
    if path.is_dir():
        return open_folder(path, settings)
    if (wanted := _find_on_hub(source)) is not None:
        return download(wanted)
    raise DataError(_describe_missing_source(source, path))


def _bundled_path(name: str) -> Path:
    return Path(str(resources.files("sentiment.data") / BUNDLED[name]))


def _find_on_hub(source: str) -> HubName | None:
    """Return the data set that a source may be, unless it is a path whose first folder is here."""
    wanted = parse_hub_name(source)
    if wanted is not None and "/" in wanted.name and Path(source).parent.is_dir():
        return None
    return wanted


def _describe_missing_source(source: str, path: Path) -> str:
    """Return the message for a source that does not exist, with similar names."""
    similar = _similar_sources(path)
    hint = "give a file, a folder, or owner/name of a data set on the hub"
    if similar:
        hint = f"did you mean {' or '.join(shorten(name, PATH_LENGTH) for name in similar)}?"
    elif parse_hub_name(source) is not None:
        hint = f"if it is on the hub, run the command in a folder that has no {path.parent}/"
    return f"no reviews at {shorten(source, PATH_LENGTH)}: there is no such file or folder; {hint}"


def _similar_sources(path: Path) -> list[str]:
    """Return up to three names in the folder of `path` that are spelt like its own."""
    try:
        names = [file.name for file in path.parent.iterdir() if not file.name.startswith(".")]
    except OSError:
        return []
    if path.parent == Path():
        names += [name for name in BUNDLED if name not in names]
    return [str(path.with_name(name)) for name in difflib.get_close_matches(path.name, sorted(names))]

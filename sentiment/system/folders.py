"""The user's folders: home, if there is one, and the cache."""

import os
import stat
import tempfile
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

from sentiment.errors import MachineError
from sentiment.system.storage import machine_errors


def expand_home(name: str | Path) -> Path:
    """Return a path with `~` replaced by the home folder; unchanged if the user has none."""
    path = Path(name)
    with suppress(RuntimeError):
        return path.expanduser()
    return path


def cache_folder() -> Path:
    """Return the folder of what this program can make again: in `XDG_CACHE_HOME`, else in `~/.cache`.

    A user without a home, as in a container with an unknown user, has a private one among the temporary
    files. Raises MachineError if that belongs to somebody else.
    """
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "sentiment"
    try:
        return Path.home() / ".cache" / "sentiment"
    except RuntimeError:
        return _private_folder(Path(tempfile.gettempdir()) / f"sentiment-{os.getuid()}")


def give_hub_a_home(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let `datasets` keep downloads in our cache if the user has no home: it would make a folder called ~."""
    try:
        Path.home()
    except RuntimeError:
        environment.setdefault("HF_HOME", f"{cache_folder() / 'huggingface'}")


def _private_folder(folder: Path) -> Path:
    """Make a folder for this user alone; raises MachineError if it is somebody else's."""
    with machine_errors(folder), suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise MachineError(f"there is no home folder, and {folder} is not private; set XDG_CACHE_HOME=FOLDER")
    return folder

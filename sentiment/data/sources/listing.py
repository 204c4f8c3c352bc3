"""List the files of a data folder. Links to files are followed, links to folders are refused."""

from pathlib import Path

from sentiment.errors import DataError

MOST_FILES = 10_000


def list_files(folder: Path) -> list[Path]:
    """Return the files in a folder and in the folders below it, in order, without hidden ones.

    Raises DataError if a link to a folder is among them, if there are more than `MOST_FILES`, or if a folder
    cannot be read.
    """
    files: list[Path] = []
    waiting = [folder]
    while waiting:
        for path in _list_entries(waiting.pop()):
            if path.name.startswith((".", "__")):
                continue
            if path.is_file():
                files.append(path)
            elif path.is_dir():
                refuse_linked_folder(path)
                waiting.append(path)
            if len(files) + len(waiting) > MOST_FILES:
                raise DataError(
                    f"{folder} has more than {MOST_FILES:,} files; give the folder of one data set"
                )
    return sorted(files)


def refuse_linked_folder(path: Path) -> None:
    """Raise DataError if a folder of a data folder is a link."""
    if path.is_symlink():
        raise DataError(
            f"{path} is a link to a folder, which is not followed; put the folder itself there, or remove it"
        )


def _list_entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"cannot read {folder}: {error.strerror}") from None

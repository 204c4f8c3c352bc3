"""Download word vectors by their name once, and keep them as text whose hash is checked.

An entry of the cache is a folder with a text file and a manifest. Whatever else is in its place is removed,
and the vectors are downloaded again.
"""

import shutil
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import IO

from sentiment.data.text import shorten
from sentiment.data.torchtext_adapter import VECTOR_NAMES, vector_address
from sentiment.data.vector_files import MOST_UNPACKED, unpacked_limit
from sentiment.errors import DataError, MachineError
from sentiment.system import storage
from sentiment.system.console import progress_bar
from sentiment.system.folders import cache_folder
from sentiment.system.held_folder import hold_folder

TEXT_FILE = "vectors.txt"
PIECE = 2**20  # bytes
PATIENCE = 30  # seconds without a byte of the server


def fetch_vectors(name: str) -> Path:
    """Return the text file of named vectors, from the cache or else from the network.

    Raises MachineError if they cannot be downloaded.
    """
    folder = _entry_folder(name)
    if not _is_whole(folder):
        forget_vectors(name)
        try:
            _download(name, folder.parent)
        except MachineError:
            raise
        except Exception as error:  # zipfile raises whatever unpacking raises
            raise download_error(name, shorten(error)) from None
    return folder / TEXT_FILE


def forget_vectors(name: str) -> None:
    """Remove what the cache has under a name: an entry or anything else; of a link not what it leads to."""
    folder = _entry_folder(name)
    with storage.machine_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with hold_folder(folder.parent, may_be_link=True) as held:
            held.remove(folder.name)


def download_error(name: str, reason: str) -> MachineError:
    """Return the error for vectors that cannot be had by their name."""
    return MachineError(f"cannot download {name} ({reason}); use a local file: --set vocabulary.vectors=FILE")


def _entry_folder(name: str) -> Path:
    return cache_folder() / "vectors" / name


def _is_whole(folder: Path) -> bool:
    """Return whether an entry has its text, byte for byte."""
    try:
        storage.verify(folder, DataError)
        return not folder.is_symlink() and TEXT_FILE in storage.read_manifest(folder, DataError)
    except (DataError, OSError):
        return False


def _download(name: str, cache: Path) -> None:
    """Download an archive or a text, and keep each set of vectors that it holds."""
    url, _ = vector_address(name)
    # The file has no name: if this process is killed, nothing is left of it.
    with tempfile.TemporaryFile(dir=cache) as file:
        _fetch(url, name, file)
        names = {vector_address(one)[1]: one for one in VECTOR_NAMES if vector_address(one)[0] == url}
        if url.endswith(".zip"):
            _unpack(file, names, cache)
        else:
            file.seek(0)
            _keep(file, cache / name)
    if not (cache / name).is_dir():
        raise ValueError("the archive does not hold it")


def _fetch(url: str, name: str, file: IO[bytes]) -> None:
    """Write what is at an address to a file; raises OSError if not all of it comes."""
    try:
        answer = urllib.request.urlopen(url, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        error.close()  # it holds the connection
        raise
    with answer as response:
        size = int(response.headers.get("Content-Length") or 0)
        with progress_bar(f"download {name}", size // PIECE, "MiB") as bar:
            while piece := response.read(PIECE):
                file.write(piece)
                bar.update()
    if file.tell() < size:
        raise OSError(f"only {file.tell():,} of {size:,} bytes came")


def _unpack(file: IO[bytes], names: dict[str, str], cache: Path) -> None:
    """Keep the files of an archive that have one of these names; raises ValueError at a hostile archive."""
    limit = unpacked_limit(file.tell())
    with zipfile.ZipFile(file) as archive:
        members = [member for member in archive.infolist() if member.filename in names]
        if sum(member.file_size for member in members) > limit:
            raise ValueError(f"it unpacks to more than {MOST_UNPACKED} times its size")
        # Other methods can ask for gigabytes of memory.
        if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
            raise ValueError("it is packed by an unusual method")
        for member in members:
            with archive.open(member) as text:
                _keep(text, cache / names[member.filename])


def _keep(text: IO[bytes], folder: Path) -> None:
    """Make an entry of the cache; one that is there already stays."""
    with storage.new_folder(folder, parent_may_be_link=True) as held, held.open(TEXT_FILE, "xb") as file:
        shutil.copyfileobj(text, file, PIECE)

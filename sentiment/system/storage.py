"""Write files atomically, and verify them when they are read.

After a crash a file has its old or its new content, never a part. All files of a run are written here, except
those of TensorBoard, which the program never reads. Tests can break the disk in this one place.
"""

import errno
import fnmatch
import hashlib
import json
import os
import secrets
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from sentiment.errors import InputError, MachineError, UsageError
from sentiment.system.held_folder import HeldFolder, hold_folder, refuse_link

MANIFEST = "manifest.json"
TEMPORARY = ".*.tmp"  # the pattern of every temporary name
REPLACED = ".old.tmp"  # the end of the name of a folder that is being replaced
LONGEST_NAME = 255  # bytes
LONGEST_PART = 64  # characters of a name in its temporary name
MANIFEST_LIMIT = 2**20  # bytes; ours have a few thousand
JSON_LIMIT = 2**18  # bytes of a file of facts or progress; ours have a few thousand


def write_file(path: Path, content: bytes) -> None:
    """Put `content` at `path`: written beside it, synced, renamed over it."""
    with new_file(path) as file:
        file.write(content)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file next to `path` that is synced and renamed over it if the block succeeds.

    A link at `path` is replaced, not followed. Raises MachineError if the file cannot be written; an OSError
    of the block is taken for that.
    """
    with (
        machine_errors(path),
        hold_folder(path.parent, may_be_link=True) as folder,
        _new_file_in(folder, path.name) as file,
    ):
        yield file


@contextmanager
def _new_file_in(folder: HeldFolder, name: str) -> Iterator[BinaryIO]:
    temporary = _temporary_name(name)
    try:
        with folder.open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        folder.rename(temporary, name)
        sync_folder(folder)
    finally:
        with suppress(OSError):
            folder.remove(temporary)


def _temporary_name(name: str) -> str:
    """Return a name that nobody can guess, so that nobody can take it before us."""
    return f".{name[:LONGEST_PART]}.{secrets.token_hex(8)}.tmp"


def check_free(path: Path, force: bool) -> None:
    """Raise UsageError if no file can be written at `path`, or if one is there already (and not `force`)."""
    if path.is_dir() or not path.parent.is_dir():
        reason = "it is a folder" if path.is_dir() else "its folder does not exist"
        raise UsageError(f"cannot write {path}: {reason}")
    if path.exists() and not path.is_file():
        raise UsageError(f"cannot write {path}: it is no regular file; choose another name")
    if os.path.lexists(path) and not force:
        raise UsageError(f"{path} exists; choose another name, or replace it with --force")


@contextmanager
def new_folder(
    path: Path, replace: bool = False, *, parent_may_be_link: bool = False
) -> Iterator[HeldFolder]:
    """Yield a temporary folder that becomes `path`, with a manifest of its files, if the block succeeds.

    If there is a folder at `path` by then, it stays, and the new one is lost; `replace` replaces it. Raises
    RunError if the folder above is a link, unless it may be one.
    """
    temporary = _temporary_name(path.name)
    if not parent_may_be_link:
        refuse_link(path.parent)
    with ExitStack() as stack:
        with machine_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            parent = stack.enter_context(hold_folder(path.parent, may_be_link=parent_may_be_link))
            stack.callback(_clear_away, parent, temporary, path.name)
            parent.make_folder(temporary)
            folder = stack.enter_context(parent.hold(temporary))
        yield folder
        with machine_errors(path):
            _sync_whole(folder)
            _put_in_place(parent, temporary, path.name, replace)


def _sync_whole(folder: HeldFolder) -> None:
    """Add the manifest, and force the folder with all its files to the disk."""
    _write_manifest_in(folder)
    for name in folder.names():
        if folder.is_file(name):
            sync_file(folder, name)
    sync_folder(folder)


def _put_in_place(parent: HeldFolder, temporary: str, name: str, replace: bool) -> None:
    old = _replaced_name(name)
    if replace and name in parent.names():
        parent.remove(old)
        parent.rename(name, old)
    try:
        parent.rename(temporary, name)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
    sync_folder(parent)


def _clear_away(parent: HeldFolder, temporary: str, name: str) -> None:
    """Remove what a finished or failed writer of a folder has left."""
    with suppress(OSError):
        parent.remove(temporary)
        if parent.is_folder(_replaced_name(name)) and name not in parent.names():
            parent.rename(_replaced_name(name), name)  # the second of the two renames failed
        parent.remove(_replaced_name(name))


def _replaced_name(name: str) -> str:
    return f".{name}{REPLACED}"


def remove_leftovers(folder: HeldFolder) -> None:
    """Remove the temporary files of killed processes from a folder that nobody else writes to.

    If one of them had moved a folder away but not replaced it yet, that folder is moved back.
    """
    for old in fnmatch.filter(folder.names(), f".*{REPLACED}"):
        name = old[1 : -len(REPLACED)]
        if folder.is_folder(old) and name not in folder.names():
            folder.rename(old, name)
    for leftover in fnmatch.filter(folder.names(), TEMPORARY):
        folder.remove(leftover)


def write_manifest(folder: Path, names: Collection[str] | None = None) -> None:
    """List the SHA-256 and size of each file directly in `folder`, or of those among `names`."""
    with machine_errors(folder), hold_folder(folder, may_be_link=True) as held:
        _write_manifest_in(held, names)


def _write_manifest_in(folder: HeldFolder, names: Collection[str] | None = None) -> None:
    listed = [name for name in folder.names() if name[0] != "." and name != MANIFEST and folder.is_file(name)]
    entries = {name: _fingerprint_in(folder, name) for name in listed if names is None or name in names}
    with _new_file_in(folder, MANIFEST) as file:
        file.write(dump_json({"files": entries}))


def verify(folder: Path, error_type: type[InputError]) -> None:
    """Raise `error_type` unless each file of the manifest is there, byte for byte."""
    for name, expected in read_manifest(folder, error_type).items():
        file = folder / name
        _check_size(file, expected, error_type, follow_links=False)
        if _fingerprint_file(file) != expected:
            raise _damage_error(file, error_type)


def read_manifest(
    folder: Path, error_type: type[InputError], follow_links: bool = False
) -> dict[str, dict[str, Any]]:
    """Return name -> {sha256, bytes}; raise `error_type` if the manifest is missing or malformed."""
    path = folder / MANIFEST
    content = read_bytes(path, error_type, follow_links, limit=MANIFEST_LIMIT)
    entries = load_json(content, path, error_type, MANIFEST_LIMIT).get("files")
    if not isinstance(entries, dict) or not all(map(is_plain_name, entries)):
        raise error_type(f"{path} is damaged: it lists no files")
    if content != dump_json({"files": entries}):
        raise error_type(f"{path} is damaged: not the bytes that were written")
    return entries


def is_plain_name(name: str) -> bool:
    """Return whether a name is that of a file that a list may name: not hidden, in no other folder."""
    is_short = len(name.encode("utf-8", "surrogatepass")) <= LONGEST_NAME
    return is_short and "/" not in name and not name.startswith(".")


def read_verified(
    folder: Path,
    name: str,
    entries: dict[str, dict[str, Any]],
    error_type: type[InputError],
    *,
    follow_links: bool = False,
) -> bytes:
    """Read one file of a manifest once, check its hash, and return the bytes that were checked.

    With `follow_links` it may be a link to a regular file of the right size and hash, as in a folder of DVC,
    git-annex or a hub's cache.
    """
    if name not in entries:
        raise error_type(f"{folder / MANIFEST} does not list {name}")
    _check_size(folder / name, entries[name], error_type, follow_links)
    content = read_bytes(folder / name, error_type, follow_links)
    if fingerprint(content) != entries[name]:
        raise _damage_error(folder / name, error_type)
    return content


def _check_size(file: Path, expected: Any, error_type: type[InputError], follow_links: bool) -> None:
    """Raise `error_type` if the file is missing or has another size, before it is read."""
    if not is_regular_file(file, follow_links):
        raise error_type(f"{file} is missing, though {MANIFEST} lists it")
    if not isinstance(expected, dict) or file.stat().st_size != expected.get("bytes"):
        raise _damage_error(file, error_type)


def _damage_error(file: Path, error_type: type[InputError]) -> InputError:
    return error_type(f"{file} is damaged: its content is not what {MANIFEST} says")


def fingerprint(content: bytes) -> dict[str, Any]:
    """Return the entry of a file in a manifest: SHA-256 and size."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def is_regular_file(path: Path, follow_links: bool = False) -> bool:
    """Return whether a regular file is at `path`; a link to one counts only with `follow_links`."""
    return path.is_file() and (follow_links or not path.is_symlink())


def read_bytes(
    path: Path, error_type: type[InputError], follow_links: bool = False, *, limit: int | None = None
) -> bytes:
    """Read a regular file; raise `error_type` if that fails or if it has more bytes than `limit`."""
    if not is_regular_file(path, follow_links):
        kind = "no regular file" if path.exists() else "missing"
        raise error_type(f"{path} is {'a link, which is not followed' if path.is_symlink() else kind}")
    try:
        with path.open("rb") as file:
            content = file.read() if limit is None else file.read(limit + 1)
    except OSError as error:
        raise error_type(f"cannot read {path}: {error.strerror}") from None
    if limit is not None:
        _require_size(content, path, error_type, limit)
    return content


def load_json(
    content: bytes, path: Path, error_type: type[InputError], limit: int = JSON_LIMIT
) -> dict[str, Any]:
    """Parse a JSON object of at most `limit` bytes without repeated keys; `path` names it in the error."""
    _require_size(content, path, error_type, limit)
    try:
        value = json.loads(content, object_pairs_hook=_refuse_repeated_keys)
    except (ValueError, RecursionError):
        raise error_type(f"{path} is damaged: not JSON") from None
    if not isinstance(value, dict):
        raise error_type(f"{path} is damaged: no JSON object")
    return value


def _require_size(content: bytes, path: Path, error_type: type[InputError], limit: int) -> None:
    if len(content) > limit:
        raise error_type(f"{path} is damaged: it has more than {limit:,} bytes")


def _refuse_repeated_keys(items: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(items)
    if len(value) < len(items):
        raise ValueError("a key is repeated")
    return value


def dump_json(value: Any) -> bytes:
    """Return JSON as this package writes it: readable, with one newline at the end."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")


@contextmanager
def machine_errors(path: Path) -> Iterator[None]:
    """Turn a failure of the file system into a MachineError that names `path`."""
    try:
        yield
    except OSError as error:
        # numpy reports a full disk without the error text of the system.
        reason = error.strerror or f"{error}; is the disk full?"
        raise MachineError(f"cannot write {path}: {reason}") from None


def sync_file(folder: HeldFolder, name: str) -> None:
    """Force the content of a file to the disk."""
    with folder.open(name, "rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: HeldFolder) -> None:
    """Force a folder's entries (names, renames) to the disk."""
    folder.sync()


def _fingerprint_in(folder: HeldFolder, name: str) -> dict[str, Any]:
    with folder.open(name, "rb") as file:
        return _fingerprint_open(file)


def _fingerprint_file(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return _fingerprint_open(file)


def _fingerprint_open(file: BinaryIO) -> dict[str, Any]:
    size = os.fstat(file.fileno()).st_size
    digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
    return {"sha256": digest.hexdigest(), "bytes": size}

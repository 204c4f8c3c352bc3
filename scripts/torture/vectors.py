"""Trials of campaign 18: a cache of word vectors that was damaged or planted, and downloads that do harm."""

import http.server
import io
import os
import pickle
import random
import shutil
import threading
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sentiment.data import vector_cache
from sentiment.system import storage

from .bench import FILLER, Bench
from .children import Ended
from .damage import damage
from .hostile import Canary
from .names import Check

Harm = Callable[[Path, Path], None]
"""Changes the entry of the vectors in the cache. Opening it could then touch the canary."""

NAME = "glove.6B.50d"
ANSWER_SECONDS = 10.0
TEXT = "".join(f"{word} {'0.25 ' * 11}0.5\n" for word in FILLER)


def _mend(harm: Harm, bench: Bench, place: Path) -> None:
    """Check that a training removes what is in place of an entry, and downloads the vectors again."""
    entry, canary = _entry(bench), place / "canary"
    with storage.new_folder(entry) as held, held.open("vectors.txt", "xb") as file:
        file.write(TEXT.encode())
    harm(entry, canary)
    try:
        _train(bench, place / "run", _zip(TEXT)).assert_code(0)
        assert not canary.exists(), "the canary was touched: code of the file was run"
        assert not entry.is_symlink() and (entry / "vectors.txt").read_text() == TEXT, "it was not mended"
    finally:
        shutil.rmtree(entry.parent, ignore_errors=True)


def _refuse_download(make: Callable[[], bytes], bench: Bench, place: Path) -> None:
    """Check that a training ends with exit 4 at once, and keeps nothing of the download."""
    ended = _train(bench, place / "run", make())
    left = list(_entry(bench).parent.iterdir())
    shutil.rmtree(_entry(bench).parent, ignore_errors=True)
    ended.assert_code(4)
    assert f"cannot download {NAME}" in ended.error, ended.error
    assert ended.seconds < ANSWER_SECONDS, f"took {ended.seconds:.1f} s"
    assert not left, f"left behind: {left}"


def _entry(bench: Bench) -> Path:
    return Path(bench.environment["XDG_CACHE_HOME"]) / "sentiment" / "vectors" / NAME


def _train(bench: Bench, run: Path, content: bytes) -> Ended:
    """Train with named vectors, for which a server in the same process sends `content`."""
    return bench.train(run, "--set", f"vocabulary.vectors={NAME}", before=partial(_serve, content))


def _serve(content: bytes) -> None:
    """Answer every download of this process with `content`; for a child, because nothing ends it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    os.environ["no_proxy"] = "127.0.0.1"
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/vectors.zip"
    setattr(vector_cache, "vector_address", lambda name: (address, f"{name}.txt"))  # noqa: B010


# --- the cache -----------------------------------------------------------------------------------------


def _damage(name: str, seed: int, entry: Path, canary: Path) -> None:
    twin = canary.with_name("twin")
    twin.write_bytes(b"film 1 2 3\n")
    damage(entry / name, twin, random.Random(seed))


def _become_pickle(entry: Path, canary: Path) -> None:
    shutil.rmtree(entry)
    entry.write_bytes(pickle.dumps(Canary(canary)))


def _become_link(entry: Path, canary: Path) -> None:
    entry.rename(canary.with_name("elsewhere"))
    (canary.with_name("elsewhere") / "vectors.txt").write_text(TEXT.replace("0.25", "0.75"))
    entry.symlink_to(canary.with_name("elsewhere"))


def _lie(entry: Path, canary: Path) -> None:
    """Leave another text, and a manifest of other files."""
    (entry / "vectors.txt").unlink()
    storage.write_manifest(entry)
    (entry / "vectors.txt").write_text(TEXT.replace("0.25", "0.75"))


def _plant_torchtext(entry: Path, canary: Path) -> None:
    """Leave the files that torchtext kept, which were pickles, in place of the entry."""
    shutil.rmtree(entry)
    for name in (f"{NAME}.txt.pt", f"{NAME}.txt", "vectors.zip", "glove.6B.zip"):
        (entry.parent / name).write_bytes(pickle.dumps(Canary(canary)))


# --- downloads -----------------------------------------------------------------------------------------


def _zip(text: str, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as packed:
        packed.writestr(f"{NAME}.txt", text)
    return file.getvalue()


HARMS: dict[str, Harm] = {
    **{f"vectors.txt, {seed}": partial(_damage, "vectors.txt", seed) for seed in range(5)},
    **{f"manifest.json, {seed}": partial(_damage, "manifest.json", seed) for seed in range(3)},
    "a pickle in place of the entry": _become_pickle,
    "a link in place of the entry": _become_link,
    "a manifest without the text": _lie,
    "pickles of torchtext": _plant_torchtext,
}
DOWNLOADS = {
    "a page": lambda: b"<html>log in first</html>",
    "half an archive": lambda: _zip(TEXT)[:-30],
    "an archive that is packed by LZMA": lambda: _zip(TEXT, zipfile.ZIP_LZMA),
    "an archive of 100 MB in 100 kB": lambda: _zip("a 1\n" * 25_000_000),
    "a pickle": lambda: pickle.dumps(Canary(Path("/nowhere"))),
    "an archive of a pickle": lambda: _zip(pickle.dumps([1, 2], protocol=0).decode()),
    "an archive with one long line": lambda: _zip("film " + "1" * 2**22),
}
CACHES: list[tuple[int, str, Check]] = [
    *((21, f"damage: {name}", partial(_mend, harm)) for name, harm in HARMS.items()),
    *((22, f"download: {name}", partial(_refuse_download, make)) for name, make in DOWNLOADS.items()),
]

"""Damaged inputs of every kind: only the errors of the package, in little time and memory."""

import random
import resource
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from sentiment.errors import SentimentError

from ..bench import Bench
from ..children import Ended, fork
from ..frame import tell
from .seeds import Kind, all_kinds

MOST_BYTES = 2**20
SECONDS = 2  # of processor time
WAITING = 60.0  # seconds after which an input hangs, on a machine that does other things, too
NOISE = 64 * 2**20  # bytes
MEMORY_PER_BYTE = 20
MOST_CHANGES = 6
PIECES = (
    b"\0", b'"', b"'", b",", b"\t", b"\r", b"\n", b"{", b"[", b"]", b"}", b"\\", b"=", b"__label__",
    b"\xff\xfe", b"\xef\xbb\xbf", b"\xff", b"\xed\xa0\x80", b"NaN", b"1e999", b"-1", b"9" * 400, b"9" * 5_000,
    b"null", b"\xff\xff\xff\x7f", b"\xff" * 8, b"[" * 5_000, b'{"a":' * 5_000,
)  # fmt: skip


def fuzz_readers(minutes: float, seed: int, folder: Path) -> str:
    """Read damaged inputs until the time is over, at least one of each kind.

    Raises AssertionError if one has another error, or takes too much; it names the files. Return what was
    tried.
    """
    kinds = all_kinds(Bench(folder / "bench"), folder)
    usual = {kind.name: _read(kind, kind.seed, folder) for kind in kinds}
    for kind in kinds:
        usual[kind.name].assert_code(0)
    tried: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    end, number = time.monotonic() + 60 * minutes, 0
    while time.monotonic() < end or number < len(kinds):
        kind = kinds[number % len(kinds)]
        content = mutate(kind.seed, random.Random(f"{seed} {number}"))
        limit = usual[kind.name].peak_bytes + MEMORY_PER_BYTE * len(content) + NOISE
        tried[kind.name] += 1
        if mistake := _find_mistake(kind, content, folder, limit):
            failures[kind.name] += 1
            kept = folder / f"{number}-{kind.file}"
            kept.write_bytes(content)
            tell(f"  FAILED {kind.name} with {kept}: {mistake}")
        number += 1
    assert not failures, f"of {number:,} inputs failed {dict(failures)}; they are kept in {folder}"
    return f"{number:,} inputs of {len(kinds)} kinds"


def mutate(content: bytes, generator: random.Random) -> bytes:
    """Return a damaged copy of at most `MOST_BYTES` bytes."""
    for _ in range(generator.randint(1, MOST_CHANGES)):
        start, end = sorted(generator.randrange(len(content) + 1) for _ in range(2))
        before, middle, after = content[:start], content[start:end], content[end:]
        manner = generator.randrange(6)
        if manner == 0:  # flip a bit
            flipped = bytearray(content or b"\0")
            flipped[generator.randrange(len(flipped))] ^= 1 << generator.randrange(8)
            content = bytes(flipped)
        elif manner == 1:
            content = before + after
        elif manner == 2:
            content = before + generator.choice(PIECES) + middle + after
        elif manner == 3:
            content = before + generator.randbytes(generator.randint(1, 16)) + after
        elif manner == 4:
            content = before + after + middle
        else:
            content = before + middle * generator.choice((2, 2, 10, 1_000)) + after
        content = content[:MOST_BYTES]
    return content


def _find_mistake(kind: Kind, content: bytes, folder: Path, limit: int) -> str:
    """Return what is wrong with how a reader takes an input; empty if nothing is."""
    try:
        ended = _read(kind, content, folder)
    except AssertionError as error:
        return str(error)
    if ended.code:
        return f"exit code {ended.code}: {ended.err[-1_000:]}"
    if ended.peak_bytes > limit:
        return f"held {ended.peak_bytes:,} bytes of {limit:,} for {len(content):,}"
    return ""


def _read(kind: Kind, content: bytes, folder: Path) -> Ended:
    """Read an input in a fork, which is killed if it takes more than the processor time."""
    path = folder / kind.file
    path.write_bytes(content)

    def read() -> int:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        with suppress(SentimentError):
            kind.read(path)
        return 0

    return fork(read, folder / "output").wait(WAITING)

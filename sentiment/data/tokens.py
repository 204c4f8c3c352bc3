"""spaCy's English tokenizer: one text at a time, or whole splits in parallel into a memory-mapped cache."""

import hashlib
import json
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from sentiment import interrupts, storage
from sentiment.errors import DataError, MachineError

BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
SPACE = re.compile(r"\s+")
# spaCy's time grows with the square of a run of punctuation: 100,000 quotes in a row would take half an hour.
# The longest run without white space in IMDB's 75,000 reviews has 91 characters.
UNBROKEN = re.compile(r"\S{200}(?=\S)")
NOTHING = re.compile(rf"(?:\s|{BREAK.pattern})*", re.IGNORECASE)
CACHE_FORMAT = 2  # counts up when the files below or `normalise` change
CHUNK = 250  # reviews a worker takes at a time
NO_HASHES = np.zeros(0, dtype=np.uint64)
PARALLEL_FROM = 2_000  # fewer reviews are done before a second process has started


def normalise(text: str) -> str:
    """Turn `<br />` and any run of white space into one space, in training and predicting alike.

    What has no white space for more than 200 characters gets some after each 200.
    """
    return UNBROKEN.sub(r"\g<0> ", SPACE.sub(" ", BREAK.sub(" ", text)).strip())


def why_unreadable(text: str) -> str | None:
    """Say what keeps a text from being tokenized, if anything."""
    if NOTHING.fullmatch(text):
        return "is empty"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "is not Unicode (half of a surrogate pair)"
    return None


@dataclass(frozen=True)
class Tokens:
    """The tokens of many texts: indices into a table of distinct forms, end to end."""

    forms: list[str]
    """Distinct tokens, cased as written."""
    ids: np.ndarray
    """int32, one a token; memory-mapped where it comes from the cache."""
    offsets: np.ndarray
    """int64, one more than texts: text i has ids[offsets[i] : offsets[i + 1]]."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self.ids[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths_N(self) -> np.ndarray:
        """int64 tokens of each text."""
        return np.diff(self.offsets)


class Tokenizer:
    """spaCy's rules for English, on normalised text."""

    def __init__(self) -> None:
        import spacy

        self._nlp = spacy.blank("en")

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Tokenize texts in this process; spaCy keeps every string it has met."""
        from spacy.attrs import ORTH

        hashes = [self._nlp.tokenizer(normalise(text)).to_array(ORTH) for text in texts]
        distinct, ids = np.unique(np.concatenate([NO_HASHES, *hashes]), return_inverse=True)
        strings = self._nlp.vocab.strings
        forms = [strings[int(form)] for form in distinct]
        return Tokens(forms, ids.astype(np.int32), _offsets([len(array) for array in hashes]))

    def tokenize_and_forget(self, texts: Sequence[str]) -> Tokens:
        """Tokenize texts and let spaCy forget their strings: memory stays flat over a long stream."""
        with self._nlp.memory_zone():
            return self.tokenize(texts)


def _offsets(lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


@cache
def shared_tokenizer() -> Tokenizer:
    """The one tokenizer of this process."""
    return Tokenizer()


def tokenize_cached(texts: Sequence[str], description: str, processes: int) -> Tokens:
    """Tokenize texts, or open what an earlier call kept of the same texts under the same rules.

    The cache is `$XDG_CACHE_HOME/sentiment/tokens`; a damaged entry is made again. Two processes that need
    the same entry both make it, and the first to finish keeps its own: without a lock nobody waits for one
    whose holder died.
    """
    folder = cache_folder() / "tokens" / _key(texts)
    if folder.is_dir():
        try:
            return _open(folder)
        except DataError:
            shutil.rmtree(folder, ignore_errors=True)
    with storage.new_folder(folder) as temporary:
        tokens = _tokenize(texts, description, processes)
        with storage.machine_errors(folder):
            np.save(temporary / "ids.npy", tokens.ids)
            np.save(temporary / "offsets.npy", tokens.offsets)
            (temporary / "forms.json").write_text(json.dumps(tokens.forms), encoding="utf-8")
    return _open(folder)


def cache_folder() -> Path:
    """Where this program keeps what it can make again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sentiment"


def _key(texts: Sequence[str]) -> str:
    """Name a cache entry after everything its content depends on."""
    import spacy

    return digest([f"{CACHE_FORMAT} spacy {spacy.__version__}", *texts])[:32]


def digest(texts: Iterable[str]) -> str:
    """SHA-256 over texts and where each of them ends."""
    state = hashlib.sha256()
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        state.update(len(encoded).to_bytes(8, "little"))
        state.update(encoded)
    return state.hexdigest()


def _open(folder: Path) -> Tokens:
    storage.verify(folder, DataError)
    try:
        forms = json.loads((folder / "forms.json").read_bytes())
        ids = np.load(folder / "ids.npy", mmap_mode="r", allow_pickle=False)
        return Tokens(forms, ids, np.load(folder / "offsets.npy", allow_pickle=False))
    except (OSError, ValueError, EOFError, RecursionError) as error:
        raise DataError(f"{folder} holds no tokens: {error}") from None


def _tokenize(texts: Sequence[str], description: str, processes: int) -> Tokens:
    table: dict[str, int] = {}
    ids, lengths = [], []
    bar = tqdm(total=len(texts), desc=description, unit=" reviews", disable=None, leave=False)
    with bar, _workers(processes if len(texts) >= PARALLEL_FROM else 1) as map_chunks:
        for chunk in map_chunks(_tokenize_chunk, _chunks(texts)):
            interrupts.check()
            renumbered = [table.setdefault(form, len(table)) for form in chunk.forms]
            ids.append(np.array(renumbered, dtype=np.int32)[chunk.ids])
            lengths.append(chunk.lengths_N)
            bar.update(len(chunk))
    return Tokens(list(table), np.concatenate(ids), _offsets(np.concatenate(lengths)))


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(texts), CHUNK):
        yield list(texts[start : start + CHUNK])


@contextmanager
def _workers(processes: int) -> Iterator[Any]:
    """Yield a `map`: the built-in one, or one over workers that end when this process does."""
    if processes < 2:
        yield map
        return
    shared_tokenizer()  # before the fork, so that every worker has it
    method = "fork" if hasattr(os, "fork") else "spawn"
    executor = ProcessPoolExecutor(processes, get_context(method), _start_worker, (os.getpid(),))
    try:
        yield executor.map
    except BrokenProcessPool:
        raise MachineError("a tokenizing process was killed (out of memory?); try --threads 1") from None
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _start_worker(parent: int) -> None:
    """Leave signals to the parent, and go when it is gone: a killed parent sends no farewell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _tokenize_chunk(texts: list[str]) -> Tokens:
    return shared_tokenizer().tokenize(texts)

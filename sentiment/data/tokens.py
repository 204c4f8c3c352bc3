"""spaCy's English tokenizer: one text at a time, or whole splits in parallel into a cache on the disk."""

import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO

import numpy as np
from tqdm import tqdm

from sentiment.errors import DataError, MachineError
from sentiment.system import interrupts, storage

BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
SPACE = re.compile(r"\s+")
# spaCy's time grows with the square of a run of punctuation: 100,000 quotes in a row would take half an hour.
# The longest run without white space in IMDB's 75,000 reviews has 91 characters.
UNBROKEN = re.compile(r"\S{200}(?=\S)")
NOTHING = re.compile(rf"(?:\s|{BREAK.pattern})*", re.IGNORECASE)
CACHE_FORMAT = 2  # counts up when the files below or `normalise` change
CHUNK = 250  # reviews a worker takes at a time
NO_HASHES = np.zeros(0, dtype=np.uint64)
Map = Callable[[Callable[[list[str]], "Tokens"], Iterable[list[str]]], Iterator["Tokens"]]
REMEMBERED = 30_000  # strings, as many as 1,500 reviews of IMDB hold
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


class StoredIds:
    """int32 ids in a .npy file, read where they are asked for.

    The pages of a memory map would count as memory of this process, all of them after an epoch; what is read
    stays in the system's cache all the same.
    """

    def __init__(self, path: Path) -> None:
        """Open the file; raises OSError or ValueError if it is none of int32."""
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            (self._count,), _, kind = np.lib.format.read_array_header_1_0(file)
            self._start = file.tell()
            self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        if kind != np.int32 or path.stat().st_size != self._start + 4 * self._count:
            raise ValueError(f"{path.name} is no whole file of int32")

    def __len__(self) -> int:
        return int(self._count)

    def __getitem__(self, part: slice) -> np.ndarray:
        start, stop, _ = part.indices(len(self))
        size = 4 * max(0, stop - start)
        return np.frombuffer(os.pread(self._descriptor, size, self._start + 4 * start), dtype=np.int32)


@dataclass(frozen=True)
class Tokens:
    """The tokens of many texts: indices into a table of distinct forms, end to end."""

    forms: list[str]
    """Distinct tokens, cased as written."""
    ids: "np.ndarray | StoredIds"
    """int32, one a token; on the disk where they come from the cache."""
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
        self.lock = threading.RLock()  # spaCy's store of strings is one for all threads

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Tokenize texts in this process; spaCy keeps every string it has met."""
        from spacy.attrs import ORTH

        with self.lock:
            hashes = [self._nlp.tokenizer(normalise(text)).to_array(ORTH) for text in texts]
            distinct, ids = np.unique(np.concatenate([NO_HASHES, *hashes]), return_inverse=True)
            strings = self._nlp.vocab.strings
            forms = [strings[int(form)] for form in distinct]
        return Tokens(forms, ids.astype(np.int32), _offsets([len(array) for array in hashes]))

    def sentences(self, text: str) -> list[list[str]]:
        """The tokens `tokenize` finds, sentence by sentence, each with the space that follows it."""
        from spacy.pipeline import Sentencizer

        with self.lock, self._nlp.memory_zone():
            doc = Sentencizer()(self._nlp.tokenizer(normalise(text)))
            return [[token.text_with_ws for token in sentence] for sentence in doc.sents]

    def tokenize_and_forget(self, texts: Sequence[str]) -> Tokens:
        """Tokenize texts; once it has met many words spaCy forgets new ones: memory stays flat over a stream.

        Those it has met before it cuts at once, which makes common words fast.
        """
        if len(self._nlp.vocab.strings) < REMEMBERED:
            return self.tokenize(texts)
        with self.lock, self._nlp.memory_zone():
            return self.tokenize(texts)


def _offsets(lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


@cache
def shared_tokenizer() -> Tokenizer:
    """The one tokenizer of this process."""
    return Tokenizer()


def tokenize_cached(texts: Sequence[str], description: str, workers: int) -> Tokens:
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
        chunks = _tokenize(texts, description, workers)
        with storage.machine_errors(folder):
            _write(temporary, chunks)
    return _open(folder)


def _write(folder: Path, chunks: Iterable[Tokens]) -> None:
    """Write tokens as they come, so that memory holds one chunk of them and the distinct forms."""
    table: dict[str, int] = {}
    lengths = [np.zeros(0, dtype=np.int64)]
    with (folder / "ids.npy").open("wb") as file:
        _write_header(file, 0)
        for chunk in chunks:
            renumbered = [table.setdefault(form, len(table)) for form in chunk.forms]
            file.write(np.array(renumbered, dtype=np.int32)[chunk.ids[:]].tobytes())
            lengths.append(chunk.lengths_N)
        offsets = _offsets(np.concatenate(lengths))
        file.seek(0)
        _write_header(file, int(offsets[-1]))
    np.save(folder / "offsets.npy", offsets)
    (folder / "forms.json").write_text(json.dumps(list(table)), encoding="utf-8")


def _write_header(file: BinaryIO, count: int) -> None:
    """Begin a .npy file of int32; numpy leaves room in it for any number to take the place of another."""
    header = {"descr": np.dtype(np.int32).str, "fortran_order": False, "shape": (count,)}
    np.lib.format.write_array_header_1_0(file, header)


def cache_folder() -> Path:
    """Where this program keeps what it can make again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sentiment"


def _key(texts: Sequence[str]) -> str:
    """Name a cache entry after everything its content depends on."""
    import spacy

    return digest(itertools.chain([f"{CACHE_FORMAT} spacy {spacy.__version__}"], texts))[:32]


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
        return Tokens(
            forms, StoredIds(folder / "ids.npy"), np.load(folder / "offsets.npy", allow_pickle=False)
        )
    except (OSError, ValueError, EOFError, RecursionError) as error:
        raise DataError(f"{folder} holds no tokens: {error}") from None


def tokenize_stream(chunks: Iterable[list[str]], workers: int) -> Iterator[Tokens]:
    """Tokenize chunk after chunk without a cache, from `PARALLEL_FROM` texts on some chunks ahead.

    Memory stays flat over a stream of any length. An error of `chunks` comes when its turn comes.
    """
    chunks, done = iter(chunks), 0
    while workers < 2 or done < PARALLEL_FROM:
        chunk = next(chunks, None)
        if chunk is None:
            return
        yield _tokenize_and_forget(chunk)
        done += len(chunk)
    with _started_workers(workers) as map_chunks:
        yield from map_chunks(_tokenize_and_forget, chunks)


def _tokenize(texts: Sequence[str], description: str, workers: int) -> Iterator[Tokens]:
    """Yield tokens chunk by chunk, behind a bar."""
    bar = tqdm(total=len(texts), desc=description, unit=" reviews", disable=None, leave=False)
    with bar, _started_workers(workers if len(texts) >= PARALLEL_FROM else 1) as map_chunks:
        for chunk in map_chunks(_tokenize_chunk, _chunks(texts)):
            interrupts.check()
            yield chunk
            bar.update(len(chunk))


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(texts), CHUNK):
        yield list(texts[start : start + CHUNK])


@contextmanager
def _started_workers(workers: int) -> Iterator[Map]:
    """Yield a lazy `map`: the built-in one, or one over workers that end when this process does."""
    if workers < 2:
        yield map
        return
    shared_tokenizer()  # before the fork, so that every worker has it
    method = "fork" if hasattr(os, "fork") else "spawn"
    executor = ProcessPoolExecutor(workers, get_context(method), _start_worker, (os.getpid(),))
    try:
        yield partial(_map_ahead, executor, workers)
    except BrokenProcessPool:
        raise MachineError("a tokenizing process was killed (out of memory?); try --threads 1") from None
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _map_ahead(
    executor: ProcessPoolExecutor,
    ahead: int,
    function: Callable[[list[str]], Tokens],
    chunks: Iterable[list[str]],
) -> Iterator[Tokens]:
    """Yield results in order, `ahead` chunks in work; an error of `chunks` follows the results before it."""
    chunks = iter(chunks)
    futures: deque[Future[Tokens]] = deque()
    error: Exception | None = None
    while futures or error is None:
        while error is None and len(futures) < ahead:
            try:
                futures.append(executor.submit(function, next(chunks)))
            except Exception as end:  # StopIteration, too
                error = end
        if futures:
            yield futures.popleft().result()
    if not isinstance(error, StopIteration):
        raise error


def _start_worker(parent: int) -> None:
    """Leave signals to the parent, and go when it is gone."""
    shared_tokenizer().lock = threading.RLock()  # a thread of the parent may have held it in the fork
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    interrupts.end_with(parent)


def _tokenize_chunk(texts: list[str]) -> Tokens:
    return shared_tokenizer().tokenize(texts)


def _tokenize_and_forget(texts: list[str]) -> Tokens:
    return shared_tokenizer().tokenize_and_forget(texts)

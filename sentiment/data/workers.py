"""Tokenize many texts chunk by chunk, in this process or in several."""

import gc
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import current_process, get_context

from sentiment.data.text_rules import TextRules
from sentiment.data.tokenizer import shared_tokenizer
from sentiment.data.tokens import Tokens
from sentiment.errors import Interrupted, MachineError
from sentiment.system import interrupts, memory
from sentiment.system.console import progress_bar
from sentiment.system.threads import threads_are_lost, usable_threads

CHUNK = 250  # reviews that a worker takes at a time
PARALLEL_FROM = 2_000  # fewer reviews are done before a second process has started
TokenizeChunk = Callable[[list[str]], Tokens]
MapChunks = Callable[[TokenizeChunk, Iterable[list[str]]], Iterator[Tokens]]


def tokenize_chunks(
    texts: Sequence[str], rules: TextRules, description: str, workers: int
) -> Iterator[Tokens]:
    """Yield the tokens of `CHUNK` texts at a time, and show a progress bar on stderr."""
    chunks = (list(texts[start : start + CHUNK]) for start in range(0, len(texts), CHUNK))
    bar = progress_bar(description, len(texts), "reviews")
    workers = _usable_workers(workers) if len(texts) >= PARALLEL_FROM else 1
    with bar, _start_workers(rules, workers) as map_chunks:
        for tokens in map_chunks(partial(_tokenize, rules), chunks):
            interrupts.check()
            yield tokens
            bar.update(len(tokens))


def tokenize_stream(chunks: Iterable[list[str]], rules: TextRules, workers: int) -> Iterator[Tokens]:
    """Yield the tokens of each chunk of a stream; after `PARALLEL_FROM` texts work a few chunks ahead.

    An empty chunk is a pause: the chunks before it are finished before the next one is asked for. Memory
    stays flat, however long the stream is. An error of `chunks` is raised after the tokens of the chunks
    before it.
    """
    chunks, done, workers = iter(chunks), 0, _usable_workers(workers)
    while workers < 2 or done < PARALLEL_FROM:
        chunk = next(chunks, None)
        if chunk is None:
            return
        if chunk:
            yield _tokenize_and_forget(rules, chunk)
        done += len(chunk)
    with _start_workers(rules, workers) as map_chunks:
        yield from map_chunks(partial(_tokenize_and_forget, rules), chunks)


def start_method(platform: str = sys.platform) -> str:
    """Return how worker processes start: `fork` on Linux, `spawn` elsewhere.

    A fork is fast, because the workers inherit the tokenizer. But macOS forbids a fork of a process that has
    threads, and Windows has no fork. Our tests run on Debian Linux only.
    """
    return "fork" if platform == "linux" else "spawn"


def _usable_workers(wanted: int) -> int:
    """Return `wanted`, or 1 in a daemonic process, which may have no children, and in a forked one."""
    return 1 if current_process().daemon else usable_threads(wanted)


@contextmanager
def _start_workers(rules: TextRules, workers: int) -> Iterator[MapChunks]:
    """Yield a lazy `map`: in this process, or over processes that end with it."""
    shared_tokenizer(rules)  # before a fork, so that every worker inherits it
    executor = _make_executor(workers) if workers > 1 else None
    if executor is None:
        yield _map_here
        return
    memory.release()  # a worker would keep the memory that this process has freed
    waits = True
    try:
        with _frozen_objects():
            yield partial(_map_ahead, executor, workers)
    except BrokenProcessPool:
        raise MachineError("a tokenizing process was killed (out of memory?); try --threads 1") from None
    except Interrupted:
        waits = False
        raise
    finally:
        if not threads_are_lost():  # else this process was forked since, and the workers are its parent's
            # A process that is forked while the thread of the executor runs may inherit a lock.
            executor.shutdown(wait=waits, cancel_futures=True)


def _make_executor(workers: int) -> ProcessPoolExecutor | None:
    """Return processes, or None if the system has no shared memory for them, or too few open files."""
    context = get_context(start_method())
    try:
        return ProcessPoolExecutor(workers, context, _set_up_worker, (os.getpid(),))
    except OSError:
        return None


def _map_here(function: TokenizeChunk, chunks: Iterable[list[str]]) -> Iterator[Tokens]:
    return map(function, filter(None, chunks))  # an empty chunk has no result


@contextmanager
def _frozen_objects() -> Iterator[None]:
    """Keep the garbage collector off the objects of now, unless the caller has frozen some.

    It writes to every object. Memory that this process shares with a worker is copied when it is written to.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _map_ahead(
    executor: ProcessPoolExecutor, ahead: int, function: TokenizeChunk, chunks: Iterable[list[str]]
) -> Iterator[Tokens]:
    """Yield results in order while `ahead` chunks are in work; an empty chunk has no result.

    Before an empty chunk or an error of `chunks`, the results of the chunks before it come.
    """
    chunks = iter(chunks)
    begun: deque[Callable[[], Tokens]] = deque()
    error: Exception | None = None
    while begun or error is None:
        pauses = False
        while error is None and not pauses and len(begun) < ahead:
            try:
                chunk = next(chunks)
                pauses = not chunk
                if chunk:
                    begun.append(_begin(executor, function, chunk))
            except Exception as end:  # also StopIteration
                error = end
        for _ in range(len(begun) if pauses else min(1, len(begun))):
            yield begun.popleft()()
    if not isinstance(error, StopIteration):
        raise error


def _begin(executor: ProcessPoolExecutor, function: TokenizeChunk, chunk: list[str]) -> Callable[[], Tokens]:
    """Give a chunk to a worker; return what waits for its tokens.

    In a process that was forked since, no worker answers, and the chunk is done there.
    """
    if threads_are_lost():
        return partial(function, chunk)
    future = executor.submit(function, chunk)
    return lambda: function(chunk) if threads_are_lost() else future.result()


def _set_up_worker(parent: int) -> None:
    """Leave signals to the parent process, and end when the parent has ended."""
    gc.freeze()  # as `_frozen_objects`, for the objects that the parent has made since
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    interrupts.end_with(parent)


def _tokenize(rules: TextRules, texts: list[str]) -> Tokens:
    return shared_tokenizer(rules).tokenize(texts)


def _tokenize_and_forget(rules: TextRules, texts: list[str]) -> Tokens:
    return shared_tokenizer(rules).tokenize_and_forget(texts)

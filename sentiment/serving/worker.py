"""The threads that use the model: each scores together what waits."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from sentiment.inference.predictor import Predictor
from sentiment.serving.answers import Answer, answer_texts
from sentiment.serving.jobs import Job, JobQueue, Piece

AnsweredPiece = tuple[Piece, list[Answer | Exception]]


class Worker:
    """Scores the jobs of a queue in threads of its own.

    Each thread computes on one core, so that one reads texts while another one scores.
    """

    def __init__(
        self,
        predictor: Predictor,
        queue: JobQueue,
        observe: Callable[[int, float], None] = lambda reviews, seconds: None,
        threads: int = 1,
    ) -> None:
        """`observe` is told the size of each batch, and the seconds that it took."""
        self._predictor = predictor
        self._queue = queue
        self._observe = observe
        self._threads = [
            threading.Thread(target=self._run, name=f"scoring-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        """Begin to score."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> None:
        """Score what waits, take nothing more, and wait at most so long for the end."""
        self._queue.close()
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    @property
    def is_alive(self) -> bool:
        """Whether every thread runs."""
        return all(thread.is_alive() for thread in self._threads)

    async def answer(self, texts: Sequence[str], explain: bool) -> list[Answer]:
        """Return the answers for the reviews of a request.

        Raises QueueFullError or QueueClosedError at once, and ReviewError for a review that has no answer. A
        caller that is cancelled gives up its reviews.
        """
        future: asyncio.Future[list[dict[str, Any]]] = asyncio.get_running_loop().create_future()
        self._queue.put(Job(texts, explain, future))
        return await future

    def _run(self) -> None:
        while (batch := self._queue.take()) is not None:
            begin = time.perf_counter()
            answered = self._score(batch)
            self._observe(sum(len(piece.texts) for piece in batch), time.perf_counter() - begin)
            _tell(answered)

    def _score(self, batch: Sequence[Piece]) -> list[AnsweredPiece]:
        """Score a batch."""
        texts = [text for piece in batch for text in piece.texts]
        answers = iter(answer_texts(self._predictor, texts, batch[0].job.explain))
        return [(piece, [next(answers) for _ in piece.texts]) for piece in batch]


def _tell(answered: Sequence[AnsweredPiece]) -> None:
    """Hand the answers to the event loop, in one call: each call wakes it."""
    try:
        answered[0][0].job.future.get_loop().call_soon_threadsafe(_resolve, answered)
    except RuntimeError:  # the loop has ended: nobody waits any more
        return


def _resolve(answered: Sequence[AnsweredPiece]) -> None:
    for piece, answers in answered:
        piece.job.add(piece.start, answers)

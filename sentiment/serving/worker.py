"""The one thread that uses the model: it scores what waits, together."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from sentiment.inference.predictor import Predictor
from sentiment.serving.answers import Answer, answer_texts
from sentiment.serving.jobs import Job, JobQueue, Piece


class ReviewError(Exception):
    """One review of a request has no answer."""

    def __init__(self, place: int, cause: Exception) -> None:
        """`place` is the number of the review in its request, from 0."""
        super().__init__(str(cause))
        self.place = place
        self.cause = cause


class Worker:
    """Scores the jobs of a queue in a thread of its own."""

    def __init__(
        self,
        predictor: Predictor,
        queue: JobQueue,
        observe: Callable[[int, float], None] = lambda reviews, seconds: None,
    ) -> None:
        """`observe` is told the size of each batch, and the seconds that it took."""
        self._predictor = predictor
        self._queue = queue
        self._observe = observe
        self._thread = threading.Thread(target=self._run, name="scoring", daemon=True)

    def start(self) -> None:
        """Begin to score."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Score what waits, take nothing more, and wait so long for the end."""
        self._queue.close()
        self._thread.join(seconds)

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    async def answer(self, texts: Sequence[str], explain: bool) -> list[Answer]:
        """Return the answers for the reviews of a request.

        Raises QueueFullError or QueueClosedError at once, and ReviewError for the first review that has no
        answer. A caller that is cancelled gives up its reviews.
        """
        future: asyncio.Future[list[dict[str, Any]]] = asyncio.get_running_loop().create_future()
        self._queue.put(Job(texts, explain, future))
        return await future

    def _run(self) -> None:
        while (batch := self._queue.take()) is not None:
            begin = time.perf_counter()
            ended = self._score(batch)
            self._observe(sum(len(piece.texts) for piece in batch), time.perf_counter() - begin)
            if ended:
                _tell(ended)

    def _score(self, batch: Sequence[Piece]) -> list[Job]:
        """Score a batch; return the jobs that now have all of their answers, or an error."""
        texts = [text for piece in batch for text in piece.texts]
        answers = iter(answer_texts(self._predictor, texts, batch[0].job.explain))
        ended = {}
        for piece in batch:
            job = piece.job
            for place, answer in enumerate((next(answers) for _ in piece.texts), start=piece.start):
                if not isinstance(answer, Exception):
                    job.answers.append(answer)
                elif job.error is None:
                    job.error = ReviewError(place, answer)
            if job.error is not None or len(job.answers) == len(job.texts):
                ended[id(job)] = job
        return list(ended.values())


def _tell(jobs: Sequence[Job]) -> None:
    """Hand the results to the event loop, in one call: each call wakes it."""
    try:
        jobs[0].future.get_loop().call_soon_threadsafe(_resolve, jobs)
    except RuntimeError:  # the loop has ended: nobody waits any more
        return


def _resolve(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.answers)

"""The queue between requests and the model: reviews that wait are taken together, and fairly."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

BATCH_COST = 64
"""The most that is scored at once: longer batches are no faster, and all of their requests wait for them."""
SHARE_OF_A_JOB = 16
"""What one request gets before it is the turn of the next: a request of 1,000 reviews delays nobody long."""
WAIT_SECONDS = 0.005
"""How long the model waits for more reviews if it has nothing else to do."""
CHARACTERS_OF_COST_ONE = 2_000
COST_OF_EXPLANATION = 20


class QueueFullError(Exception):
    """So many reviews wait that another request would wait too long."""


class QueueClosedError(Exception):
    """The server stops and takes no more requests."""


class ReviewError(Exception):
    """One review of a request has no answer."""

    def __init__(self, place: int, cause: Exception) -> None:
        """`place` is the number of the review in its request, from 0."""
        super().__init__(str(cause))
        self.place = place
        self.cause = cause


def cost_of(text: str, explain: bool) -> int:
    """Return how much work a review is: 1 for a usual one."""
    return 1 + len(text) // CHARACTERS_OF_COST_ONE + COST_OF_EXPLANATION * explain


@dataclass(eq=False)
class Job:
    """The reviews of one request."""

    texts: Sequence[str]
    explain: bool
    future: "asyncio.Future[list[dict[str, Any]]]"
    """Gets the answers in the order of the texts, or an exception; its owner cancels it to give up."""
    costs: list[int] = field(init=False)
    taken: int = 0
    _answers: list[dict[str, Any]] = field(init=False)
    _missing: int = field(init=False)

    def __post_init__(self) -> None:
        self.costs = [cost_of(text, self.explain) for text in self.texts]
        self._answers = [{}] * len(self.texts)
        self._missing = len(self.texts)

    @property
    def is_over(self) -> bool:
        """Whether nothing more has to be scored: the client has gone, or a review was refused."""
        return self.future.done()

    def add(self, start: int, answers: Sequence[dict[str, Any] | Exception]) -> None:
        """Keep the answers of the reviews from `start` on; in the thread of the future's loop only.

        The future gets all answers with the last one, or a ReviewError for the first that is an error.
        """
        if self.future.done():
            return
        for place, answer in enumerate(answers, start):
            if isinstance(answer, Exception):
                self.future.set_exception(ReviewError(place, answer))
                return
            self._answers[place] = answer
        self._missing -= len(answers)
        if not self._missing:
            self.future.set_result(self._answers)

    @property
    def cost_left(self) -> int:
        """The cost of the reviews that nobody has taken yet."""
        return sum(self.costs[self.taken :])

    def take(self, room: int) -> "Piece":
        """Take the next reviews: as many as there is room for, but at least one."""
        start, cost = self.taken, 0
        while self.taken < len(self.texts):
            cost += self.costs[self.taken]
            if self.taken > start and cost > room:
                break
            self.taken += 1
            if self.explain:
                break
        return Piece(self, start, self.taken)


@dataclass(frozen=True)
class Piece:
    """The reviews `start` to `stop` of a job, which are scored now."""

    job: Job
    start: int
    stop: int

    @property
    def texts(self) -> Sequence[str]:
        """The reviews."""
        return self.job.texts[self.start : self.stop]

    @property
    def cost(self) -> int:
        """The cost of the reviews."""
        return sum(self.job.costs[self.start : self.stop])


class JobQueue:
    """Jobs that wait, in the order of their turns; one thread takes, another one puts."""

    def __init__(self, most_jobs: int, most_cost: int) -> None:
        """`most_cost` holds for jobs above `SHARE_OF_A_JOB`: a large one must not keep the small ones out."""
        self._most_jobs = most_jobs
        self._most_cost = most_cost
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self.waiting = 0

    @property
    def is_full(self) -> bool:
        """Whether every job would be refused."""
        return len(self._jobs) >= self._most_jobs

    def _has_room(self, cost: int) -> bool:
        """Whether a job of this cost is taken; a large one always is if nothing waits."""
        is_small = cost <= SHARE_OF_A_JOB
        return not self.is_full and (is_small or not self._jobs or self.waiting + cost <= self._most_cost)

    @property
    def is_closed(self) -> bool:
        """Whether the server stops."""
        return self._is_closed

    def put(self, job: Job) -> None:
        """Add a job; raises QueueFullError or QueueClosedError."""
        with self._changed:
            if self._is_closed:
                raise QueueClosedError
            cost = job.cost_left
            if not self._has_room(cost):
                raise QueueFullError
            self._jobs.append(job)
            self.waiting += cost
            self._changed.notify()

    def close(self) -> None:
        """Take no more jobs; those that wait are still given out."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def take(self) -> list[Piece] | None:
        """Return the reviews to score now, once there are any; None once the queue is closed and empty.

        Reviews to explain come alone, one at a time.
        """
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._jobs or self._is_closed)
                self._wait_for_more()
                if batch := self._take_batch():
                    return batch
                if self._is_closed and not self._jobs:
                    return None

    def _wait_for_more(self) -> None:
        end = time.monotonic() + WAIT_SECONDS
        while self.waiting < BATCH_COST and not self._is_closed and (left := end - time.monotonic()) > 0:
            self._changed.wait(left)

    def _take_batch(self) -> list[Piece]:
        batch: list[Piece] = []
        room = BATCH_COST
        while self._jobs and room > 0:
            job = self._jobs[0]
            if batch and job.explain:
                break
            self._jobs.popleft()
            if job.is_over:
                self.waiting -= job.cost_left
                continue
            piece = job.take(min(room, SHARE_OF_A_JOB))
            batch.append(piece)
            self.waiting -= piece.cost
            room -= piece.cost
            if job.taken < len(job.texts):
                self._jobs.append(job)
            if job.explain:
                break
        return batch

"""Fork again and again while this process predicts; every child must predict the same, and none may hang.

Campaign 20 runs it as a program: `python -m scripts.torture.forking RUN MANNER SEED`. The campaign's own
process has no threads that a child could miss.
"""

import multiprocessing
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import sentiment
from sentiment.data import workers
from sentiment.inference import predictor

FORKS = 20
SECONDS = 60  # a child that takes longer hangs
TEXTS = [f"Part {number} of this film is wonderful, and {number % 7} is dull." for number in range(1_500)]
CHECKED = 120  # texts that a child predicts

Probabilities = list[float]


class Forking:
    """A model with threads and a pool of tokenizing processes, and what it predicts."""

    def __init__(self, run: Path, seed: str) -> None:
        workers.PARALLEL_FROM, predictor.REVIEWS_AT_A_TIME = 100, 50
        self.model = sentiment.load(run, "cpu", threads=2)
        self.generator = random.Random(seed)
        self.expected = list(self.stream())

    def stream(self) -> Iterator[float]:
        """Yield the probability of each text."""
        for prediction in self.model.predict_stream(TEXTS):
            yield round(prediction.probability, 5)

    def in_child(self, action: Callable[[], bool], leave: Callable[[int], object] = os._exit) -> bool:
        """Run `action` in a forked process; fail if it is not true there, or takes too long."""
        child = os.fork()
        if child == 0:
            signal.alarm(SECONDS)
            code = 1
            try:
                code = 0 if action() else 1
            finally:
                leave(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code == 0, "a child hangs" if code == -signal.SIGALRM else f"a child ended with {code}"
        return True

    def predicts(self) -> bool:
        """Whether a new prediction has the right result."""
        found = self.model.predict(TEXTS[:CHECKED])
        return [round(prediction.probability, 5) for prediction in found] == self.expected[:CHECKED]

    def goes_on(self, found: list[float], stream: Iterator[float]) -> bool:
        """Whether what is left of a stream completes what was found of it."""
        return [*found, *stream] == self.expected

    # --- the manners -----------------------------------------------------------------------------------

    def after_a_prediction(self) -> None:
        """Fork between predictions; every second child forks again."""
        for number in range(FORKS):
            if number % 2:
                self.in_child(lambda: self.in_child(self.predicts))
            else:
                self.in_child(self.predicts)

    def within_a_stream(self, leave: Callable[[int], object] = os._exit) -> None:
        """Fork between two results of a stream, which goes on in the parent."""
        stream, found = self.stream(), Probabilities()
        for _ in range(FORKS):
            found += [next(stream) for _ in range(self.generator.randrange(1, len(TEXTS) // FORKS))]
            self.in_child(self.predicts, leave)
        assert [*found, *stream] == self.expected

    def with_an_exit(self) -> None:
        """As `within_a_stream`, with children that run Python's exit handlers."""
        self.within_a_stream(sys.exit)

    def in_both(self) -> None:
        """Continue a stream in the child and in the parent."""
        for _ in range(FORKS // 4):
            stream = self.stream()
            found = [next(stream) for _ in range(self.generator.randrange(len(TEXTS)))]
            self.in_child(partial(self.goes_on, found, stream))
            assert [*found, *stream] == self.expected

    def in_a_thread(self) -> None:
        """Fork in one thread while another predicts."""
        errors: list[AssertionError] = []

        def fork() -> None:
            try:
                for _ in range(FORKS):
                    self.in_child(self.predicts)
            except AssertionError as error:
                errors.append(error)

        thread = threading.Thread(target=fork)
        thread.start()
        while thread.is_alive():
            assert list(self.stream()) == self.expected
        assert not errors, errors[0]

    def in_a_pool(self) -> None:
        """Use the pools of multiprocessing, whose processes are daemons, between two results of a stream."""
        stream = self.stream()
        found = [next(stream) for _ in range(self.generator.randrange(len(TEXTS)))]
        with multiprocessing.get_context("fork").Pool(2) as pool:
            results = [pool.apply_async(self.predicts) for _ in range(FORKS // 4)]
            assert all(result.get(timeout=SECONDS) for result in results)
        assert [*found, *stream] == self.expected


MANNERS = ("after_a_prediction", "within_a_stream", "with_an_exit", "in_both", "in_a_thread", "in_a_pool")

if __name__ == "__main__":
    getattr(Forking(Path(sys.argv[1]), sys.argv[3]), sys.argv[2])()

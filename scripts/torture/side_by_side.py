"""Campaigns side by side, each in a fork of this process."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from .children import leave_after
from .frame import Outcome, tell

Work = Callable[[], Outcome]


def run_side_by_side(works: Sequence[Work], jobs: int, folder: Path) -> Iterator[Outcome]:
    """Run each work in a fork, at most `jobs` at a time; yield the outcomes in the order of the works.

    A fork that ends without an outcome counts as one failure. No fork outlives the iterator.
    """
    running: dict[int, int] = {}  # the numbers of works, by their processes
    ended: set[int] = set()
    started = 0
    try:
        for number in range(len(works)):
            while number not in ended:
                while started < len(works) and len(running) < jobs:
                    running[_fork(works[started], folder / f"{started}.json")] = started
                    started += 1
                process, _ = os.wait()
                ended.add(running.pop(process))
            yield _read_outcome(folder / f"{number}.json")
    finally:
        for process in running:
            os.kill(process, signal.SIGTERM)
            os.waitpid(process, 0)


def _fork(work: Work, path: Path) -> int:
    """Write the outcome of a work to `path` in a fork; return the number of its process."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    process = os.fork()
    if process == 0:

        def action() -> None:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            path.write_text(json.dumps(asdict(work())))

        leave_after(action)
    return process


def _read_outcome(path: Path) -> Outcome:
    with suppress(FileNotFoundError, ValueError):
        return Outcome(**json.loads(path.read_text()))
    tell("  the process of a campaign ended before its campaign")
    return Outcome(failures=1)

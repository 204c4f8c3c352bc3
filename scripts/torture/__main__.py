"""Run the campaigns, all or some, and print one table."""

import argparse
import os
import signal
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import sentiment  # noqa: F401  # first: it sets variables that torch reads when it is imported

from . import warm  # noqa: F401
from .frame import Outcome, tell
from .registry import CAMPAIGNS, Entry
from .side_by_side import run_side_by_side

MOST_JOBS = 4  # a campaign may hold 1 GiB


def main() -> int:
    """Parse the options, run the campaigns and print the table. Return 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m scripts.torture", description=__doc__)
    parser.add_argument("--only", default="", metavar="4,5", help="numbers of the campaigns to run")
    parser.add_argument("--share", type=float, default=1.0, help="share of each campaign's trials")
    parser.add_argument("--trial", type=int, help="a single trial, to repeat a failure")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random faults")
    parser.add_argument("--jobs", type=int, default=count_cores(), help="campaigns at a time")
    options = parser.parse_args()
    named = [number for number in options.only.split(",") if number]
    if unknown := set(named) - set(map(str, CAMPAIGNS)):
        parser.error(f"no campaign {', '.join(sorted(unknown))}; there are 1 to {max(CAMPAIGNS)}")
    wanted = [int(number) for number in named] or list(CAMPAIGNS)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # and end the forks
    print(format_row("#", "campaign", ("trials", "failed", "seconds")), flush=True)
    made, failures = 0, 0
    # After SIGTERM, the last commands may still write into it for a moment.
    with tempfile.TemporaryDirectory(prefix="torture-", ignore_cleanup_errors=True) as scratch:
        works = []
        for number in wanted:
            entry = CAMPAIGNS[number]
            trials = [options.trial] if options.trial is not None else entry.trial_numbers(options.share)
            works.append(partial(run_campaign, entry, trials, options.seed, Path(scratch) / str(number)))
        outcomes = run_side_by_side(works, max(1, options.jobs), Path(scratch))
        for number, outcome in zip(wanted, outcomes, strict=True):
            print_outcome(number, outcome)
            failures += outcome.failures
            made += outcome.trials
    print(f"{made:,} trials, {failures:,} failures; n trials without a failure: the rate is below 3/n (95%)")
    return 1 if failures else 0


def count_cores() -> int:
    """Return how many campaigns to run at a time: one for each core that this process may use."""
    return min(MOST_JOBS, len(os.sched_getaffinity(0)))


def print_outcome(number: int, outcome: Outcome) -> None:
    """Print the row of a campaign, and its notes."""
    figures = f"{outcome.trials:,}", f"{outcome.failures:,}", f"{outcome.seconds:.0f}"
    print(format_row(str(number), CAMPAIGNS[number].name, figures, outcome.skipped), flush=True)
    for note in outcome.notes:
        print(textwrap.fill(note, 80, initial_indent="    ", subsequent_indent="    "), flush=True)


def run_campaign(entry: Entry, trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Run one campaign. If it ends with an error it counts as failed."""
    folder.mkdir(parents=True)
    start = time.perf_counter()
    try:
        outcome = entry.run(trials, seed, folder)
    except Exception as error:
        tell(f"  campaign {entry.name} ended with an error: {error!r}")
        outcome = Outcome(trials=len(trials), failures=1)
    outcome.seconds = time.perf_counter() - start
    return outcome


def format_row(number: str, name: str, figures: tuple[str, str, str], skipped: str = "") -> str:
    """Return a line of the table: trials, failures, seconds. It has 80 columns if nothing was skipped."""
    trials, failed, seconds = figures
    reason = f"  skipped: {skipped}" if skipped else ""
    return f"{number:>2}  {name:<44}{trials:>7}{failed:>8}{seconds:>9}{reason}"


if __name__ == "__main__":
    sys.exit(main())

"""What all campaigns use: numbered trials, each with its own random generator, and the count of failures."""

import random
import shutil
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

B = TypeVar("B")
Case = tuple[int, Callable[[B, random.Random, Path], None]]
"""The number of an attack in docs/reliability.md, and a trial of it on a bench, as `Trial`."""
Trial = Callable[[int, random.Random, Path], None]
"""One trial: gets its number, a generator seeded by seed and number, an empty folder. Raises if it fails."""


@dataclass
class Outcome:
    """The result of a campaign."""

    trials: int = 0
    failures: int = 0
    skipped: str = ""
    """Why some of the trials could not be run; empty if all were."""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0


Campaign = Callable[[Sequence[int], int, Path], Outcome]
"""One campaign: gets the numbers of the trials to run, the seed, and a folder that is named by its number."""


class Skipped(Exception):
    """Raised if this machine lacks something that the campaign needs; the message names it."""


def repeat(trial: Trial, trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Run each trial in its own folder below `folder`, that of the campaign; count those that raise."""
    outcome = Outcome()
    for number in trials:
        place = folder / f"trial-{number}"
        place.mkdir(parents=True)
        outcome.trials += 1
        try:
            trial(number, random.Random(f"{seed} {number}"), place)
        except Skipped as reason:
            outcome.trials -= 1
            outcome.skipped = str(reason)
        except Exception as error:
            outcome.failures += 1
            tell(f"  FAILED --only {folder.name} --seed {seed} --trial {number}: {_describe_failure(error)}")
        else:
            shutil.rmtree(place, ignore_errors=True)
    return outcome


def repeat_cases(
    bench: B, cases: Sequence[Case[B]], trials: Sequence[int], seed: int, folder: Path
) -> Outcome:
    """Try those of a list of cases that have the numbers `trials`; note how many each attack has."""

    def trial(number: int, generator: random.Random, place: Path) -> None:
        row, check = cases[number]
        try:
            check(bench, generator, place)
        except AssertionError as error:
            raise AssertionError(f"row {row}: {error}") from None

    made = [number for number in trials if number < len(cases)]
    outcome = repeat(trial, made, seed, folder)
    outcome.notes.append(count_rows(cases[number][0] for number in made))
    return outcome


def find_trials(cases: Sequence[tuple[Any, ...]], *rows: int) -> list[int]:
    """Return the numbers of the cases of some attacks."""
    return [number for number, case in enumerate(cases) if case[0] in rows]


def count_rows(rows: Iterable[int]) -> str:
    """Return how many trials there are for each attack of docs/reliability.md, for a note."""
    return ", ".join(f"row {row}: {count}" for row, count in sorted(Counter(rows).items()))


def tell(message: str) -> None:
    """Print a message on stderr; the table goes to stdout."""
    print(message, file=sys.stderr, flush=True)


def _describe_failure(error: Exception) -> str:
    if isinstance(error, AssertionError):
        return str(error)
    return "".join(traceback.format_exception(error))

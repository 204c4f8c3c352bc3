"""What every campaign shares: numbered trials with a generator each, counted, with what repeats a failure."""

import random
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Trial = Callable[[int, random.Random, Path], None]
"""One trial: its number, a generator that follows from seed and number, an empty folder; fails by raising."""


@dataclass
class Outcome:
    """What a campaign found."""

    trials: int = 0
    failures: int = 0
    skipped: str = ""
    """Why trials that were asked for could not be made; empty if they all were."""
    notes: list[str] = field(default_factory=list)


Campaign = Callable[[Sequence[int], int, Path], Outcome]
"""The numbers of the trials to make, the seed, a folder to work in."""


class Skipped(Exception):
    """This machine lacks what the campaign needs; the message says what."""


def repeat(trial: Trial, trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Make each trial in a folder of its own and count those that raise."""
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
            tell(f"  FAILED --seed {seed} --trial {number}: {_reason(error)}")
        else:
            shutil.rmtree(place, ignore_errors=True)
    return outcome


def tell(message: str) -> None:
    """Say something beside the table."""
    print(message, file=sys.stderr, flush=True)


def _reason(error: Exception) -> str:
    if isinstance(error, AssertionError):
        return str(error)
    return "".join(traceback.format_exception(error))

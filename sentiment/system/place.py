"""The place of this process among those that train together."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sentiment.errors import UsageError

STARTED_BY = "SENTIMENT_LEADER"  # the variable with the process number of the leader that started this one
MEETING = "SENTIMENT_MEETING"  # the variable with the path of the file in which it meets that leader


@dataclass(frozen=True)
class Place:
    """Which process this is; by default the only one."""

    rank: int = 0
    """Its number among all of them."""
    count: int = 1
    """How many processes train together."""
    local_rank: int = 0
    """Its number among those on this machine."""
    local_count: int = 1
    """How many of them are on this machine."""
    started_by: int | None = None
    """Process number of the leader, if that has started this process; None under `torchrun`."""
    meeting: Path = Path()
    """The file in which it meets the leader that has started it."""

    @property
    def is_joint(self) -> bool:
        """Whether this process was started as one of several."""
        return self.count > 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the run and prints messages."""
        return self.rank == 0


ONLY_PROCESS = Place()


def read_place(environment: Mapping[str, str] = os.environ) -> Place:
    """Read the place from the variables that `torchrun`, or a leading process, has set.

    Raises UsageError if one of them is no number.
    """

    def number(name: str, default: int) -> int:
        text = environment.get(name, f"{default}")
        try:
            return int(text)
        except ValueError:
            raise UsageError(f"the environment variable {name} is {text}; it must be a number") from None

    count = number("WORLD_SIZE", 1)
    return Place(
        rank=number("RANK", 0) if count > 1 else 0,
        count=count,
        local_rank=number("LOCAL_RANK", 0),
        local_count=number("LOCAL_WORLD_SIZE", 1),
        started_by=number(STARTED_BY, 0) if STARTED_BY in environment else None,
        meeting=Path(environment.get(MEETING, "")),
    )


def assistant_environment(rank: int, count: int, meeting: Path) -> dict[str, str]:
    """The variables of a process that this one starts to assist it; `meeting` is the file where they meet."""
    return {
        STARTED_BY: f"{os.getpid()}",
        MEETING: f"{meeting}",
        "WORLD_SIZE": f"{count}",
        "LOCAL_WORLD_SIZE": f"{count}",
        "RANK": f"{rank}",
        "LOCAL_RANK": f"{rank}",
    }

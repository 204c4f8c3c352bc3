"""What a check is given, and what it finds."""

from typing import NamedTuple


class Sizes(NamedTuple):
    """The sizes of a check."""

    embedding: int
    hidden: int
    batch: int
    steps: int
    rounds: int


class Finding(NamedTuple):
    """What a check found."""

    passed: bool
    text: str

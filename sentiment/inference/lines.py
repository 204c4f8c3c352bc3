"""Reviews to predict, each with its place; some cannot be used, and the reason is with them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from sentiment.data.text import why_unusable
from sentiment.errors import DataError
from sentiment.system.console import say

NAMED_LINES = 3  # unusable reviews that a message names


class Line(NamedTuple):
    """A review to predict."""

    where: str
    """What an error calls its place."""
    text: str
    label: str | None = None
    """The name of the right class, if the file has it."""
    flaw: str = ""
    """Why it cannot be predicted; empty if it can."""


@dataclass
class UnusableLines:
    """Counts the reviews that cannot be predicted."""

    count: int = 0
    named: list[str] = field(default_factory=list)
    """The first of them, each with its reason."""

    def add(self, line: Line) -> None:
        """Count a review."""
        self.count += 1
        if len(self.named) < NAMED_LINES:
            self.named.append(f"{line.where}: {line.flaw.partition('; ')[0]}")

    def describe(self) -> str:
        """Return for example `2 reviews (line 3: the text is empty; line 5: the text is empty)`."""
        more = "; ..." if self.count > len(self.named) else ""
        return f"{self.count:,} review{'s' if self.count > 1 else ''} ({'; '.join(self.named)}{more})"


def number_texts(texts: Iterable[str]) -> Iterator[Line]:
    """Yield texts with the places review 1, review 2 and so on."""
    return (
        Line(f"review {place}", text, flaw=why_unusable(text)) for place, text in enumerate(texts, start=1)
    )


def check_lines(lines: Iterable[Line], remedy: str = "remove it or give it some text") -> Iterator[Line]:
    """Yield the lines again; raises DataError at the first that cannot be predicted."""
    for line in lines:
        if line.flaw:
            flaw, _, own_remedy = line.flaw.partition("; ")
            raise DataError(f"{line.where}: {flaw}; {own_remedy or remedy}")
        yield line


def skip_bad_lines(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines that can be predicted; at the end, say how many others there are."""
    bad = UnusableLines()
    for line in lines:
        if line.flaw:
            bad.add(line)
        else:
            yield line
    if bad.count:
        say(f"left out {bad.describe()}")

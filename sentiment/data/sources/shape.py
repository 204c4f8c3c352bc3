"""Find out how a table of text is written: its separator, and whether its first row names the columns."""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from sentiment.config import DataSettings
from sentiment.data.columns import LABEL_NAMES, TEXT_NAMES
from sentiment.data.sources.fields import split_rows
from sentiment.errors import DataError

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d+)?|[.,]\d+)\s*")
USUAL_NAMES = frozenset(map(str.casefold, (*TEXT_NAMES, *LABEL_NAMES)))
NUMBER_LABELS = frozenset(("-1", "0", "1", "4"))
WORD_LABELS = frozenset(("neg", "pos", "negative", "positive", "neutral"))
SAMPLE_ROWS = 100


@dataclass(frozen=True)
class Shape:
    """How the rows of a text file are written."""

    separator: str
    has_header: bool = True
    width: int = 0
    """The fields of the first row."""
    lines_before: int = 0
    """How many lines come before the first row: 1 after a line `sep=;`, else 0."""
    assumption: str = ""
    """What to say of what is not as usual for the ending of the file; empty for nothing."""


def find_shape(lines: Sequence[str], usual: str, settings: DataSettings) -> Shape:
    """Return the shape of a file from its first lines; `usual` is the separator that its ending promises."""
    declared = SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    if declared is not None:
        return replace(shape_with(declared[1], lines[1:], settings), lines_before=1)
    separator = _find_separator(lines, usual, settings)
    shape = shape_with(separator, lines, settings)
    if separator == usual:
        return shape
    assumed = f"{SEPARATORS[separator]} between fields"
    return replace(shape, assumption=f"{assumed}, {shape.assumption}" if shape.assumption else assumed)


def shape_with(separator: str, lines: Sequence[str], settings: DataSettings) -> Shape:
    """Return the shape of a file with a known separator from its first lines."""
    rows = sample_rows(lines, separator, settings.quoting)
    width = len(rows[0]) if rows else 0
    if settings.no_header:
        return Shape(separator, has_header=False, width=width)
    if not rows or is_header(rows, settings):
        return Shape(separator, width=width)
    assumption = f"no header (the columns are numbered 1 to {width})"
    return Shape(separator, has_header=False, width=width, assumption=assumption)


def name_columns(header: Sequence[str]) -> list[str]:
    """Return the names of a header without spaces around them; a column without a name is its number."""
    return [name.strip() or str(number) for number, name in enumerate(header, start=1)]


def sample_rows(lines: Sequence[str], separator: str, quoting: str) -> list[list[str]]:
    """Return the first rows of some lines; the last lines may be cut off within a row."""
    rows: list[list[str]] = []
    with suppress(DataError):
        found = split_rows(lines, separator=separator, quoting=quoting, origin="")
        rows.extend(row.values for row in islice(found, SAMPLE_ROWS) if not row.flaw)
    return rows


def is_header(rows: Sequence[Sequence[str]], settings: DataSettings) -> bool:
    """Return whether the first row names columns.

    It does if one of its fields is a usual name, or one of the settings. It does not if the settings name the
    text by a number, if a field is a number or comes again in its column, if a column has nothing but labels,
    or if its only field has several words.
    """
    first = [field.strip() for field in rows[0]]
    if is_named_header(first, settings):
        return True
    if settings.text_column.isdecimal() or settings.own.text.isdecimal():
        return False
    if len(first) == 1 and len(first[0].split()) > 1:
        return False
    if any(map(NUMBER.fullmatch, first)) or has_label_column(rows):
        return False
    later = [row for row in rows[1:] if len(row) == len(first)]
    return not any(
        field and any(row[column].strip() == field for row in later) for column, field in enumerate(first)
    )


def has_label_column(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a column has nothing but labels, and two of them at least, from the first row on."""
    width = min(map(len, rows))
    columns = ({row[index].strip().casefold() for row in rows} for index in range(width))
    return any(len(values) > 1 and (values <= NUMBER_LABELS or values <= WORD_LABELS) for values in columns)


def is_named_header(fields: Sequence[str], settings: DataSettings) -> bool:
    """Return whether one of the fields is a usual name of a column, or one of the settings.

    Numbers in the settings count columns, unless all of them are names in the row: a 1 may be a label.
    """
    own = settings.own
    wanted = {settings.text_column, settings.label_column, settings.group_column, own.text, own.label}
    numbers = set(filter(str.isdecimal, wanted))
    names = name_columns(fields)
    if not numbers.issubset(names):
        wanted -= numbers
    return has_usual_name(fields) or not wanted.isdisjoint(names)


def has_usual_name(fields: Sequence[str]) -> bool:
    """Return whether one of the fields is a usual name of a column."""
    return any(field.strip().casefold() in USUAL_NAMES for field in fields)


def names_text_and_label(fields: Sequence[str]) -> bool:
    """Return whether one of the fields is a usual name for the text, and another one for the label."""
    found = {field.strip().casefold() for field in fields}
    return all(not found.isdisjoint(map(str.casefold, names)) for names in (TEXT_NAMES, LABEL_NAMES))


def _find_separator(lines: Sequence[str], usual: str, settings: DataSettings) -> str:
    """Return the separator that cuts most rows into as many fields as the first; `usual` if there is none."""
    best, separator = (False, 0.0, 0), usual
    for candidate in dict.fromkeys((usual, *SEPARATORS)):
        rows = _split_loosely(lines, candidate, settings.quoting)
        if not rows or len(rows[0]) < 2:
            continue
        share = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        score = has_usual_name(rows[0]), share, len(rows[0])
        if score > best:
            best, separator = score, candidate
    return separator


def _split_loosely(lines: Sequence[str], separator: str, quoting: str) -> list[list[str]]:
    """Return the rows of some lines, whose quotes may be wrong."""
    if quoting == "none" or separator == "\t":
        return sample_rows(lines, separator, quoting)
    return [row for row in _read_loosely(lines, separator) if row]


def _read_loosely(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    csv.field_size_limit(2**31 - 1)
    return islice(csv.reader(lines, delimiter=separator), SAMPLE_ROWS)

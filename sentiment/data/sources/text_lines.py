"""Read text files: a table with tabs, lines with fastText's labels, or one text a line."""

import re
from collections.abc import Iterator, Sequence

from sentiment.config import DataSettings
from sentiment.data.sources.budget import Budget
from sentiment.data.sources.json_files import parse_object, stream_json_lines
from sentiment.data.sources.separated import read_sample, say_assumptions, stream_rows
from sentiment.data.sources.shape import (
    SEPARATORS,
    has_label_column,
    is_named_header,
    names_text_and_label,
    sample_rows,
    shape_with,
)
from sentiment.data.sources.table import Layout, ReadRow, Table, TableMaker
from sentiment.data.sources.text_files import TextFile, why_undecoded

LABEL_MARK = "__label__"
OBJECTS = "an object of JSON in each line"
LABELLED_LINE = re.compile(rf"\s*((?:{LABEL_MARK}\S+\s+)+)(.*)", re.DOTALL)


def stream_text(file: TextFile, settings: DataSettings) -> Iterator[Table]:
    """Yield tables of a `.txt` file; its first lines show what it is.

    A table has tabs and either a header with a usual name, or in each row a label such as 0 or positive. With
    other separators it has a header with usual names of text and label. The first line of JSON is an object.
    Unless each line is a text, what was found is said on stderr.
    """
    sample = read_sample(file)
    first = next((line for line in sample if line.strip()), "")
    if not parse_object(first)[1]:
        yield from stream_json_lines(file, OBJECTS)
    elif first.lstrip().startswith(LABEL_MARK):
        say_assumptions(file, "lines of fastText")
        yield from _make_tables_of_lines(file, "fasttext", ["text", "label"], _read_labelled(file))
    elif separator := _find_table_separator(sample, settings):
        shape = shape_with(separator, sample, settings)
        say_assumptions(file, f"{SEPARATORS[shape.separator]} between fields", shape.assumption)
        yield from stream_rows(file, shape, settings)
    else:
        say_assumptions(file)
        yield from _make_tables_of_lines(file, "text", ["text"], _read_texts(file))


def _find_table_separator(lines: Sequence[str], settings: DataSettings) -> str:
    """Return what is between the fields of a table; nothing if each line is a text."""
    if _is_table(lines, settings):
        return "\t"
    headers = ((one, sample_rows(lines[:1], one, settings.quoting)) for one in SEPARATORS)
    return next((one for one, rows in headers if rows and names_text_and_label(rows[0])), "")


def _is_table(lines: Sequence[str], settings: DataSettings) -> bool:
    rows = sample_rows(lines, "\t", settings.quoting)
    if not rows or len(rows[0]) < 2:
        return False
    if settings.no_header or is_named_header(rows[0], settings):
        return True
    return all(len(row) == len(rows[0]) for row in rows) and has_label_column(rows)


def _make_tables_of_lines(
    file: TextFile, kind: str, names: Sequence[str], rows: Iterator[ReadRow]
) -> Iterator[Table]:
    def make_columns(values: Sequence[Sequence[str]]) -> dict[str, Sequence[str]]:
        return {name: [row[index] for row in values] for index, name in enumerate(names)}

    layout = Layout(kind, encoding=file.encoding, has_header=False)
    return TableMaker(file.origin, layout, make_columns).cut(rows)


def _read_texts(file: TextFile) -> Iterator[ReadRow]:
    """Yield each line as a text; a blank line is an empty one."""
    with file.open() as stream:
        for number, line in enumerate(Budget(file.path).read_lines(stream), start=1):
            text = line.rstrip("\r\n")
            yield ReadRow(number, [text], why_undecoded(text) if file.may_be_damaged else "")


def _read_labelled(file: TextFile) -> Iterator[ReadRow]:
    """Yield text and label of each line that is not blank."""
    for row in _read_texts(file):
        (line,) = row.values
        if not line.strip():
            continue
        found = LABELLED_LINE.fullmatch(f"{line} ")
        labels = found[1].split() if found else []
        if row.flaw:
            yield row
        elif found is None or len(labels) != 1:
            yield row._replace(flaw=f"{len(labels)} labels at the beginning; one {LABEL_MARK}NAME is needed")
        else:
            yield row._replace(values=[found[2][:-1], labels[0].removeprefix(LABEL_MARK)])

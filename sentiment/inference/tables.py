"""Read a table, predict its rows, and write it with the predictions: every row and column as it was."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from sentiment.config import DataSettings
from sentiment.data.sources.files import file_ending
from sentiment.data.sources.table import Layout
from sentiment.errors import DataError, UsageError
from sentiment.inference.lines import Line
from sentiment.inference.pieces import Piece, TableShape, open_table, pieces_of_lines
from sentiment.inference.predictor import Prediction, Predictor, figure_names
from sentiment.inference.reading import refuse_input
from sentiment.inference.writers import (
    JsonLinesWriter,
    SeparatedWriter,
    TableWriter,
    find_line_end,
    find_schema,
    open_parquet,
    read_raw_lines,
    text_schema,
)
from sentiment.system import storage
from sentiment.system.unfinished import hold, remove_unfinished

OUT_ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
PREFIX = "predicted_"
NAMED_ROWS = 3
SEPARATORS = {".csv": ",", ".tsv": "\t"}
TEXT_COLUMNS = ("csv", "text", "fasttext")  # formats whose values are all text


@dataclass
class Written:
    """What was written."""

    rows: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    flaws: list[str] = field(default_factory=list)
    """The first rows that were not predicted, each with its reason."""

    def count(self, piece: Piece, predictions: Sequence[Prediction]) -> None:
        """Count the rows of a piece and the labels of its usable ones."""
        self.rows += len(piece.flaws)
        self.labels.update(prediction.label for prediction in predictions)
        for place, flaw in zip(piece.places, piece.flaws, strict=True):
            if flaw and len(self.flaws) < NAMED_ROWS:
                self.flaws.append(f"{place}: {flaw}")

    @property
    def unpredicted(self) -> int:
        """How many rows were not predicted."""
        return self.rows - self.labels.total()


def check_out(out: Path, file: str | None, force: bool) -> None:
    """Raise UsageError unless a table can be written to `out`, and `out` is not the file that is read.

    `file` is the name of the file that is read, `-` for stdin.
    """
    if out.suffix.lower() not in OUT_ENDINGS:
        raise UsageError(
            f"--out {out}: unknown ending; write to a file that ends in {', '.join(OUT_ENDINGS)}"
        )
    refuse_input("--out", out, file)
    storage.check_free(out, force)
    if out.exists() and not out.is_file():
        raise UsageError(f"--out {out} is no regular file; choose another name")


def predict_table(
    predictor: Predictor, path: Path, settings: DataSettings, out: Path, *, strict: bool = False
) -> Written:
    """Predict the rows of a file, and write it to `out` with the columns label, probability and doubt.

    With more classes than two, each has a column `probability_NAME`. A row that cannot be used keeps its
    place, with empty cells and the reason in `doubt`; with `strict` it is an error. A column that the table
    has already gets the prefix `predicted_`. Memory stays flat. `out` is new or as before, never half
    written. Raises DataError if the file cannot be read.
    """
    shape, pieces = open_table(path, settings)
    target = _Target(out, name_added(shape.names, predictor.class_names), settings)
    with _new_table(out) as file, target.open(file, shape, path) as writer:
        return _write_pieces(predictor, pieces, writer, target.added, strict=strict)


def predict_lines(
    predictor: Predictor, lines: Iterable[Line], settings: DataSettings, out: Path, *, strict: bool = False
) -> Written:
    """Predict texts, and write them to `out` as a table with the column `text`; else as `predict_table`."""
    shape = TableShape(["text"], "text", Layout())
    target = _Target(out, name_added(shape.names, predictor.class_names), settings)
    with _new_table(out) as file, target.open(file, shape, None) as writer:
        return _write_pieces(predictor, pieces_of_lines(lines), writer, target.added, strict=strict)


@contextmanager
def _new_table(out: Path) -> Iterator[BinaryIO]:
    """Yield the file that becomes `out`. What killed processes have left of theirs is removed."""
    remove_unfinished(out)
    with storage.new_file(out) as file:
        hold(file)
        yield file


def name_added(names: Sequence[str], class_names: Sequence[str]) -> list[str]:
    """Return the names of the added columns, with a prefix where a table has such a column."""
    added: list[str] = []
    for name in ("label", *figure_names(class_names), "doubt"):
        while name in names or name in added:
            name = PREFIX + name
        added.append(name)
    return added


@dataclass(frozen=True)
class _Target:
    """The file that is written, and how."""

    path: Path
    added: list[str]
    """The names of the added columns."""
    settings: DataSettings

    @contextmanager
    def open(self, file: BinaryIO, shape: TableShape, source: Path | None) -> Iterator[TableWriter]:
        """Yield the writer for the ending of the file; `source` is the file of the table, if there is one."""
        ending, kind = self.path.suffix.lower(), shape.layout.format
        if ending == ".parquet":
            is_copied = source is not None and kind == "parquet"
            schema = None if is_copied else self._find_schema(shape, source)
            with open_parquet(
                file, self.added, source=source if is_copied else None, schema=schema
            ) as writer:
                yield writer
        elif ending in (".jsonl", ".ndjson"):
            lines = read_raw_lines(source, shape.layout.encoding) if source and kind == "jsonl" else None
            yield JsonLinesWriter(file, lines)
        else:
            yield self._separated_writer(file, shape.layout, source)

    def _find_schema(self, shape: TableShape, source: Path | None) -> Any:
        if source is None or shape.layout.format in TEXT_COLUMNS:
            return text_schema(shape.names)
        return find_schema(open_table(source, self.settings)[1])

    def _separated_writer(self, file: BinaryIO, layout: Layout, source: Path | None) -> SeparatedWriter:
        """Return a writer that keeps separator, encoding, line ends and header of a csv or tsv file."""
        ending = self.path.suffix.lower()
        separator, line_end, has_header, has_quotes = SEPARATORS[ending], "\n", True, True
        if layout.format == "csv" and source is not None:
            separator = layout.separator if file_ending(source) == ending else separator
            line_end = find_line_end(source, layout.encoding)
            has_header = layout.has_header
            has_quotes = self.settings.quoting != "none" or separator != layout.separator
        is_binary = layout.format in ("", "parquet", "arrow", "xlsx")
        encoding = (self.settings.encoding or "utf-8") if is_binary else layout.encoding
        return SeparatedWriter(
            file, Layout("csv", separator, encoding, has_header), line_end=line_end, quotes=has_quotes
        )


def _write_pieces(
    predictor: Predictor, pieces: Iterator[Piece], writer: TableWriter, names: Sequence[str], *, strict: bool
) -> Written:
    written = Written()
    for piece, predictions in _predict_pieces(predictor, _checked(pieces) if strict else pieces):
        added = _added_columns(piece, predictions, predictor.class_names)
        writer.write(piece, dict(zip(names, added, strict=True)))
        written.count(piece, predictions)
    return written


def _predict_pieces(
    predictor: Predictor, pieces: Iterator[Piece]
) -> Iterator[tuple[Piece, list[Prediction]]]:
    """Yield each piece with the predictions of its usable rows; few pieces are held at a time."""
    waiting: deque[Piece] = deque()  # not `tee`, which keeps up to 57 of what both of its ends have passed

    def texts() -> Iterator[str]:
        for piece in pieces:
            waiting.append(piece)
            yield from piece.usable_texts

    predictions: list[Prediction] = []
    for prediction in predictor.predict_stream(texts()):
        while waiting[0].usable_count == 0:
            yield waiting.popleft(), []
        predictions.append(prediction)
        if len(predictions) == waiting[0].usable_count:
            yield waiting.popleft(), predictions
            predictions = []
    yield from ((piece, []) for piece in waiting)


def _added_columns(
    piece: Piece, predictions: Sequence[Prediction], class_names: Sequence[str]
) -> list[list[Any]]:
    """Return label, figures and doubt of each row; the doubt of an unusable row is its flaw."""
    found = iter(predictions)
    rows = [None if flaw else next(found) for flaw in piece.flaws]
    nothing = [None] * len(figure_names(class_names))
    figures = [[*row.figures().values()] if row else nothing for row in rows]
    return [
        [row and row.label for row in rows],
        *([row[column] for row in figures] for column in range(len(nothing))),
        [row.doubt if row else flaw for row, flaw in zip(rows, piece.flaws, strict=True)],
    ]


def _checked(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Yield the pieces; raises DataError that names the first row that cannot be used."""
    for piece in pieces:
        for place, flaw in zip(piece.places, piece.flaws, strict=True):
            if flaw:
                raise DataError(f"{place}: {flaw}")
        yield piece

"""Small data files that take much memory, for campaign 7: refused or read within a budget made smaller."""

import gzip
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet

from sentiment.data.sources import budget

from .bench import Bench
from .children import Ended

LEAST_BYTES = 2**26  # what a small file may take in these trials, not 1 GiB
MOST_BYTES = (
    8 * LEAST_BYTES
)  # what a process may take beyond a healthy one: a step copies, a batch has 128 MiB
SECONDS = 20.0
LONG = "x" * 120_000
HUGE_LINE = 2**32  # bytes of a file with a hole


@dataclass(frozen=True)
class Bomb:
    """A small file, or a folder, and what its refusal says; empty if it is read."""

    name: str
    write: Callable[[Path], None]
    words: str = "holds a table of more than 64 MiB"


def _repeated(rows: int = 4_000) -> pyarrow.Table:
    indices = pyarrow.array(np.zeros(rows, dtype=np.int32))
    texts = pyarrow.DictionaryArray.from_arrays(indices, pyarrow.array([LONG]))
    return pyarrow.table({"text": texts, "label": [row % 2 for row in range(rows)]})


def _parquet(path: Path) -> None:
    pyarrow.parquet.write_table(_repeated(), path, compression="zstd", store_schema=False)


def _page(path: Path) -> None:
    table = pyarrow.table({"text": ["x" * 2**20] * 100, "label": [0, 1] * 50})
    options = {"compression": "zstd", "use_dictionary": False, "data_page_size": 2**30}
    pyarrow.parquet.write_table(table, path, **options)


def _arrow(path: Path) -> None:
    table = _repeated()
    with pyarrow.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)


def _packed_arrow(path: Path) -> None:
    table = pyarrow.table({"text": ["x" * 2**20] * 200, "label": [0, 1] * 100})
    options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
    with pyarrow.ipc.new_stream(str(path), table.schema, options=options) as writer:
        writer.write_table(table)


def _workbook(path: Path) -> None:
    strings = "<sst>" + "<si/>" * 2_000_000 + "</sst>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", strings)


def _lists(path: Path) -> None:
    line = b'{"text": "a", "label": 1, "more": [' + b"[]," * 100_000 + b"1]}\n"
    path.write_bytes(gzip.compress(line * 60))


def _rows(path: Path) -> None:
    path.write_bytes(gzip.compress(b"text,label\n" + b"a,1\n" * 2_000_000))


def _line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"text,label\n")
        file.truncate(HUGE_LINE)


def _folder(path: Path) -> None:
    for name in ("pos", "neg"):
        (path / name).mkdir(parents=True)
        (path / name / "0_9.txt").write_text("a film")
    with (path / "pos" / "1_9.txt").open("wb") as file:
        file.truncate(HUGE_LINE)


def _columns(path: Path) -> None:
    names = ",".join(f"column {number}" for number in range(100_000))
    path.write_text(f"{names}\n{names}\n")


def _keys(path: Path) -> None:
    rows = ({"text": f"take {row}", "label": row % 2, f"key {row}": 1} for row in range(12_000))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


BOMBS = (
    Bomb("one-text.parquet", _parquet),
    Bomb("one-page.parquet", _page, "a page that unpacks to 100 MiB"),
    Bomb("one-text.arrow", _arrow),
    Bomb("zstd.arrow", _packed_arrow),
    Bomb("strings.xlsx", _workbook),
    Bomb("lists.jsonl.gz", _lists),
    Bomb("rows.csv.gz", _rows),
    Bomb("line.csv", _line, "line 2, has a line of more than 16,777,216 characters"),
    Bomb("folder", _folder, "has a text of more than 16,777,216 characters"),
    Bomb("columns.csv", _columns, "has no column for the text"),
    Bomb("keys.jsonl", _keys, ""),
)


def set_off(bench: Bench, bomb: Bomb, place: Path) -> None:
    """Fail unless a small file is refused, or read, in seconds and within its budget of memory."""

    def shrink() -> None:
        budget.LEAST_BYTES = LEAST_BYTES

    def prepare(source: Path, output: Path) -> Ended:
        return bench.fork("prepare", bench.recipe, "--data", source, output=output, before=shrink).wait()

    source = place / bomb.name
    bomb.write(source)
    healthy = prepare(bench.folder / "reviews.jsonl", place / "healthy")
    healthy.assert_code(0)
    ended = prepare(source, place / "output")
    ended.assert_code(3 if bomb.words else 0)
    if bomb.words:
        assert bomb.words in ended.error and str(source) in ended.error, f"{bomb.name}: {ended.error}"
    assert ended.seconds < SECONDS, f"{bomb.name} took {ended.seconds:.1f} s"
    more = ended.peak_bytes - healthy.peak_bytes
    assert more < MOST_BYTES, f"{bomb.name} took {more / 2**20:,.0f} MiB more than a healthy file"

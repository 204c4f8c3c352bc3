"""Small files that unpack to much are refused before they do; honest files of every kind are read."""

import gzip
import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from sentiment.config import DataSettings
from sentiment.data.reviews import ReviewSource
from sentiment.data.sources.budget import MOST_COLUMNS, Budget, require_columns
from sentiment.data.sources.files import read_table, stream_table
from sentiment.data.sources.parquet_pages import Page, read_pages
from sentiment.errors import DataError
from sentiment.inference.pieces import open_table, read_table_lines
from sentiment.inference.reading import read_lines

LEAST = 2**21  # bytes that a small file may take in these tests, not 1 GiB
LONG = "x" * 12_000
TOO_MUCH = r"holds a table of more than \d+ MiB, far more than its size explains; split it into smaller files"


@pytest.fixture(autouse=True)
def small_budget(monkeypatch):
    """Make every bound smaller, so traps of some megabytes are enough."""
    monkeypatch.setattr("sentiment.data.sources.budget.LEAST_BYTES", LEAST)
    monkeypatch.setattr("sentiment.data.sources.arrow_files.BATCH_BYTES", 2**18)
    monkeypatch.setattr("sentiment.data.sources.arrow_files.PAGE_BYTES", 2**19)


def assert_refused(path, words, most=3 * LEAST):
    """Fail unless a file is refused in one line, and neither Python nor Arrow has held more than `most`."""
    usual = pyarrow.default_memory_pool()
    pool = pyarrow.proxy_memory_pool(usual)
    pyarrow.set_memory_pool(pool)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=words) as caught:
            read_table(path, DataSettings())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        pyarrow.set_memory_pool(usual)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert peak + pool.max_memory() < most, f"held {peak:,} and {pool.max_memory():,} bytes"


def test_a_budget_counts_bytes_and_values(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"x" * 100_000)
    budget = Budget(path)
    budget.take(5_000_000)
    budget.take(values=5_000_000 // 64)
    with pytest.raises(DataError, match=r"a\.csv holds a table of more than 10 MiB"):
        budget.take(1_000)


def test_columns_are_counted_and_differ():
    require_columns([str(number) for number in range(MOST_COLUMNS)], "a.csv")
    with pytest.raises(DataError, match="131,073 columns; keep 131,072 of them"):
        require_columns([str(number) for number in range(MOST_COLUMNS + 1)], "a.csv")


# --- parquet and arrow ---------------------------------------------------------------------------------


def repeated(rows=2_000):
    indices = pyarrow.array(np.zeros(rows, dtype=np.int32))
    return pyarrow.DictionaryArray.from_arrays(indices, pyarrow.array([LONG]))


def write_parquet(path, columns, **options):
    pyarrow.parquet.write_table(pyarrow.table(columns), path, compression="zstd", **options)
    return path


def write_arrow(path, columns, *, is_stream=False, compression=None):
    table = pyarrow.table(columns)
    options = pyarrow.ipc.IpcWriteOptions(compression=compression)
    opened = pyarrow.ipc.new_stream if is_stream else pyarrow.ipc.new_file
    with opened(str(path), table.schema, options=options) as writer:
        writer.write_table(table)
    return path


@pytest.mark.parametrize("is_typed", [True, False])
def test_a_text_that_parquet_has_once_may_not_be_in_too_many_rows(tmp_path, is_typed):
    path = write_parquet(tmp_path / "a.parquet", {"text": repeated()}, store_schema=is_typed)
    assert path.stat().st_size < 4_000
    assert_refused(path, TOO_MUCH)


def test_texts_of_parquet_that_begin_alike_count_in_full(tmp_path):
    path = write_parquet(
        tmp_path / "a.parquet",
        {"text": [LONG] * 2_000},
        use_dictionary=False,
        column_encoding="DELTA_BYTE_ARRAY",
    )
    assert_refused(path, TOO_MUCH)


def test_a_list_of_parquet_may_not_have_a_text_too_often(tmp_path):
    lists = pyarrow.ListArray.from_arrays([0, 2_000], repeated())
    path = write_parquet(tmp_path / "a.parquet", {"text": ["a"], "tags": lists}, store_schema=False)
    assert_refused(path, TOO_MUCH, most=2**20)


def test_a_page_of_parquet_may_not_unpack_to_far_more_than_it_has(tmp_path):
    path = write_parquet(
        tmp_path / "a.parquet", {"text": ["x" * 2**17] * 8}, use_dictionary=False, data_page_size=2**30
    )
    assert_refused(path, "a page that unpacks to 1 MiB, far more than its size explains", most=2**20)


def test_pages_of_parquet_may_not_have_too_many_values(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", {"text": pyarrow.array([None] * 50_000, pyarrow.string())})
    assert_refused(path, TOO_MUCH, most=2**20)


def test_a_damaged_header_of_a_page_is_refused(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", {"text": ["good", "bad"]})
    path.write_bytes(b"PAR1" + b"\xff" * 8 + path.read_bytes()[12:])
    assert_refused(path, r"a\.parquet is not a complete parquet file: a page has no header; copy it again")


def test_a_page_of_parquet_is_what_its_kind_says():
    sizes = bytes([0x15, 0, 0x15, 2, 0x15, 4])  # a data page of 1 byte that has 2 in the file
    own = bytes([0x2C, 0x15, 6, 0x15, 14, 0])  # 3 values that begin as the one before
    other = bytes([0x3C, 0x15, 2, 0x35, 0, 0])  # what a data page of version 2 would have
    pages = read_pages(sizes + own + other + bytes(3), 0, 3)
    assert list(pages) == [Page(size=1, packed_size=2, values=3, is_dictionary=False, repeats=True)]


@pytest.mark.parametrize("is_stream", [True, False])
def test_a_text_that_arrow_has_once_may_not_be_in_too_many_rows(tmp_path, is_stream):
    path = write_arrow(tmp_path / "a.arrow", {"text": repeated()}, is_stream=is_stream)
    assert_refused(path, TOO_MUCH)


def test_a_view_of_arrow_is_as_long_as_its_text(tmp_path):
    one = np.array([[len(LONG), int.from_bytes(LONG[:4].encode(), "little"), 0, 0]], dtype=np.int32)
    buffers = [None, pyarrow.py_buffer(one.repeat(2_000, axis=0)), pyarrow.py_buffer(LONG.encode())]
    views = pyarrow.Array.from_buffers(pyarrow.string_view(), 2_000, buffers)
    path = write_arrow(tmp_path / "a.arrow", {"text": views})
    assert_refused(path, TOO_MUCH)


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_arrow_may_not_unpack_to_too_much(tmp_path, compression):
    path = write_arrow(tmp_path / "a.arrow", {"text": ["x" * 2**18] * 20}, compression=compression)
    assert_refused(path, TOO_MUCH, most=2**20)


def test_a_length_of_arrow_that_is_forged_takes_no_memory(tmp_path):
    path = write_arrow(tmp_path / "a.arrow", {"text": [LONG] * 40}, compression="zstd")
    old, new = ((40 * len(LONG)).to_bytes(8, "little"), (2**45).to_bytes(8, "little"))
    assert path.read_bytes().count(old) == 1
    path.write_bytes(path.read_bytes().replace(old, new))
    assert_refused(path, TOO_MUCH, most=2**20)


def test_an_arrow_file_has_the_batches_that_its_end_lists(tmp_path):
    path = write_arrow(tmp_path / "a.arrow", {"text": ["good", "bad"]})
    whole = path.read_bytes()
    batch = whole.index(b"\xff\xff\xff\xff", 16)
    path.write_bytes(whole[:batch] + b"\xff\xff\xff\xff\0\0\0\0" + whole[batch + 8 :])
    assert_refused(path, r"a\.arrow is not a complete arrow file: its end lists other batches; copy it")


def test_a_cell_may_not_be_too_long(tmp_path):
    path = write_parquet(
        tmp_path / "a.parquet", {"text": ["x" * (2**24 + 1)], "label": [1]}, compression_level=1
    )
    assert_refused(path, "unpacks to")
    path = write_arrow(tmp_path / "a.arrow", {"text": [("xyz" * 2**23)[: 2**24 + 1]]})
    assert_refused(path, r"a\.arrow, column text, has a cell of more than 16,777,216 characters", most=2**27)


def test_a_type_that_nobody_can_count_is_refused(tmp_path):
    runs = pyarrow.RunEndEncodedArray.from_arrays([2_000], [LONG])
    path = write_arrow(tmp_path / "a.arrow", {"text": runs})
    assert_refused(path, "column text, has the type run_end_encoded<.*>, which is not supported; remove it")


HONEST = {
    "text": [f"a good film, number {number}" for number in range(500)],
    "large": pyarrow.array([f"take {number % 7}" for number in range(500)], pyarrow.large_string()),
    "label": [number % 2 for number in range(500)],
    "none": [None] * 500,
    "some": [None, "a"] * 250,
    "category": pyarrow.array(["x", None, "y", "x", "z"] * 100).dictionary_encode(),
    "tags": [["a", "b"], None, [], ["c"], [None]] * 100,
    "pairs": [{"a": "x", "b": [1, 2]}, None] * 250,
    "bytes": pyarrow.array([b"abc", None] * 250, pyarrow.binary(3)),
    "score": np.linspace(0, 1, 500),
}
ARROW_ONLY = {
    "view": pyarrow.array(["short", "longer than twelve bytes", None, "", "x"] * 100, pyarrow.string_view()),
    "two": pyarrow.array([[1, 2], None] * 250, pyarrow.list_(pyarrow.int32(), 2)),
    "map": pyarrow.array([[("a", 1)], None] * 250, pyarrow.map_(pyarrow.string(), pyarrow.int32())),
}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"row_group_size": 77},
        {"data_page_version": "2.0", "data_page_size": 100},
        {"use_dictionary": False, "store_schema": False},
        {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}},
        {"use_dictionary": False, "column_encoding": {"text": "DELTA_LENGTH_BYTE_ARRAY"}},
        {"dictionary_pagesize_limit": 200, "write_page_checksum": True, "write_page_index": True},
    ],
    ids=str,
)
def test_parquet_is_read_however_it_is_written(tmp_path, options):
    path = write_parquet(tmp_path / "a.parquet", HONEST, **options)
    expected = pyarrow.parquet.read_table(path).to_pydict()
    assert dict(read_table(path, DataSettings()).columns) == expected


@pytest.mark.parametrize("is_stream", [True, False])
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_arrow_is_read_however_it_is_written(tmp_path, is_stream, compression):
    columns = HONEST | ARROW_ONLY
    path = write_arrow(tmp_path / "a.arrow", columns, is_stream=is_stream, compression=compression)
    assert dict(read_table(path, DataSettings()).columns) == pyarrow.table(columns).to_pydict()


def test_small_batches_of_parquet_come_together(tmp_path, monkeypatch):
    monkeypatch.setattr("sentiment.data.sources.arrow_files.BATCH_BYTES", 1)
    path = write_parquet(tmp_path / "a.parquet", {"text": HONEST["text"]})
    (piece,) = stream_table(path, DataSettings())
    assert piece.columns["text"] == HONEST["text"]


# --- text files ----------------------------------------------------------------------------------------


def test_objects_with_other_keys_each_take_no_table_of_all_keys(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"text": f"film {row}", "label": row % 2, f"key {row}": 1} for row in range(5_000)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    tracemalloc.start()
    reviews = ReviewSource(DataSettings(source=str(path))).read("train")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**24  # a table would have 36 million cells
    assert reviews.texts == [row["text"] for row in rows]
    assert reviews.labels_N.tolist() == [row["label"] for row in rows]


def test_lazy_columns_are_columns(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": "a", f"key {row}": row}) + "\n" for row in range(9_000)))
    columns = read_table(path, DataSettings()).columns
    assert len(columns) == 9_001 and "key 5" in columns and "key" not in columns
    assert list(columns["key 8000"]) == [None] * 8_000 + [8_000] + [None] * 999
    assert (columns["key 5"][5], columns["key 5"][-1], columns["text"][:2]) == (5, None, ["a", "a"])
    assert [len(columns[name]) for name in ("text", "key 5")] == [9_000, 9_000]


def test_objects_with_other_keys_each_are_refused_only_where_all_keys_are_written(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": "a", f"key {row}": row}) + "\n" for row in range(500)))
    assert [line.text for line in read_table_lines(path, DataSettings())] == ["a"] * 500
    with pytest.raises(DataError, match=TOO_MUCH):
        open_table(path, DataSettings())


def test_a_repeated_key_among_many_is_found_at_once(tmp_path):
    path = tmp_path / "a.jsonl"
    keys = ",".join(f'"key {number}": 1' for number in (*range(50_000), 49_999))
    path.write_text('{"text": "a"}\n{' + keys + "}\n")
    (bad,) = read_table(path, DataSettings()).bad_rows
    assert bad.reason == "two keys are called key 49999; rename or remove one"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl.gz", b'{"x":[' + b"[]," * 30_000 + b"1]}\n"),
        ("a.json.gz", b"[" + b"{}," * 50_000 + b"1]"),
        ("a.txt.gz", b"\n" * 34_000),
        ("a.jsonl.gz", b"x" * 2**24),
        ("a.csv.gz", b"text,label\n" + b"good,1\n" * 2**19),
    ],
)
def test_a_packed_text_may_not_unpack_to_too_much(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(gzip.compress(content))
    assert_refused(path, TOO_MUCH, most=4 * LEAST)


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv", "a.tsv"])
def test_a_line_may_not_be_too_long(tmp_path, name):
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(b"text\n")
        file.truncate(2**32)
    line = r", line \d, has a line of more than 16,777,216 characters; split it or remove it"
    assert_refused(path, line, most=2**28)


def test_a_row_of_several_lines_may_not_be_too_long(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text,label\n"' + ("good " * 500 + "\n") * 7_000 + '",1\n')
    assert_refused(path, r"a\.csv, line 2 has a row of more than 16,777,216 characters", most=2**27)


def test_a_text_of_a_folder_may_not_be_too_long(tmp_path):
    for name in ("pos", "neg"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0_9.txt").write_text("a film")
    with (tmp_path / "neg" / "1_1.txt").open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(DataError, match=r"1_1\.txt has a text of more than 16,777,216 characters; split it"):
        ReviewSource(DataSettings(source=str(tmp_path))).read("train")


def test_a_line_of_a_file_of_any_ending_may_not_be_too_long(tmp_path):
    path = tmp_path / "reviews.log"
    with path.open("wb") as file:
        file.write(b"good\n")
        file.truncate(2**33)
    lines = read_lines(str(path), DataSettings())
    assert next(lines).text == "good"
    with pytest.raises(DataError, match=r"log, line 2, has a line of more than 16,777,216 characters; split"):
        next(lines)


@pytest.mark.parametrize("depth", [400, 900, 100_000])
@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_json_may_be_nested_deep_and_is_then_no_text(tmp_path, name, depth):
    path = tmp_path / name
    row = f'{{"text": {"[" * depth}{"]" * depth}, "label": 1}}'
    path.write_text(row if name == "a.jsonl" else f"[{row}]")
    with pytest.raises(DataError, match=r"a\.json"):
        ReviewSource(DataSettings(source=str(path))).read("train")


# --- Excel ---------------------------------------------------------------------------------------------

NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
STRINGS = (
    '<Override PartName="/xl/sharedStrings.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
)
HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>text</t></is></c></row>'


def write_workbook(path, strings="", **parts):
    """Write a workbook with shared strings, and with a few of its parts replaced."""
    book = pytest.importorskip("openpyxl").Workbook()
    book.active.append(["text"])
    whole = io.BytesIO()
    book.save(whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = parts.get(Path(name).stem, old.read(name).decode())
            new.writestr(name, content.replace("</Types>", f"{STRINGS}</Types>"))
        new.writestr("xl/sharedStrings.xml", f"<sst {NAMESPACE}>{strings}</sst>")
    return path


def worksheet(*rows):
    return f"<worksheet {NAMESPACE}><sheetData>{''.join(rows)}</sheetData></worksheet>"


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("sheet1", worksheet(HEADER, *["<row/>"] * 60_000)),
        ("strings", "<si/>" * 60_000),
        ("core", f"<a>{'x' * 2**22}</a>"),
    ],
    ids=["rows", "strings", "bytes"],
)
def test_a_part_of_a_workbook_may_not_unpack_to_too_much(tmp_path, part, content):
    path = write_workbook(tmp_path / "a.xlsx", **{part: content})
    assert path.stat().st_size < 20_000
    assert_refused(path, TOO_MUCH, most=2**22)


def test_a_workbook_may_not_have_rows_that_excel_does_not_have(tmp_path, monkeypatch):
    monkeypatch.setattr("sentiment.data.sources.excel_files.MOST_ROWS", 100)
    sheet = worksheet(HEADER, '<row r="999999999999"><c r="A9"><v>1</v></c></row>')
    path = write_workbook(tmp_path / "a.xlsx", sheet1=sheet)
    assert_refused(path, "has more than 100 rows, the most of Excel; save it as csv", most=2**22)


def test_cells_that_are_far_to_the_right_count_with_those_before_them(tmp_path):
    far = [f'<row r="{row}"><c r="ZZZ{row}"/></row>' for row in range(2, 9)]
    path = write_workbook(tmp_path / "a.xlsx", sheet1=worksheet(HEADER, *far))
    assert_refused(path, TOO_MUCH, most=2**22)
    wide = HEADER.replace('"A1"', '"AZZ1"')
    rows = [f'<row r="{row}"><c r="A{row}"><v>1</v></c></row>' for row in range(2, 99)]
    path = write_workbook(tmp_path / "b.xlsx", sheet1=worksheet(wide, *rows))
    assert_refused(path, TOO_MUCH, most=2**22)


def test_a_text_of_a_workbook_counts_in_every_cell(tmp_path):
    rows = [f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(1, 999)]
    path = write_workbook(tmp_path / "a.xlsx", f"<si><t>{LONG}</t></si>", sheet1=worksheet(*rows))
    assert_refused(path, TOO_MUCH, most=2**23)

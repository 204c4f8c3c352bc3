"""Files of every kind as people have them: read whole or in pieces, each value as it is written."""

import codecs
import contextlib
import csv
import datetime
import gzip
import json
import sys

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.config import DataSettings
from sentiment.config.own_table import OwnTable
from sentiment.data.sources.files import read_table, stream_table
from sentiment.data.sources.table import PIECE_ROWS
from sentiment.errors import DataError


@pytest.fixture
def read(tmp_path, capsys):
    """Write a file and read it; returns the table and what was said on stderr."""

    def write_and_read(name, content, **settings):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        table = read_table(path, DataSettings(**settings))
        said = capsys.readouterr().err.replace(f"{tmp_path}/", "")
        return table, said

    return write_and_read


def cells(table):
    return {name: list(values) for name, values in table.columns.items()}


CSV = 'text,label\ngood,1\n"bad, really",0\n"so ""so""",1\n'


# --- pieces --------------------------------------------------------------------------------------------


def write_many(path, rows):
    objects = [{"id": f"{row:07}", "text": f"film {row}"} for row in range(rows)]
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(objects), path)
    elif path.suffix == ".csv":
        path.write_text("id,text\n" + "".join(f"{row['id']},{row['text']}\n" for row in objects))
    elif path.suffix == ".json":
        path.write_text(json.dumps(objects))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in objects))
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "parquet"])
@pytest.mark.parametrize("rows", [1, PIECE_ROWS, PIECE_ROWS + 1, 3 * PIECE_ROWS + 7])
def test_the_pieces_of_a_file_are_the_file(tmp_path, ending, rows):
    path = write_many(tmp_path / f"many.{ending}", rows)
    whole = read_table(path, DataSettings())
    pieces = list(stream_table(path, DataSettings()))
    assert all(piece.row_count <= PIECE_ROWS for piece in pieces)
    assert [text for piece in pieces for text in piece.columns["text"]] == list(whole.columns["text"])
    places = [piece.place(row) for piece in pieces for row in range(piece.row_count)]
    assert places == [whole.place(row) for row in range(whole.row_count)]
    assert whole.row_count == rows and len(set(places)) == rows
    assert {piece.layout for piece in pieces} == {whole.layout}


@pytest.mark.parametrize(
    ("name", "content", "columns"), [("a.csv", "text,label\n", ["text", "label"]), ("a.jsonl", "\n", [])]
)
def test_a_file_without_rows_is_one_table(read, name, content, columns):
    table, _ = read(name, content)
    assert (list(table.columns), table.row_count) == (columns, 0)


def test_a_file_is_read_no_further_than_it_is_asked_for(tmp_path):
    path = write_many(tmp_path / "many.csv", 2 * PIECE_ROWS)
    with path.open("a") as file:
        file.write('8,"never closed\n')
    pieces = stream_table(path, DataSettings())
    assert next(pieces).row_count == next(pieces).row_count == PIECE_ROWS
    with pytest.raises(DataError, match=f"line {2 * PIECE_ROWS + 2}: .*check the quotes"):
        next(pieces)


def test_keys_that_come_late_are_columns_of_the_whole(tmp_path):
    path = write_many(tmp_path / "many.jsonl", PIECE_ROWS)
    with path.open("a") as file:
        file.write('{"text": "last", "note": "late"}\n')
    table = read_table(path, DataSettings())
    assert list(table.columns["note"]) == [None] * PIECE_ROWS + ["late"]
    assert table.columns["id"][-1] is None


# --- separators and headers ----------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "tsv"])
@pytest.mark.parametrize(
    ("separator", "word"), [(",", "a comma"), (";", "a semicolon"), ("\t", "a tab"), ("|", "a bar")]
)
def test_the_separator_is_recognised_and_said(read, ending, separator, word):
    content = f'id{separator}text{separator}label\n007{separator}"a{separator}b"{separator}1\n'
    table, said = read(f"a.{ending}", content)
    assert cells(table) == {"id": ["007"], "text": [f"a{separator}b"], "label": ["1"]}
    usual = {"csv": ",", "tsv": "\t"}[ending] == separator
    assert said == ("" if usual else f"a.{ending}: assuming {word} between fields\n")
    assert table.layout.separator == separator


def test_a_separator_inside_texts_is_no_separator(read):
    table, _ = read("a.csv", "Nr;Meinung\n1;gut, sehr gut, prima\n2;nicht, gut\n")
    assert list(table.columns) == ["Nr", "Meinung"]


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;"])
def test_a_first_line_may_declare_the_separator(read, line):
    table, said = read("a.csv", f"{line}\r\ntext;label\r\ngood;1\r\n")
    assert (cells(table), said) == ({"text": ["good"], "label": ["1"]}, "")
    assert table.place(0).endswith("line 3") and table.layout.separator == ";"


def test_names_of_columns_have_no_spaces_around_them(read):
    table, _ = read("a.csv", " text , label,\n good ,1,\n")
    assert cells(table) == {"text": [" good "], "label": ["1"], "3": [""]}


@pytest.mark.parametrize(
    "content",
    [
        "0,1467810369,tired of it\n4,1467810672,happy\n",
        "I loved it.,positive\nI hated it.,negative\nFine.,positive\n",
        '"I loved it, really"\n"no, I did not"\n',
    ],
)
def test_a_file_without_a_header_has_numbered_columns(read, content):
    table, said = read("a.csv", content)
    width = len(table.columns)
    assert list(table.columns) == [str(number) for number in range(1, width + 1)]
    assert table.row_count == content.count("\n")
    assert said == f"a.csv: assuming no header (the columns are numbered 1 to {width})\n"
    assert not table.layout.has_header


def test_no_header_can_be_asked_for(read):
    table, said = read("a.csv", "remarks,mood\nfine,glad\n", no_header=True)
    assert (cells(table), said) == ({"1": ["remarks", "fine"], "2": ["mood", "glad"]}, "")
    assert table.place(0).endswith("line 1")


@pytest.mark.parametrize(
    "header", ["2020,text", "id,Sentiment", "remarks,mood", "label,1", "it,positive", ",x"]
)
def test_a_header_is_a_header(read, header):
    table, said = read("a.csv", f"{header}\n1,b\n2,d\n")
    assert (list(table.columns), said) == ([name or "1" for name in header.split(",")], "")


def test_a_text_column_that_is_a_number_means_no_header(read, tmp_path):
    table, _ = read("a.csv", "remarks,mood\nfine,glad\n", text_column="1", label_column="2")
    assert cells(table) == {"1": ["remarks", "fine"], "2": ["mood", "glad"]}
    run = DataSettings().for_another_table(OwnTable(text="1", label="2"))
    assert list(read_table(tmp_path / "a.csv", run).columns) == ["1", "2"]
    table, _ = read("b.csv", ",mood\nfine,glad\n", text_column="1", label_column="mood")
    assert cells(table) == {"1": ["fine"], "mood": ["glad"]}
    # A label may be a number of a column.
    table, _ = read("c.csv", '"1","so","bad film"\n"2","so","good film"\n', text_column="3", label_column="1")
    assert cells(table) == {"1": ["1", "2"], "2": ["so", "so"], "3": ["bad film", "good film"]}
    table, _ = read("d.csv", "0,1\nfine,glad\n", text_column="0", label_column="1")
    assert cells(table) == {"0": ["fine"], "1": ["glad"]}


def test_what_was_assumed_is_said_once(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("text;label\ngood;1\n")
    assert [read_table(path, DataSettings()).columns["label"] for _ in range(2)] == [("1",), ("1",)]
    assert capsys.readouterr().err.count("assuming") == 1


def test_a_row_with_other_fields_than_the_header_is_a_bad_row(read):
    table, _ = read("a.csv", 'id,text\n1,a\n2,b,c\n3,"d"e\n4,f\n5\n')
    assert cells(table) == {"id": ["1", "4"], "text": ["a", "f"]}
    assert [(bad.place.split(", ")[1], bad.position) for bad in table.bad_rows] == [
        ("line 3", 1),
        ("line 4", 1),
        ("line 6", 2),
    ]
    assert table.bad_rows[0].values == ["2", "b", "c"]
    reasons = [bad.reason for bad in table.bad_rows]
    assert reasons[0] == "3 fields where the header has 2; quote fields that contain the separator"
    assert reasons[1].endswith("check the quotes")


def test_bad_rows_of_pieces_keep_their_position_in_the_whole(tmp_path):
    path = write_many(tmp_path / "many.csv", PIECE_ROWS)
    with path.open("a") as file:
        file.write("1,2,3\nx,y\n1\n")
    table = read_table(path, DataSettings())
    assert [bad.position for bad in table.bad_rows] == [PIECE_ROWS, PIECE_ROWS + 1]


def test_a_line_that_is_no_object_is_a_bad_row(read):
    table, _ = read("a.jsonl", '{"text": "a"}\n\nnonsense\n[1]\n{"a": 1, "a": 2}\n{"text": "b"}\n')
    assert cells(table) == {"text": ["a", "b"]}
    assert [bad.place.split(", ")[1] for bad in table.bad_rows] == ["line 3", "line 4", "line 5"]
    assert [bad.position for bad in table.bad_rows] == [1, 1, 1]


# --- quotes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('"good"', "good"),
        ('"a ""b"" c"', 'a "b" c'),
        ('"one\ntwo"', "one\ntwo"),
        ('"a\tb"', "a\tb"),
        ('"Heat" is a film', '"Heat" is a film'),
        ('a 5" screen', 'a 5" screen'),
        ('"never closed', '"never closed'),
        ('""', ""),
        ('"', '"'),
    ],
)
def test_a_field_of_tsv_is_quoted_if_it_begins_and_ends_with_a_quote(read, line, text):
    table, _ = read("a.tsv", f"text\tlabel\n{line}\t1\nlast\t0\n")
    assert cells(table) == {"text": [text, "last"], "label": ["1", "0"]}
    assert table.place(1).endswith(f"line {3 + text.count(chr(10))}")


def test_stray_quotes_of_tsv_merge_no_rows(read):
    rows = ['"Great, he said\t1', 'and I said "no"\t0', 'it is 5"\t1', '"x"y\t0']
    table, _ = read("a.tsv", "text\tlabel\n" + "\n".join(rows))
    assert table.columns["label"] == ("1", "0", "1", "0")
    assert list(table.columns["text"]) == [row.split("\t")[0] for row in rows]


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_without_quoting_every_quote_is_a_character(read, ending):
    separator = {"csv": ",", "tsv": "\t"}[ending]
    content = f'text{separator}label\n"good"{separator}1\n"bad{separator}0\n'
    table, _ = read(f"a.{ending}", content, quoting="none")
    assert cells(table) == {"text": ['"good"', '"bad'], "label": ["1", "0"]}


fields_of_csv = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
fields_of_tsv = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t"), max_size=12)


def assert_rows_come_back(path, rows, separator, quoting):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=separator, quoting=quoting).writerows([["text", "note"], *rows])
    table = read_table(path, DataSettings())
    assert not table.bad_rows
    assert list(zip(*table.columns.values(), strict=True)) == rows


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    rows=st.lists(st.tuples(fields_of_csv, fields_of_csv), min_size=1, max_size=5),
    separator=st.sampled_from(",;|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_whatever_a_writer_of_csv_writes_is_read(tmp_path_factory, rows, separator, quoting):
    assert_rows_come_back(tmp_path_factory.mktemp("csv") / "a.csv", rows, separator, quoting)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    rows=st.lists(st.tuples(fields_of_tsv, fields_of_tsv), min_size=1, max_size=5),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_whatever_a_writer_of_tsv_writes_is_read(tmp_path_factory, rows, quoting):
    assert_rows_come_back(tmp_path_factory.mktemp("tsv") / "a.tsv", rows, "\t", quoting)


# --- encodings -----------------------------------------------------------------------------------------

GERMAN = "text,label\nDas Essen war schön \u2013 für 5 €,1\nnaïve Größe,0\n"
RUSSIAN = "text,label\nочень плохой фильм и не советую никому,0\nхороший фильм,1\n"  # noqa: RUF001


@pytest.mark.parametrize(
    ("encoding", "content", "assumed"),
    [
        ("utf-8", GERMAN, ""),
        ("utf-8-sig", GERMAN, ""),
        ("utf-16", GERMAN, ""),
        ("utf-16-le", GERMAN, "utf-16-le"),
        ("utf-16-be", GERMAN, "utf-16-be"),
        ("cp1252", GERMAN, "cp1252"),
        ("latin-1", GERMAN.replace("\u2013", "-").replace("€", "\x81"), "latin-1"),
        ("cp1251", RUSSIAN, "cp1251"),
    ],
)
def test_the_encoding_is_recognised_and_said(read, encoding, content, assumed):
    table, said = read("a.csv", content.encode(encoding))
    assert list(table.columns["text"]) == [line.split(",")[0] for line in content.splitlines()[1:]]
    assert said == (f"a.csv: assuming encoding {assumed}\n" if assumed else "")
    assert codecs.lookup(table.layout.encoding) == codecs.lookup(encoding)


def test_a_byte_that_is_not_utf_8_may_come_late(tmp_path):
    path = write_many(tmp_path / "many.csv", 200_000)
    with path.open("ab") as file:
        file.write("8,café\n".encode("cp1252"))
    assert read_table(path, DataSettings()).columns["text"][-1] == "café"


def test_the_encoding_can_be_given(read):
    table, said = read("a.csv", "text,label\nżółć,1\n".encode("cp1250"), encoding="cp1250")
    assert (table.columns["text"], said) == (("żółć",), "")
    with pytest.raises(
        DataError, match=r"a\.csv is not utf-8 \(byte 11\); name its encoding, for example --enc"
    ):
        read("a.csv", b"text,label\n\xff\xff,1\n", encoding="utf-8")


@pytest.mark.parametrize("encoding", ["utf-8", "UTF-8", "utf_8"])
def test_a_mark_is_no_text_even_if_its_encoding_is_given(read, encoding):
    table, _ = read("a.csv", "text,label\ngood,1\n".encode("utf-8-sig"), encoding=encoding)
    assert list(table.columns) == ["text", "label"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_damaged_line_of_a_utf_8_file_is_a_bad_row(read, name):
    lines = ["schön", "für", "naïve"]
    rows = lines if name == "a.csv" else [json.dumps({"text": text}, ensure_ascii=False) for text in lines]
    header = ["text"] if name == "a.csv" else []
    content = "\n".join([*header, *rows]).encode().replace("ü".encode(), b"\xff")
    table, _ = read(name, content)
    assert list(table.columns["text"]) == ["schön", "naïve"]
    (bad,) = table.bad_rows
    assert bad.place.endswith(f"line {2 + len(header)}") and bad.reason.startswith("not UTF-8")


def test_an_encoding_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="must be an encoding that Python knows"):
        DataSettings(encoding="utf-9")


# --- classes -------------------------------------------------------------------------------------------


def test_classes_that_parquet_declares_are_kept(tmp_path):
    import datasets

    features = datasets.Features(
        text=datasets.Value("string"), label=datasets.ClassLabel(names=["pos", "neg"])
    )
    rows = [{"text": "good", "label": 0}, {"text": "bad", "label": 1}]
    datasets.Dataset.from_list(rows, features=features).to_parquet(tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet", DataSettings()).classes == {"label": ["pos", "neg"]}


@pytest.mark.parametrize(
    "content",
    [
        '{"text": {"0": "good", "1": "bad"}, "label": {"0": 1, "1": 0}}',
        '{"text": ["good", "bad"], "label": [1, 0]}',
        '{"data": [{"text": "good", "label": 1},\n {"text": "bad", "label": 0}]}',
    ],
)
def test_json_may_hold_columns_as_pandas_writes_them(read, content):
    assert cells(read("a.json", content)[0]) == {"text": ["good", "bad"], "label": [1, 0]}


@pytest.mark.parametrize("content", ['{"a": ["x"], "b": []}', '{"a": {"0": 1}, "b": {"1": 1}}', '{"a": "x"}'])
def test_other_objects_of_json_are_rows(read, content):
    table, _ = read("a.json", content)
    assert cells(table) == {name: [value] for name, value in json.loads(content).items()}


def test_a_table_of_one_column_needs_no_quotes(read):
    table, _ = read("a.csv", 'text\ngood, really good\n"quoted, too"\n"half", quoted\nlast\n')
    assert cells(table) == {"text": ["good, really good", "quoted, too", "last"]}
    assert [bad.place.split(", ")[1] for bad in table.bad_rows] == ["line 4"]


def test_a_nul_byte_makes_no_utf_16(read):
    table, said = read("a.csv", "text,label\ngo\0od,1\n")
    assert (cells(table), said) == ({"text": ["go\0od"], "label": ["1"]}, "")


# --- kinds of files ------------------------------------------------------------------------------------

LINES = '{"text": "good", "label": 1}\n{"text": "bad", "label": 0}\n'
TABLE = {"text": ["good", "bad"], "label": [1, 0]}


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", CSV), ("a.tsv", CSV.replace(",", "\t")), ("A.CSV", CSV)]
)
def test_a_packed_table_is_a_table(read, name, content):
    plain, _ = read(name, content)
    packed, said = read(f"{name}.gz", gzip.compress(content.encode()))
    assert (packed.columns, packed.layout, said) == (plain.columns, plain.layout, "")


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json", "a.JSONL"])
def test_objects_of_json_have_several_endings(read, name):
    assert cells(read(name, LINES)[0]) == cells(read(f"{name}.gz", gzip.compress(LINES.encode()))[0]) == TABLE


def test_a_packed_file_may_be_in_another_encoding(read):
    table, said = read("a.csv.gz", gzip.compress("text;label\nschön;1\n".encode("cp1252")))
    assert cells(table) == {"text": ["schön"], "label": ["1"]}
    assert said == "a.csv.gz: assuming a semicolon between fields, encoding cp1252\n"


@pytest.mark.parametrize("is_stream", [True, False])
def test_an_arrow_file_is_read_in_both_forms(tmp_path, is_stream):
    table = pyarrow.Table.from_pydict({"text": ["a", "b"] * PIECE_ROWS, "label": [1, 0] * PIECE_ROWS})
    path = tmp_path / "a.arrow"
    open_writer = pyarrow.ipc.new_stream if is_stream else pyarrow.ipc.new_file
    with open_writer(str(path), table.schema) as writer:
        writer.write_table(table)
    assert [piece.row_count for piece in stream_table(path, DataSettings())] == [PIECE_ROWS] * 2
    assert list(read_table(path, DataSettings()).columns["text"]) == ["a", "b"] * PIECE_ROWS
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=r"a\.arrow is not a complete arrow file: .*; copy it again"):
        read_table(path, DataSettings())


def test_an_arrow_file_with_a_flipped_byte_is_read_or_refused(tmp_path):
    table = pyarrow.Table.from_pydict({"text": ["good", "bad"], "label": [1, 0]})
    path = tmp_path / "a.arrow"
    with pyarrow.ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table)
    whole = path.read_bytes()
    for position in range(0, len(whole), 7):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        with contextlib.suppress(DataError):
            assert read_table(path, DataSettings()).row_count <= 2


def test_a_text_file_has_a_text_a_line(read):
    table, said = read("a.txt", "good\tmovie\r\n\nbad\n  \nlast")
    assert (cells(table), said) == ({"text": ["good\tmovie", "", "bad", "  ", "last"]}, "")
    assert [table.place(row).split(", ")[1] for row in (0, 4)] == ["line 1", "line 5"]


@pytest.mark.parametrize(
    ("content", "columns", "header"),
    [
        ("id\tReview\n1\tgood\n2\tbad\n", {"id": ["1", "2"], "Review": ["good", "bad"]}, ""),
        ('text,label\n"good, fine",1\n', {"text": ["good, fine"], "label": ["1"]}, ""),
        ("good\t1\nbad\t0\n", {"1": ["good", "bad"], "2": ["1", "0"]}, ", no header"),
        (
            "pos\tgood, fine\nneg\tbad, awful\n",
            {"1": ["pos", "neg"], "2": ["good, fine", "bad, awful"]},
            ", no",
        ),
    ],
)
def test_a_text_file_may_be_a_table(read, content, columns, header):
    table, said = read("a.txt", content)
    assert cells(table) == columns
    separator = "a tab" if "\t" in content else "a comma"
    assert said.startswith(f"a.txt: assuming {separator} between fields{header}")


def test_lines_of_fasttext_have_text_and_label(read):
    table, said = read(
        "a.txt",
        "__label__2 Good: a film\n\n__label__1 Bad\n__label__1\nno label\n__label__a __label__b both\n",
    )
    assert cells(table) == {"text": ["Good: a film", "Bad", ""], "label": ["2", "1", "1"]}
    assert [bad.place.split(", ")[1] for bad in table.bad_rows] == ["line 5", "line 6"]
    assert said == "a.txt: assuming lines of fastText\n"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.xls", 'is an old Excel file; save it as "CSV UTF-8"'),
        ("a.ods", "is a spreadsheet; save it as csv"),
        ("a.csv.zip", "is a zip archive; unpack it and name the file"),
        ("a.csv.bz2", "unpack it with bunzip2"),
        ("a.parquet.gz", "unpack it with gunzip"),
        ("b.csv", 'is an Excel or zip file; rename it, or open it and save it as "CSV UTF-8"'),
        ("a.csv.gz", "cannot read .*a.csv.gz: Not a gzipped file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_way_on(read, name, words):
    with pytest.raises(DataError, match=words):
        read(name, "PK\3\4 and more")


def test_a_packed_file_that_is_cut_short_is_refused(read):
    with pytest.raises(DataError, match=r"a\.csv\.gz is not a complete gzip file; copy it again"):
        read("a.csv.gz", gzip.compress((CSV * 1_000).encode())[:-20])


# --- Excel ---------------------------------------------------------------------------------------------


@pytest.fixture
def workbook(tmp_path):
    """Write sheets of rows as an Excel file."""
    openpyxl = pytest.importorskip("openpyxl")

    def write(*sheets):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for number, rows in enumerate(sheets, start=1):
            sheet = book.create_sheet(f"part {number}")
            for row in rows:
                sheet.append(row)
        book.save(tmp_path / "a.xlsx")
        return tmp_path / "a.xlsx"

    return write


def test_the_first_sheet_of_a_workbook_is_a_table(workbook, capsys):
    day = datetime.datetime(2026, 3, 1)
    rows = [
        ["id", " remarks ", "stars", "day", None],
        ["007", "good", 5, day],
        [],
        ["008", None, 1.5, None, None],
        ["009", "too", 1, "x", "much"],
        ["010", "fine", True],
    ]
    path = workbook(rows, [["other"]])
    table = read_table(path, DataSettings())
    assert cells(table) == {
        "id": ["007", "008", "010"],
        "remarks": ["good", None, "fine"],
        "stars": [5, 1.5, True],
        "day": ["2026-03-01 00:00:00", None, None],
    }
    assert table.place(1).endswith("a.xlsx, row 4")
    ((place, reason, position, _),) = table.bad_rows
    assert (place, reason, position) == (f"{path}, row 5", "5 cells where the first row has 4", 2)
    assert capsys.readouterr().err == f"{path}: reading the sheet part 1, the first of 2\n"
    assert table.layout.format == "xlsx"


def test_a_workbook_without_a_header_has_numbered_columns(workbook, capsys):
    path = workbook([[1, "good film"], [0, "bad film"]])
    assert cells(read_table(path, DataSettings())) == {"1": [1, 0], "2": ["good film", "bad film"]}
    assert "assuming no header (the columns are numbered 1 to 2)" in capsys.readouterr().err


def test_a_damaged_workbook_is_refused(workbook):
    path = workbook([["text"], ["good"]])
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"a\.xlsx is not a complete Excel file"):
        read_table(path, DataSettings())


def test_without_its_reader_an_excel_file_is_refused_with_two_ways(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(DataError) as caught:
        read("a.xlsx", "PK and more")
    words = (
        'is an Excel file; save it as "CSV UTF-8", or install its reader: pip install "lstm-sentiment[excel]"'
    )
    assert str(caught.value).endswith(words)

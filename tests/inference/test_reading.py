"""Reviews line by line: each line is a text, or has a flaw that says why it cannot be predicted."""

import csv
import gzip
import io
import json
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.config import DataSettings, OwnTable
from sentiment.errors import DataError
from sentiment.inference.lines import Line
from sentiment.inference.reading import read_lines


def lines_of(name, **columns):
    return read_lines(name, DataSettings().for_another_table(OwnTable(), **columns))


@pytest.fixture
def written(tmp_path):
    def write(content):
        (tmp_path / "reviews.txt").write_bytes(content)
        return str(tmp_path / "reviews.txt")

    return write


def test_every_line_is_a_text_with_its_line_number(written):
    name = written(b"good\nbad \r\n\nlast one")
    assert list(lines_of(name)) == [
        Line(f"{name}, line 1", "good"),
        Line(f"{name}, line 2", "bad "),
        Line(f"{name}, line 3", "", flaw="the text is empty"),
        Line(f"{name}, line 4", "last one"),
    ]


@settings(derandomize=True, deadline=None, max_examples=50)
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\ufeff")), min_size=1
    )
)
def test_each_line_in_gives_one_text_out(texts, tmp_path_factory):
    path = tmp_path_factory.mktemp("lines") / "reviews.txt"
    path.write_bytes("".join(text + "\n" for text in texts).encode())
    assert [line.text for line in lines_of(str(path))] == texts


@pytest.mark.parametrize("name", ["r.txt", "r.csv", "r.jsonl", "reviews"])
def test_an_empty_file_is_refused_but_an_empty_pipe_has_no_lines(tmp_path, piped, name):
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=f"{name} is empty; add reviews to it"):
        list(lines_of(str(tmp_path / name)))
    assert list(lines_of(piped(b""))) == []


def test_a_byte_order_mark_is_no_text(written):
    assert [line.text for line in lines_of(written(b"\xef\xbb\xbfgood\nbad\n"))] == ["good", "bad"]


def test_a_dash_is_stdin(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("schön\nnaïve\n".encode())))
    assert list(lines_of("-")) == [Line("stdin, line 1", "schön"), Line("stdin, line 2", "naïve")]


@pytest.fixture
def piped(monkeypatch):
    """Let stdin have a content."""

    def write(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return "-"

    return write


def test_a_line_that_is_not_utf_8_keeps_its_place_and_its_bytes(piped):
    lines = lines_of(piped(b"good\ncaf\xe9\nbad\n"))
    flaw = "not UTF-8 (byte 4 of the line)"
    assert [(line.text, line.flaw) for line in lines] == [("good", ""), ("caf\udce9", flaw), ("bad", "")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.jsonl", '{{"text": "{}"}}'),
        ("r.csv", "{},1"),
        ("r.txt", "{}"),
    ],
)
def test_a_damaged_line_of_a_file_keeps_its_place(tmp_path, name, content):
    texts = ["text", "schön", "süß", "wüst", "bad"]
    rows = [content.format(text).encode() for text in texts]
    (tmp_path / name).write_bytes(b"\n".join([*rows[:4], rows[1].decode().encode("latin-1"), rows[4]]))
    flaws = [line.flaw.partition(";")[0] for line in lines_of(str(tmp_path / name))]
    assert flaws[-3:] == ["", "not UTF-8, unlike the rest of the file", ""]


OBJECTS = b'\n{"Review": "good", "stars": 1}\nno json\n[1]\n{"stars": 1}\n{"Review": "b\xe4d"}\n'


@pytest.mark.parametrize("name", ["r.txt", "-"])
def test_objects_of_json_are_recognised_whatever_the_file_is_called(tmp_path, piped, capsys, name):
    if name == "-":
        name = piped(OBJECTS[1:])
    else:
        name = str(tmp_path / name)
        (tmp_path / name).write_bytes(OBJECTS.replace(b"\xe4", b"a"))
    found = [(line.text, line.flaw.partition(" (")[0]) for line in lines_of(name)]
    assert found[0] == ("good", "")
    assert [flaw for _, flaw in found[1:4]] == [
        "not JSON",
        "not an object with text and label",
        "the text is empty",
    ]
    assert found[4][1] == ("not UTF-8" if name == "-" else "")
    assert "assuming an object of JSON in each line" in capsys.readouterr().err


def test_objects_of_json_from_a_pipe_are_no_table(piped):
    with pytest.raises(DataError, match=r"save it as a \.jsonl file and name that"):
        list(read_lines(piped(OBJECTS[1:]), DataSettings(), as_table=True))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_refused_with_a_remedy(piped, encoding):
    mark = b"" if encoding == "utf-16" else b"\xfe\xff"
    with pytest.raises(DataError, match="stdin is UTF-16; convert it to UTF-8"):
        list(lines_of(piped(mark + "good".encode(encoding))))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_of_a_text_file_is_recognised(written, encoding):
    name = written("schön\nmäßig\n".encode(encoding))
    assert [line.text for line in lines_of(name)] == ["schön", "mäßig"]


def test_the_encoding_of_a_text_file_can_be_given(written):
    name = written("żółć\n".encode("cp1250"))
    assert [line.text for line in lines_of(name, encoding="cp1250")] == ["żółć"]


@pytest.mark.parametrize(
    "content", [b"Review\tLiked\ngood\t1\nbad\t0\n", b"__label__1 good\n__label__0 bad\n"]
)
def test_a_text_file_with_labels_is_a_table(written, content):
    found = [(line.text, line.label) for line in lines_of(written(content))]
    assert found == [("good", "positive"), ("bad", "negative")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.csv.gz", b"text;label\ngood;1\n"),
        ("r.jsonl.gz", b'{"text": "good", "label": 1}\n'),
        ("r.txt.gz", b"good\n"),
    ],
)
def test_a_packed_file_is_read(tmp_path, name, content):
    (tmp_path / name).write_bytes(gzip.compress(content))
    assert [line.text for line in lines_of(str(tmp_path / name))] == ["good"]


def test_an_archive_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "r.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"r\.zip is a zip archive; unpack it"):
        list(lines_of(str(tmp_path / "r.zip")))


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for name in ("none.txt", "none.csv"):
        with pytest.raises(DataError, match=rf"cannot read .*{re.escape(name)}: No such file"):
            list(lines_of(str(tmp_path / name)))
    with pytest.raises(DataError, match=r"cannot read .*: Is a directory"):
        list(lines_of(str(tmp_path)))


def test_json_lines_give_the_right_label_if_they_have_one(tmp_path):
    labels = ["0", "1", '"negative"', '"positive"', "null", '""', "true", "1.0"]
    path = tmp_path / "reviews.jsonl"
    path.write_text("".join(f'{{"text": "film", "label": {label}}}\n' for label in labels))
    found = [line.label for line in lines_of(str(path))]
    assert found == ["negative", "positive", "negative", "positive", None, None, "positive", "positive"]


def test_json_lines_give_their_texts_and_a_line_without_one_says_why(tmp_path):
    name = str(tmp_path / "reviews.jsonl")
    path = tmp_path / "reviews.jsonl"
    path.write_text('{"text": "good\\nfilm", "label": 1}\n{"text": "bad"}\n')
    assert [line.text for line in lines_of(name)] == ["good\nfilm", "bad"]
    flaws = {
        '["text"]': "not an object",
        '{"review": "x"}': "the text is empty",
        '{"text": 3}': "the text is 3",
        '{"text": "x", "text": "y"}': "two keys are called text",
        "no json": "not JSON",
        "[" * 100_000: "not JSON",
    }
    for bad, flaw in flaws.items():
        path.write_text(f'{{"text": "good"}}\n{bad}\n')
        good, broken = lines_of(name)
        assert good.text == "good" and broken.where == f"{name}, line 2"
        assert broken.flaw.startswith(flaw)


@pytest.mark.parametrize("name", ["r.csv", "R.TSV", "r.json"])
def test_each_row_of_a_table_is_a_review(tmp_path, name):
    path = tmp_path / name
    rows = [{"text": "a, great film", "label": 1}, {"text": "dull", "label": 0}]
    if name == "r.json":
        path.write_text(json.dumps(rows))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["text", "label"], delimiter="\t" if name == "R.TSV" else ",")
            writer.writeheader()
            writer.writerows(rows)
    found = list(lines_of(str(path)))
    assert [(line.text, line.label) for line in found] == [
        ("a, great film", "positive"),
        ("dull", "negative"),
    ]
    assert found[0].where == f"{path}, {'row 1' if name == 'r.json' else 'line 2'}"


def test_a_table_needs_a_text_column(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("remark\ngood\n")
    with pytest.raises(DataError, match=r"no column for the text \(found: remark\); name it: --text remark$"):
        list(lines_of(str(path)))


@pytest.mark.parametrize(
    ("name", "content"),
    [("r.csv", "review,verdict\ngood,1\n"), ("R.JSONL", '{"review": "good", "verdict": 1}\n')],
)
def test_the_columns_are_those_of_the_run(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    (line,) = lines_of(str(path), text_column="review", label_column="verdict")
    assert (line.text, line.label) == ("good", "positive")


@pytest.mark.parametrize("blank", ["", "  \t"])
@pytest.mark.parametrize(
    ("name", "header", "row"), [("r.jsonl", "", '{{"text": "{0}"}}'), ("r.csv", "id,text", "1,{0}")]
)
def test_blank_lines_are_left_out_and_places_name_the_true_line(tmp_path, blank, name, header, row):
    path = tmp_path / name
    rows = [row.format(text) for text in ("good", "bad", "")]
    path.write_text("\n".join([header or blank, rows[0], blank, blank, rows[1], blank, rows[2], blank]))
    assert list(lines_of(str(path))) == [
        Line(f"{path}, line 2", "good"),
        Line(f"{path}, line 5", "bad"),
        Line(f"{path}, line 7", "", flaw="the text is empty"),
    ]


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl"])
def test_a_column_of_labels_that_is_named_must_be_there(tmp_path, name):
    path = tmp_path / name
    path.write_text("text,mood\ngood,1\n" if name == "r.csv" else '{"text": "good", "mood": 1}\n')
    with pytest.raises(DataError, match=r"no column mod \(found: text, mood\); name it: --label"):
        list(lines_of(str(path), label_column="mod"))


def test_labels_mean_the_same_in_every_piece_of_a_table(tmp_path, monkeypatch):
    """0 and 4 are classes only if the whole column has nothing else."""
    monkeypatch.setattr("sentiment.data.sources.table.PIECE_ROWS", 2)
    path = tmp_path / "r.csv"
    rows = "text,stars\na,4\nb,4\nc,0\nbad,,0\nd,4\n"
    path.write_text(rows)
    found = [(line.text, line.label) for line in lines_of(str(path)) if not line.flaw]
    assert found == [("a", "positive"), ("b", "positive"), ("c", "negative"), ("d", "positive")]
    path.write_text(rows + "e,2\n")
    assert {line.label for line in lines_of(str(path))} == {None}


def test_a_table_is_read_piece_by_piece(tmp_path, monkeypatch):
    monkeypatch.setattr("sentiment.data.sources.table.PIECE_ROWS", 2)
    path = tmp_path / "r.csv"
    path.write_text("id,text\n" + "1,good\n" * 5 + '1,"never closed\n')
    lines = lines_of(str(path))
    assert [next(lines).text for _ in range(4)] == ["good"] * 4
    with pytest.raises(DataError, match="line 7: unexpected end of data"):
        list(lines)

"""Reviews line by line: each line is a text, or an error names the line."""

import csv
import gzip
import io
import json
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.config import DataSettings
from sentiment.errors import DataError
from sentiment.inference.lines import Line, check_lines, number_texts, read_lines


def lines_of(name, **columns):
    return read_lines(name, DataSettings(**columns))


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
        Line(f"{name}, line 3", ""),
        Line(f"{name}, line 4", "last one"),
    ]


@settings(derandomize=True, deadline=None, max_examples=50)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\ufeff"))))
def test_each_line_in_gives_one_text_out(texts, tmp_path_factory):
    path = tmp_path_factory.mktemp("lines") / "reviews.txt"
    path.write_bytes("".join(text + "\n" for text in texts).encode())
    assert [line.text for line in lines_of(str(path))] == texts


def test_an_empty_file_has_no_lines(written):
    assert list(lines_of(written(b""))) == []


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


def test_a_line_that_is_not_utf_8_is_named_after_those_before_it(piped):
    lines = lines_of(piped(b"good\ncaf\xe9\nbad\n"))
    assert next(lines).text == "good"
    with pytest.raises(DataError, match=re.escape("stdin, line 2 is not UTF-8 (byte 4 of the line)")):
        next(lines)


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


@pytest.mark.parametrize("text", ["", "  \t ", "<br />", " <BR> <br/>\u00a0"])
def test_an_empty_review_is_refused_by_its_place(text):
    reviews = check_lines(number_texts(["good", text, "bad"]))
    assert next(reviews) == Line("review 1", "good")
    with pytest.raises(DataError, match="review 2 is empty"):
        next(reviews)


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(DataError, match="review 1 is not Unicode"):
        list(check_lines(number_texts(["bad \ud83d escape"])))


def test_texts_pass_unchanged():
    texts = ["NA", "null", " 0 ", "a<br />b", "\U0001f600"]
    assert [line.text for line in check_lines(number_texts(texts))] == texts


def test_json_lines_give_the_right_label_if_they_have_one(tmp_path):
    labels = ["0", "1", '"negative"', '"positive"', "0.5", "null", '"mixed"', "[0]"]
    path = tmp_path / "reviews.jsonl"
    path.write_text("".join(f'{{"text": "film", "label": {label}}}\n' for label in labels))
    found = [line.label for line in lines_of(str(path))]
    assert found == ["negative", "positive", "negative", "positive", None, None, None, None]


def test_json_lines_give_their_texts_and_an_error_names_a_line_without_one(tmp_path):
    name = str(tmp_path / "reviews.jsonl")
    path = tmp_path / "reviews.jsonl"
    path.write_text('{"text": "good\\nfilm", "label": 1}\n{"text": "bad"}\n')
    assert [line.text for line in lines_of(name)] == ["good\nfilm", "bad"]
    flaws = {
        '["text"]': "not an object",
        '{"review": "x"}': "text is no text",
        '{"text": 3}': "text is no text",
        '{"text": "x", "text": "y"}': "two keys are called text",
        "no json": "not JSON",
        "[" * 100_000: "not JSON",
    }
    for bad, flaw in flaws.items():
        path.write_text(f'{{"text": "good"}}\n{bad}\n')
        lines = lines_of(name)
        assert next(lines).text == "good"
        with pytest.raises(DataError, match=re.escape(f"{name}, line 2: {flaw}")):
            next(lines)


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
def test_blank_lines_are_left_out_and_errors_name_the_true_line(tmp_path, blank, name, header, row):
    path = tmp_path / name
    rows = [row.format(text) for text in ("good", "bad", "")]
    path.write_text("\n".join([header or blank, rows[0], blank, blank, rows[1], blank, rows[2], blank]))
    lines = check_lines(lines_of(str(path)))
    assert [next(lines), next(lines)] == [Line(f"{path}, line 2", "good"), Line(f"{path}, line 5", "bad")]
    with pytest.raises(DataError, match=re.escape(f"{path}, line 7 is empty; remove it")):
        next(lines)


@pytest.mark.parametrize("value", [None, float("nan"), 3])
def test_a_value_that_is_no_text_is_named_by_its_number(value):
    with pytest.raises(DataError, match="review 2 is no text"):
        list(check_lines(number_texts(["good", value])))

"""A table comes out as it went in, with predictions added: every row in its place, nothing half written."""

import csv
import gzip
import io
import json
import os
import signal
import weakref

import pyarrow
import pyarrow.parquet
import pytest

import sentiment
from scripts.torture.faults import Faults, read_log
from sentiment.config import DataSettings
from sentiment.errors import DataError, MachineError, UsageError
from sentiment.inference import pieces
from sentiment.inference.lines import number_texts
from sentiment.inference.tables import check_out, name_added, predict_lines, predict_table

GOOD, BAD = "A wonderful film with superb acting. I loved it.", "A dull, awful film, and a waste of time."


@pytest.fixture(scope="module")
def shipped():
    return sentiment.load(device="cpu", threads=1)


@pytest.fixture
def predict(shipped, tmp_path):
    """Predict a file of this folder; return the bytes that were written."""

    def run(name, out, content=None, *, strict=False, **settings):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        predict_table(shipped, tmp_path / name, DataSettings(**settings), tmp_path / out, strict=strict)
        return (tmp_path / out).read_bytes()

    return run


def rows_of(content, separator=",", encoding="utf-8"):
    return list(csv.reader(io.StringIO(content.decode(encoding), newline=""), delimiter=separator))


def test_every_column_and_row_stays_and_nothing_is_typed_again(predict):
    content = f'id,text,price,when\n007,"{GOOD}",1.50,\n1e5,"{BAD}",NA,01/02\n'
    found = rows_of(predict("in.csv", "out.csv", content.encode()))
    assert found[0] == ["id", "text", "price", "when", "label", "probability", "doubt"]
    assert [row[:5] for row in found[1:]] == [
        ["007", GOOD, "1.50", "", "positive"],
        ["1e5", BAD, "NA", "01/02", "negative"],
    ]
    assert all(0 < float(row[5]) < 1 and row[6] == "" for row in found[1:])


def test_the_predictions_are_those_of_predict(predict, shipped):
    texts = [f"{GOOD} {number}" for number in range(30)] + ["Superb.", "👎"]
    found = rows_of(
        predict("in.csv", "out.csv", "\n".join(["text", *(f'"{text}"' for text in texts)]).encode())
    )
    for row, expected in zip(found[1:], shipped.predict(texts), strict=True):
        assert (row[1], row[3]) == (expected.label, expected.doubt)
        assert float(row[2]) == pytest.approx(expected.probability, abs=1e-6)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize(
    ("name", "separator"), [("in.csv", ","), ("in.csv", ";"), ("in.csv", "\t"), ("in.tsv", "\t")]
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_separator_encoding_and_line_ends_are_those_of_the_input(
    predict, encoding, name, separator, line_end
):
    fields = [["id", "text"], ["01", f'"{GOOD} Café{separator} naïve"'], ["02", f'"{BAD}\nSay ""no""!"']]
    content = line_end.join(separator.join(row) for row in fields) + line_end
    written = predict(name, f"out{name[2:]}", content.encode(encoding), encoding=encoding)
    found = rows_of(written, separator, encoding)
    assert [row[:2] for row in found[1:]] == [
        ["01", f"{GOOD} Café{separator} naïve"],
        ["02", f'{BAD}\nSay "no"!'],
    ]
    text = written.decode(encoding)
    assert not text.startswith("\ufeff") and text.split("\n")[0].endswith("doubt" + line_end[:-1])


def test_excel_gets_a_mark_if_it_is_asked_for(predict):
    assert (
        predict("in.csv", "out.csv", f"text\n{GOOD}\n".encode(), encoding="utf-8-sig")[:3] == b"\xef\xbb\xbf"
    )


def test_another_ending_gets_its_own_separator(predict):
    found = predict("in.csv", "out.tsv", f"id;text\n1;{GOOD}\n".encode())
    assert rows_of(found, "\t")[0][:3] == ["id", "text", "label"]


def test_a_table_without_a_header_stays_without_one(predict):
    content = f"1,{GOOD}\n0,{GOOD}\n".encode()
    found = rows_of(predict("in.csv", "out.csv", content, no_header=True, text_column="2"))
    assert [row[:3] for row in found] == [["1", GOOD, "positive"], ["0", GOOD, "positive"]]


def test_without_quotes_every_quote_stays_a_character(predict):
    content = f'id\ttext\n1\t"{GOOD}\n2\tSay "no"\n'.encode()
    written = predict("in.tsv", "out.tsv", content, quoting="none").decode().splitlines()
    assert [line.split("\t")[:2] for line in written[1:]] == [["1", f'"{GOOD}'], ["2", 'Say "no"']]


def test_a_lone_carriage_return_in_a_field_does_not_break_a_row(predict):
    written = predict("in.csv", "out.csv", f'id,text\n1,"{GOOD}\rmore"\n'.encode())
    assert rows_of(written)[1][:2] == ["1", f"{GOOD}\rmore"]


UNUSABLE = f"id,text\n1,{GOOD}\n2,\n3,<br />\n4,a,b,c\n5\n6,{GOOD}\n"


def test_an_unusable_row_stays_with_empty_cells_and_the_reason(predict):
    found = rows_of(predict("in.csv", "out.csv", UNUSABLE.encode()))
    assert [row[:4] for row in found[1:]] == [
        ["1", GOOD, "positive", found[1][3]],
        ["2", "", "", ""],
        ["3", "<br />", "", ""],
        ["4", "a,b,c", "", ""],
        ["5", "", "", ""],
        ["6", GOOD, "positive", found[6][3]],
    ]
    doubts = [row[4] for row in found[1:]]
    assert doubts[0] == doubts[5] == "" and doubts[1] == doubts[2] == "the text is empty"
    assert doubts[3].startswith("4 fields where the header has 2") and doubts[4].startswith("1 fields")


def test_strict_ends_at_the_first_unusable_row_and_writes_nothing(predict, tmp_path):
    (tmp_path / "out.csv").write_text("old")
    with pytest.raises(DataError, match=r"in\.csv, line 3: the text is empty"):
        predict("in.csv", "out.csv", UNUSABLE.encode(), strict=True)
    assert (tmp_path / "out.csv").read_text() == "old" and len(list(tmp_path.iterdir())) == 2


def test_a_file_that_breaks_off_after_many_rows_is_an_error_and_writes_nothing(predict, tmp_path):
    content = "text\n" + f"{GOOD}\n" * 5_000 + '"never closed\n'
    with pytest.raises(DataError, match="check the quotes"):
        predict("in.csv", "out.csv", content.encode())
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_what_a_killed_process_left_is_removed(predict, tmp_path):
    leftover = tmp_path / ".out.csv.123.tmp"
    leftover.write_text("half a row")
    os.utime(leftover, (0, 0))
    predict("in.csv", "out.csv", f"text\n{GOOD}\n".encode())
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.csv"}


def test_taken_names_get_a_prefix(predict):
    assert name_added(["label", "doubt", "predicted_doubt"], ("negative", "positive")) == [
        "predicted_label",
        "probability",
        "predicted_predicted_doubt",
    ]
    predict("in.csv", "out.csv", f"text,label\n{GOOD},x\n".encode())
    found = rows_of(predict("out.csv", "again.csv"))
    assert found[0][:5] == ["text", "label", "predicted_label", "probability", "doubt"]
    assert found[0][5:] == ["predicted_predicted_label", "predicted_probability", "predicted_doubt"]
    assert found[1][1:3] == ["x", "positive"]


def test_two_columns_of_one_name_are_refused(predict, tmp_path):
    with pytest.raises(DataError, match="two columns are called id"):
        predict("in.csv", "out.csv", f"id,text,id\n1,{GOOD},2\n".encode())
    assert not (tmp_path / "out.csv").exists()


def test_a_header_alone_is_a_table_without_rows(predict):
    assert predict("in.csv", "out.csv", b"id,text\n") == b"id,text,label,probability,doubt\n"
    predict("in.csv", "out.parquet", b"id,text\n")


def test_bytes_that_are_not_utf_8_stay_as_they_are(predict):
    content = b"id,text\n" + f"1,{GOOD} café\n".encode() * 5 + b"2,caf\xe9\n"
    written = predict("in.csv", "out.csv", content).splitlines()
    assert written[-1].startswith(b"2,caf\xe9,,,") and b"not UTF-8" in written[-1]


def test_a_character_that_the_encoding_lacks_is_an_error(predict):
    table = {"text": f"{GOOD} 👍"}
    with pytest.raises(DataError, match="add --encoding utf-8"):
        predict("in.jsonl", "out.parquet", json.dumps(table).encode())
        predict("out.parquet", "out.csv", encoding="cp1252")


def test_pieces_without_usable_rows_keep_their_place(predict, monkeypatch):
    monkeypatch.setattr("sentiment.data.sources.table.PIECE_ROWS", 3)
    usable = [number in (4, 5, 9, 20) for number in range(24)]
    lines = [f"{number},{GOOD if use else ''}" for number, use in enumerate(usable)]
    found = rows_of(predict("in.csv", "out.csv", "\n".join(["id,text", *lines]).encode()))
    assert [(row[0], bool(row[2])) for row in found[1:]] == [(str(n), use) for n, use in enumerate(usable)]


def test_pieces_are_forgotten_once_they_are_written(shipped, tmp_path, monkeypatch):
    monkeypatch.setattr("sentiment.data.sources.table.PIECE_ROWS", 10)
    monkeypatch.setattr("sentiment.inference.predictor.REVIEWS_AT_A_TIME", 10)
    made, alive = [], []
    make_piece = pieces.make_piece

    def note(*arguments):
        piece = make_piece(*arguments)
        made.append(weakref.ref(piece))
        alive.append(sum(piece() is not None for piece in made))
        return piece

    monkeypatch.setattr(pieces, "make_piece", note)
    (tmp_path / "in.csv").write_text("text\n" + f"{BAD}\n" * 1_000)
    predict_table(shipped, tmp_path / "in.csv", DataSettings(), tmp_path / "out.csv")
    assert len(made) >= 100 and max(alive) <= 5


# --- JSON lines ----------------------------------------------------------------------------------------


def test_a_line_of_json_keeps_its_bytes(predict):
    lines = [
        f'{{"id": 1.10, "big": 12345678901234567890, "text": "{GOOD}"}}',
        f'{{ "text":"{BAD}", "tags": [1,  2], "half": "\\ud83d" }}',
        "{}",
        "not json",
        '{"text": "\\ud83d"}',
    ]
    written = predict("in.jsonl", "out.jsonl", "\n\n".join(lines).encode()).decode().splitlines()
    for line, found in zip(lines[:3], written, strict=False):
        assert found.startswith(line.rstrip("} "))
    records = [json.loads(line) for line in written]
    assert [record["label"] for record in records] == ["positive", "negative", None, None, None]
    assert records[3]["text"] == "not json" and records[3]["doubt"].startswith("not JSON")
    assert "surrogate" in records[4]["doubt"]


def test_keys_that_come_late_are_columns_too(predict):
    lines = [json.dumps({"text": GOOD})] * 5_000 + [json.dumps({"text": BAD, "label": "x", "more": [1]})]
    found = rows_of(predict("in.jsonl", "out.csv", "\n".join(lines).encode()))
    assert found[0] == ["text", "label", "more", "predicted_label", "probability", "doubt"]
    assert found[-1][:4] == [BAD, "x", "[1]", "negative"] and found[1][1:4] == ["", "", "positive"]


def test_csv_becomes_json_lines_of_text(predict):
    (record,) = map(
        json.loads, predict("in.csv", "out.jsonl", f"id,text\n007,{GOOD}\n".encode()).splitlines()
    )
    assert (record["id"], record["label"], record["doubt"]) == ("007", "positive", "")


# --- parquet -------------------------------------------------------------------------------------------


def test_parquet_keeps_its_types_and_its_metadata(predict, tmp_path):
    schema = pyarrow.schema(
        [("id", pyarrow.int32()), ("text", pyarrow.large_string()), ("when", pyarrow.timestamp("ms"))],
        metadata={b"made by": b"hand"},
    )
    table = pyarrow.table([[1, None, 3], [GOOD, None, BAD], [0, 1, None]], schema=schema)
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet")
    predict("in.parquet", "out.parquet")
    found = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert found.select(["id", "text", "when"]).cast(schema).equals(table)
    assert found.schema.metadata[b"made by"] == b"hand"
    assert found["label"].to_pylist() == ["positive", None, "negative"]
    assert found["doubt"].to_pylist() == ["", "the text is empty", ""]
    assert found.schema.field("probability").type == pyarrow.float64()


def test_csv_becomes_parquet_of_text_and_back(predict, tmp_path):
    predict("in.csv", "out.parquet", f"id,text\n007,{GOOD}\n".encode())
    assert pyarrow.parquet.read_table(tmp_path / "out.parquet")["id"].to_pylist() == ["007"]
    found = rows_of(predict("out.parquet", "back.csv"))
    assert found[1][:3] == ["007", GOOD, "positive"]


def test_json_becomes_parquet_if_a_column_has_one_type(predict, tmp_path):
    predict(
        "in.jsonl", "out.parquet", f'{{"text": "{GOOD}", "n": 1}}\n{{"text": "{BAD}", "n": 1.5}}\n'.encode()
    )
    assert pyarrow.parquet.read_table(tmp_path / "out.parquet")["n"].to_pylist() == [1.0, 1.5]
    with pytest.raises(DataError, match=r"write a \.jsonl file instead"):
        predict(
            "in.jsonl", "bad.parquet", f'{{"text": "{GOOD}", "n": 1}}\n{{"text": "x", "n": "a"}}\n'.encode()
        )


# --- where to write ------------------------------------------------------------------------------------


def test_a_packed_table_and_a_list_of_texts_can_be_read(predict, shipped, tmp_path):
    assert (
        rows_of(predict("in.csv.gz", "out.csv", gzip.compress(f"text\n{GOOD}\n".encode())))[1][1]
        == "positive"
    )
    written = predict_lines(
        shipped, number_texts([GOOD, "", "👎"]), DataSettings(), tmp_path / "texts.csv", strict=False
    )
    assert (written.rows, written.unpredicted, written.flaws) == (3, 1, ["review 2: the text is empty"])
    assert written.labels == {"positive": 1, "unreadable": 1}


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path):
    file = tmp_path / "in.csv"
    file.write_text("text\n")
    (tmp_path / "link.csv").symlink_to(file)
    with pytest.raises(UsageError, match="unknown ending"):
        check_out(tmp_path / "out.xlsx", str(file), force=False)
    for out in (file, tmp_path / "link.csv"):
        with pytest.raises(UsageError, match="is the file that is read"):
            check_out(out, str(file), force=True)
    with pytest.raises(UsageError, match="its folder does not exist"):
        check_out(tmp_path / "none" / "out.csv", str(file), force=False)
    (tmp_path / "old.csv").touch()
    with pytest.raises(UsageError, match="--force"):
        check_out(tmp_path / "old.csv", str(file), force=False)
    check_out(tmp_path / "old.csv", str(file), force=True)


@pytest.mark.parametrize("ending", ["csv", "jsonl", pytest.param("parquet", marks=pytest.mark.slow)])
def test_whatever_call_fails_the_old_file_or_the_new_one_is_there_whole(shipped, tmp_path, ending):
    """The process is killed, or the disk is full, at each call that writes."""
    source, out = tmp_path / "in.csv", tmp_path / "out" / f"out.{ending}"
    source.write_text("text\n" + f"{GOOD}\n" * 3)
    out.parent.mkdir()
    predict_table(shipped, source, DataSettings(), out)
    new, at, calls = out.read_bytes(), 0, None
    while calls is None or at < calls:
        for manner in ("killed", "ENOSPC"):
            out.write_text("old")
            code = in_child(lambda: predict_table(shipped, source, DataSettings(), out), tmp_path, at, manner)
            found = out.read_bytes()
            assert found in (b"old", new)
            if manner == "killed":
                assert code == -signal.SIGKILL
            else:  # after the rename, the file is there, whatever fails
                assert code == 4 or (code == 0 and found == new)
            left = [path for path in out.parent.iterdir() if path != out]
            assert manner == "killed" or left == []
            for path in left:
                assert path.name.startswith(".") and path.name.endswith(".tmp")
                path.unlink()
        if calls is None:
            in_child(lambda: predict_table(shipped, source, DataSettings(), out), tmp_path, -1, "killed")
            calls = len(read_log(tmp_path / "log"))
        at += 1
    assert calls > 3


def in_child(work, folder, at, manner):
    """Do the work in a forked process in which one call fails; return how it ended."""
    child = os.fork()
    if child == 0:
        Faults(folder / "out", folder / "log", at, manner).install()
        try:
            work()
        except MachineError as error:
            os._exit(error.exit_code)
        except BaseException:
            os._exit(99)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

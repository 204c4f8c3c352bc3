"""Sources of reviews: every format gives the same rows, and errors name the file and the row."""

import csv
import gzip
import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter

import pyarrow
import pyarrow.parquet
import pytest

from sentiment.config import DataSettings
from sentiment.data.reviews import ReviewSource, load_reviews
from sentiment.errors import DataError, MachineError

TRICKY = [
    "NA",
    "null",
    "None",
    "nan",
    "0",
    "a, b; c\td",
    'she said "no"',
    "two\nlines",
    "  spaces  ",
    "<br />x",
    "café \U0001f600",
    "\u2028",
    "'",
]
TRICKY_ROWS = [
    {"text": f"{text}." if text == "\u2028" else text, "label": i % 2} for i, text in enumerate(TRICKY)
]


def load(source, *splits, **settings):
    return load_reviews(DataSettings(source=str(source), **settings), splits or None)


def refuse(source, *words, **settings):
    """Fail unless the error is one line with the name of the source and `words`."""
    with pytest.raises(DataError) as caught:
        load(source, **settings)
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(source), *words):
        assert word in message, message


def write_separated(path, rows, delimiter=","):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


WRITERS = {
    "csv": write_separated,
    "tsv": lambda path, rows: write_separated(path, rows, "\t"),
    "jsonl": write_lines,
    "json": lambda path, rows: path.write_text(json.dumps(rows)) and path,
    "parquet": write_parquet,
}


@pytest.fixture
def file(tmp_path):
    """Write bytes or text under a name."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# --- what is read --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", WRITERS)
def test_every_format_gives_every_row_unchanged(tmp_path, rows, ending):
    reviews = load(WRITERS[ending](tmp_path / f"reviews.{ending}", rows))["train"]
    assert list(reviews.texts) == [row["text"] for row in rows]
    assert reviews.labels_N.tolist() == [row["label"] for row in rows]
    assert reviews.labels_N.dtype == "int8"
    assert reviews.groups == [row["film"] for row in rows]
    assert (reviews.split, len(reviews)) == ("train", len(rows))


@pytest.mark.parametrize("ending", WRITERS)
def test_tricky_texts_stay_texts(tmp_path, ending):
    reviews = load(WRITERS[ending](tmp_path / f"reviews.{ending}", TRICKY_ROWS))["train"]
    assert list(reviews.texts) == [row["text"] for row in TRICKY_ROWS]
    assert reviews.groups is None


def test_json_may_have_one_object_per_line(tmp_path):
    assert len(load(write_lines(tmp_path / "reviews.json", TRICKY_ROWS))["train"]) == len(TRICKY_ROWS)


def test_endings_may_be_upper_case(tmp_path):
    assert len(load(write_separated(tmp_path / "REVIEWS.CSV", TRICKY_ROWS))["train"]) == len(TRICKY_ROWS)


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "json"])
def test_a_byte_order_mark_is_accepted(tmp_path, rows, ending):
    path = WRITERS[ending](tmp_path / f"reviews.{ending}", rows)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert list(load(path)["train"].texts) == [row["text"] for row in rows]


def test_columns_may_have_other_names(file):
    path = file("a.csv", "sentiment,review,title\n1,good,x\n0,bad,y\n")
    reviews = load(path, text_column="review", label_column="sentiment", group_column="title")["train"]
    assert (list(reviews.texts), reviews.groups) == (["good", "bad"], ["x", "y"])


def test_a_very_long_field_is_read(file):
    assert len(load(file("a.csv", f"text,label\n{'long ' * 100_000},1\n"))["train"].texts[0]) == 500_000


def test_each_file_of_a_folder_is_a_split(tmp_path, rows):
    write_lines(tmp_path / "train.jsonl", rows)
    write_separated(tmp_path / "test.csv", rows[:10])
    (tmp_path / "README.md").write_text("# reviews")
    found = load(tmp_path)
    assert {name: len(reviews) for name, reviews in found.items()} == {"train": 48, "test": 10}
    assert load(tmp_path, "test").keys() == {"test"}


def test_a_split_that_is_not_asked_for_is_not_opened(tmp_path, rows):
    write_lines(tmp_path / "train.jsonl", rows)
    (tmp_path / "test.jsonl").write_text('{"no end')
    assert load(tmp_path, "train").keys() == {"train"}
    refuse(tmp_path, "test.jsonl, line 1: not JSON")


def test_an_open_source_reads_each_split_once(tmp_path, rows):
    path = write_lines(tmp_path / "train.jsonl", rows)
    source = ReviewSource(DataSettings(source=str(tmp_path)))
    first = source.read("train")
    path.unlink()
    assert source.read("train") is first and source.labelled_splits == ["train"]


@pytest.mark.parametrize("blank", ["", "  \t"])
@pytest.mark.parametrize(
    ("name", "lines", "bad"),
    [
        ("a.csv", ["text,label", "x,1", "y,0"], ",1"),
        ("a.jsonl", ['{"text": "x", "label": 1}', '{"text": "y", "label": 0}'], '{"text": "", "label": 1}'),
    ],
)
def test_blank_lines_are_left_out_and_errors_name_the_true_line(file, name, lines, bad, blank):
    spread = [part for line in lines for part in (line, blank)]
    path = file(name, "\n".join([*spread, ""]))
    assert list(load(path)["train"].texts) == ["x", "y"]
    refuse(file(name, "\n".join([*spread, bad, ""])), f"line {len(spread) + 1}: the text is empty")


def test_a_row_of_several_lines_is_named_by_its_first(file):
    path = file("a.csv", 'text,label\n"one\ntwo",1\n\n"three\nfour",7\n')
    refuse(path, "line 5: no other row has the label '7'")
    refuse(file("a.csv", 'text,label\n"one\ntwo",1\n"three\nfour"\n'), "line 4: 1 fields")


def test_an_empty_field_in_quotes_is_a_row(file):
    """Only a blank line is left out: a row without a text is refused."""
    refuse(file("a.csv", 'text,label\nx,1\n"",0\n'), "line 3: the text is empty")
    refuse(file("a.csv", 'text,label\nx,1\n""\n'), "line 3: 1 fields")
    refuse(file("a.tsv", "text\tlabel\nx\t1\n\t\n"), "line 3: the text is empty")


def test_two_files_of_one_split_are_refused(tmp_path, rows):
    write_lines(tmp_path / "train.jsonl", rows)
    write_separated(tmp_path / "train.csv", rows)
    refuse(tmp_path, "2 files are called train; keep one file per split")


@pytest.fixture
def hub_layout(tmp_path, rows):
    """Write a data set in the layout of the hub: parquet with named classes, and a split without labels."""
    import datasets

    with_classes = datasets.Features(
        text=datasets.Value("string"),
        label=datasets.ClassLabel(names=["neg", "pos"]),
        film=datasets.Value("string"),
    )
    folder = tmp_path / "imdb"
    (folder / "data").mkdir(parents=True)
    unlabelled = [row | {"label": -1} for row in rows[:5]]
    for split, chosen in (("train", rows), ("test", rows[::3]), ("unsupervised", unlabelled)):
        dataset = datasets.Dataset.from_list(chosen, features=with_classes)
        dataset.to_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
    return folder


def test_a_folder_in_the_hubs_layout(hub_layout, rows):
    found = load(hub_layout)
    assert {name: len(reviews) for name, reviews in found.items()} == {"train": 48, "test": 16}
    assert list(found["train"].texts) == [row["text"] for row in rows]
    assert found["train"].labels_N.tolist() == [row["label"] for row in rows]
    assert found["train"].groups == [row["film"] for row in rows]


def test_a_split_of_the_hubs_layout_that_is_not_asked_for_is_not_opened(hub_layout, rows):
    path = hub_layout / "data" / "test-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:200])
    found = load(hub_layout, "train")
    assert list(found["train"].texts) == [row["text"] for row in rows]
    refuse(hub_layout, "test-00000-of-00001.parquet is not a complete parquet file", "copy it again")


def test_a_split_of_the_hubs_layout_has_the_rows_that_its_readme_declares(hub_layout):
    splits = "".join(
        f"\n  - name: {name}\n    num_examples: {n}" for name, n in {"train": 48, "test": 17}.items()
    )
    (hub_layout / "README.md").write_text(f"---\ndataset_info:\n  splits:{splits}\n---\n")
    assert len(load(hub_layout, "train")["train"]) == 48
    refuse(hub_layout, "(test) has 16 reviews, but README.md says 17; copy it again")


def test_the_hubs_split_without_labels_is_read_only_if_it_is_named(hub_layout, rows):
    found = load(hub_layout, "train", "unsupervised")
    assert {name: len(reviews) for name, reviews in found.items()} == {"train": 48, "unsupervised": 5}
    assert found["unsupervised"].labels_N.tolist() == [-1] * 5
    assert list(found["unsupervised"].texts) == [row["text"] for row in rows[:5]]


def test_notes_of_the_hub_are_no_split(hub_layout):
    (hub_layout / "README.md").write_text("# Reviews\n")
    (hub_layout / "dataset_infos.json").write_text('{"default": {"description": ""}}')
    assert load(hub_layout).keys() == {"train", "test"}


def test_the_classes_that_count_are_those_of_the_label_column(tmp_path, rows):
    import datasets

    features = datasets.Features(
        genre=datasets.ClassLabel(names=["drama", "comedy", "horror"]),
        text=datasets.Value("string"),
        label=datasets.ClassLabel(names=["neg", "pos"]),
        stars=datasets.ClassLabel(names=["1", "2", "3", "4"]),
    )
    chosen = [{"text": row["text"], "label": row["label"], "genre": 2, "stars": 3} for row in rows]
    (tmp_path / "data").mkdir()
    datasets.Dataset.from_list(chosen, features=features).to_parquet(tmp_path / "data" / "train.parquet")
    assert load(tmp_path)["train"].class_names == ("negative", "positive")
    assert load(tmp_path, label_column="stars")["train"].class_names == ("1", "2", "3", "4")


def write_acl_imdb(folder, urls=True):
    for split in ("train", "test"):
        for label, name in enumerate(("neg", "pos")):
            (folder / split / name).mkdir(parents=True)
            # File 10 comes after 9 as a number and before 2 as a string.
            for number in range(11):
                stars = 9 if label else 2
                (folder / split / name / f"{number}_{stars}.txt").write_text(f"{split} {name} {number}")
            if urls:
                lines = [
                    f"http://www.imdb.com/title/tt{label}{number // 2}/usercomments" for number in range(11)
                ]
                (folder / split / f"urls_{name}.txt").write_text("\n".join(lines) + "\n")
    (folder / "train" / "unsup").mkdir()
    (folder / "train" / "unsup" / "0_0.txt").write_text("no label")
    (folder / "imdbEr.txt").write_text("")
    return folder


def test_the_original_archive(tmp_path):
    found = load(write_acl_imdb(tmp_path))
    assert found.keys() == {"train", "test"}
    train = found["train"]
    assert list(train.texts) == [f"train {name} {number}" for name in ("neg", "pos") for number in range(11)]
    assert train.labels_N.tolist() == [0] * 11 + [1] * 11
    assert train.groups[3] == train.groups[2] == "http://www.imdb.com/title/tt01/usercomments"
    assert len(set(train.groups)) == 12


def test_the_original_archive_without_its_urls(tmp_path):
    assert load(write_acl_imdb(tmp_path, urls=False))["train"].groups is None


def test_a_split_of_the_archive_that_is_not_asked_for_is_not_opened(tmp_path):
    write_acl_imdb(tmp_path)
    (tmp_path / "test" / "neg" / "3_2.txt").write_bytes(b"caf\xe9")
    assert load(tmp_path, "train").keys() == {"train"}
    refuse(tmp_path, "3_2.txt is not UTF-8")


def test_an_archive_with_too_few_urls_is_refused(tmp_path):
    write_acl_imdb(tmp_path)
    (tmp_path / "train" / "urls_pos.txt").write_text("http://one\n")
    refuse(tmp_path, "urls_pos.txt has no line for 1_9.txt")


def test_an_archive_whose_urls_are_not_utf_8_is_refused(tmp_path):
    write_acl_imdb(tmp_path)
    (tmp_path / "train" / "urls_pos.txt").write_bytes("http://café".encode("latin-1"))
    refuse(tmp_path, "urls_pos.txt", "not UTF-8")


def test_an_archive_with_a_folder_for_a_review_is_refused(tmp_path):
    write_acl_imdb(tmp_path)
    (tmp_path / "train" / "pos" / "0_2.txt").mkdir()
    refuse(tmp_path, "cannot read", "0_2.txt")


@pytest.mark.parametrize("missing", [None, ""])
def test_reviews_without_a_group_are_groups_of_their_own(tmp_path, missing):
    rows = [{"text": "good", "label": 1, "film": missing}, {"text": "bad", "label": 0, "film": missing}]
    write_lines(tmp_path / "r.jsonl", [*rows, rows[0] | {"film": "a"}])
    groups = load(tmp_path / "r.jsonl")["train"].groups
    assert len(set(groups)) == 3 and groups[2] == "a"


def test_an_archive_with_a_review_that_is_not_utf_8(tmp_path):
    write_acl_imdb(tmp_path)
    (tmp_path / "train" / "neg" / "3_2.txt").write_bytes(b"caf\xe9")
    refuse(tmp_path, "3_2.txt is not UTF-8")


def test_the_bundled_sample_is_balanced_and_its_test_films_are_new():
    found = load("sample")
    assert found.keys() == {"train", "test"} and sum(map(len, found.values())) >= 2_000
    for reviews in found.values():
        assert abs(reviews.labels_N.mean() - 0.5) < 0.02
    assert not set(found["train"].groups) & set(found["test"].groups)
    assert not set(found["train"].texts) & set(found["test"].texts)


# --- what is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("missing", ["text", "label"])
def test_a_missing_column_is_named_with_those_found(tmp_path, rows, ending, missing):
    kept = [{key: value for key, value in row.items() if key != missing} for row in rows]
    path = WRITERS[ending](tmp_path / f"reviews.{ending}", kept)
    refuse(path, f"no column for the {missing} (found: ", "film", f"name it: --{missing} ")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text,label,text\nx,1,y\n"),
        ("a.tsv", "text\tlabel\ttext\nx\t1\ty\n"),
        ("a.jsonl", '{"text": "x", "label": 1, "label": 0}\n'),
        ("a.json", '[{"text": "x", "label": 1, "label": 0}]'),
    ],
)
def test_a_column_that_appears_twice_is_refused(file, name, content):
    refuse(file(name, content), "two ", " are called ", "rename or remove one")


def test_a_parquet_column_that_appears_twice_is_refused(tmp_path):
    arrays = [pyarrow.array(["a"]), pyarrow.array([1]), pyarrow.array([0])]
    table = pyarrow.table(arrays, names=["text", "label", "label"])
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    refuse(tmp_path / "a.parquet", "two columns are called label")


@pytest.mark.parametrize("ending", ["jsonl", "json"])
@pytest.mark.parametrize("label", [2, -1, "good", 1.5, "01", [1], {}])
def test_a_wrong_label_is_named_with_its_row(tmp_path, ending, label):
    rows = [{"text": "a", "label": "negative"}, {"text": "b", "label": "1"}, {"text": "c", "label": label}]
    path = WRITERS[ending](tmp_path / f"a.{ending}", rows)
    place = "line 3" if ending == "jsonl" else "row 3"
    refuse(
        path,
        f"{place}: no other row has the label {label!r} (found: ",
        "mend the row",
        "--classes 'negative=",
    )


def test_labels_are_numbers_their_texts_or_words(file):
    path = file("a.csv", "text,label\na,0\nb,1\nc,negative\nd,positive\n")
    assert load_reviews(DataSettings(source=str(path)))["train"].labels_N.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("labels", [[0, 2], ["0", "good"], [b"0"], [1.5]])
def test_a_wrong_label_in_parquet_is_named_with_its_row(tmp_path, labels):
    path = write_parquet(tmp_path / "a.parquet", [{"text": "a", "label": label} for label in labels])
    refuse(path, f"row {len(labels)}: ", f"the label {'is ' if len(labels) == 1 else ''}{labels[-1]!r}")


@pytest.mark.parametrize("label", ["2", "good", "null", "1.5", "-1", "4", "01"])
def test_a_wrong_label_in_a_table_is_named_with_its_row(file, label):
    refuse(
        file("a.csv", f"text,label\nx,1\ny,{label}\nz,0\n"), f"line 3: no other row has the label '{label}'"
    )


def test_a_row_without_a_label_is_named(file):
    refuse(file("a.jsonl", '{"text": "x", "label": 1}\n{"text": "y"}\n'), "line 2: there is no label")
    refuse(file("a.csv", "text,label\nx,1\ny,\n"), "line 3: there is no label")


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("text", ["", " \t ", "<br />", "<BR><br/>"])
def test_an_empty_text_is_named_with_its_row(tmp_path, ending, text):
    rows = [{"text": "x", "label": 0}, {"text": text, "label": 1}]
    path = WRITERS[ending](tmp_path / f"a.{ending}", rows)
    # The header is line 1 of a table.
    place = {"csv": "line 3", "tsv": "line 3", "jsonl": "line 2"}.get(ending, "row 2")
    refuse(path, f"{place}: the text is empty; remove or fill the row")


@pytest.mark.parametrize(("text", "said"), [(None, "empty"), (5, "5"), (["x"], "['x']")])
def test_a_text_that_is_not_a_string_is_named(tmp_path, text, said):
    rows = [{"text": "x", "label": 0}, {"text": text, "label": 1}]
    refuse(write_lines(tmp_path / "a.jsonl", rows), f"line 2: the text is {said}; remove or fill the row")


def test_half_a_surrogate_pair_is_named(file):
    path = file("a.jsonl", '{"text": "fine", "label": 1}\n{"text": "half \\ud83d", "label": 1}\n')
    refuse(path, "line 2: the text is not Unicode")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", 'text,label\n"no end,1\nx,0\n', ["line 2", "check the quotes"]),
        ("a.csv", 'text,label\n"end"less,1\n', ["line 2", "check the quotes"]),
        ("a.csv", "text,label\nx,1\na, b,0\n", ["line 3: 3 fields where the header has 2", "quote fields"]),
        ("a.tsv", "text\tlabel\nx\n", ["line 2: 1 fields where the header has 2"]),
        ("a.csv", "text,label\n", ["holds no reviews"]),
        ("a.csv", "\n", ["holds no reviews"]),
        ("a.csv", b"\xef\xbb\xbf", ["holds no reviews"]),
        (
            "a.jsonl",
            '{"text": "x", "label": 1}\n{"text": "y", "la\n',
            ["line 2: not JSON", "one object per line"],
        ),
        ("a.jsonl", '["x", 1]\n', ["line 1: not an object with text and label"]),
        ("a.jsonl", "5\n", ["line 1: not an object"]),
        ("a.jsonl", "[" * 100_000, ["line 1: not JSON"]),
        ("a.json", "[" * 100_000, ["not JSON"]),
        ("a.json", '[{"text": "x", "label": 1}', ["not JSON"]),
        ("a.json", '[{"text": "x", "label": 1}, ["y", 0]]', ["row 2: not an object"]),
        ("a.json", '{\n"text": "x"}', ["line 1: not JSON"]),
        ("a.json", "[]", ["holds no reviews"]),
        ("a.doc", "good\n", ["unknown ending", ".csv", ".parquet", ".txt"]),
        ("a.parquet", "PAR1 but no more", ["not a complete parquet file", "copy it again"]),
    ],
)
def test_a_broken_file_is_named_with_place_and_remedy(file, name, content, words):
    refuse(file(name, content), *words)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.json", "a.jsonl", "a.parquet"])
def test_an_empty_file_is_refused(file, name):
    refuse(file(name, b""), "is empty; add reviews to it")


def test_a_truncated_or_flipped_parquet_file_never_loses_a_row(tmp_path, rows):
    path = write_parquet(tmp_path / "a.parquet", rows)
    whole = path.read_bytes()
    for size in range(1, len(whole), 53):
        path.write_bytes(whole[:size])
        refuse(path)
    for position in range(0, len(whole), 29):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            found = load(path)["train"]
        except DataError:
            continue
        assert len(found) == len(rows)


def test_a_folder_without_reviews_is_refused(tmp_path):
    refuse(tmp_path, "holds no reviews: no .csv")
    (tmp_path / "notes.md").write_text("hello")
    refuse(tmp_path, "holds no reviews: no .csv")


def test_a_folder_of_compressed_files_is_read(tmp_path, rows):
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "train.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    assert list(load(tmp_path)["train"].texts) == [row["text"] for row in rows]


def test_a_broken_file_in_the_hubs_layout_is_refused(hub_layout):
    path = hub_layout / "data" / "train-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:200])
    refuse(hub_layout, "train-00000-of-00001.parquet is not a complete parquet file", "copy it again")


@pytest.mark.parametrize("name", ["none.csv", "deep/none.parquet", "none", "a/b/c"])
def test_a_missing_source_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    refuse(name, "there is no such file or folder; give a file, a folder, or owner/name of a data set")


@pytest.fixture
def no_hub(monkeypatch):
    """Let every request to the hub fail."""
    monkeypatch.setattr(
        "sentiment.data.sources.locate.download", lambda name: pytest.fail(f"asked for {name}")
    )


@pytest.mark.parametrize("name", ["data/imbd", "./data/imbd"])
def test_a_misspelt_folder_is_not_looked_for_on_the_hub(tmp_path, monkeypatch, rows, no_hub, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "imdb").mkdir(parents=True)
    write_lines(tmp_path / "data" / "imdb" / "train.jsonl", rows)
    refuse(name, f"no reviews at {name}: there is no such file or folder; did you mean data/imdb?")
    write_lines(tmp_path / "reviews.jsonl", rows)
    refuse("revews.jsonl", "did you mean reviews.jsonl?")


def test_a_folder_that_hides_the_owner_of_a_hub_name_is_named(tmp_path, monkeypatch, no_hub):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner").mkdir()
    refuse("owner/name", "if it is on the hub, run the command in a folder that has no owner/")


def test_a_misspelt_name_of_bundled_reviews_is_corrected(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refuse("sampel", "did you mean sample?")


@pytest.mark.parametrize("name", ["sample", "phrases"])
def test_bundled_reviews_are_names_and_other_folders_are_paths(tmp_path, monkeypatch, rows, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    write_lines(tmp_path / name / "train.jsonl", rows)
    assert len(load(name)["train"]) > 2_000
    assert len(load(f"./{name}")["train"]) == len(rows)


# --- the hub -------------------------------------------------------------------------------------------

COMMIT = "a" * 40
OFFLINE_WAYS = ("--data FOLDER, --data FILE or --data sample",)


class Hub(http.server.ThreadingHTTPServer):
    """A server in place of the hub that has `some/name`; `manner` is how it answers."""

    daemon_threads = True

    def __init__(self, manner, content):
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.manner, self.content = manner, content
        self.requests = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class HubHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        if isinstance(self.server.manner, int):
            self.reply(self.server.manner)
        elif path.startswith("/api/datasets/some/name") and "/tree/" not in path:
            self.reply(200, json.dumps({"id": "some/name", "sha": COMMIT, "siblings": []}).encode())
        elif path.endswith(f"/tree/{COMMIT}"):
            entry = {
                "type": "file",
                "path": "train.parquet",
                "size": len(self.server.content),
                "oid": "b" * 40,
            }
            self.reply(200, json.dumps([entry]).encode())
        elif path.endswith("/train.parquet"):
            self.reply_with_file()
        else:
            self.reply(404, b"{}", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})

    def reply_with_file(self):
        content = self.server.content
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": COMMIT}
        if self.server.manner == "whole" or self.command == "HEAD":
            self.reply(200, content, headers)
        elif self.headers.get("Range"):  # the client tries to continue, and the server is gone
            self.close_connection = True
        else:
            self.reply(200, content, headers, sent=len(content) // 2)

    def reply(self, code, body=b"", headers=None, sent=None):
        self.send_response(code)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:sent])
            self.close_connection = sent is not None

    do_GET = do_HEAD = do_POST = answer

    def log_message(self, *arguments):
        pass


@pytest.fixture
def hub(tmp_path, rows):
    """Return a function that starts such a server, with the rows as parquet."""
    content = write_parquet(tmp_path / "on-the-hub.parquet", rows).read_bytes()
    hubs = []

    def start(manner):
        hubs.append(Hub(manner, content))
        return hubs[-1]

    yield start
    for server in hubs:
        server.shutdown()
        server.server_close()


@pytest.fixture
def start_prepare(tmp_path):
    """Start `sentiment prepare --data some/name` as a process; `home` is its cache."""

    def start(endpoint, home="hf", **changes):
        environment = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"}
        environment |= {"HF_HOME": str(tmp_path / home), "HF_ENDPOINT": endpoint, **changes}
        options = ("--data", "some/name", "--threads", "1", "--json")
        return subprocess.Popen(
            [sys.executable, "-m", "sentiment", "prepare", "imdb", *options],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def assert_offline_ways_named(process, *words):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 4, err
    assert out == ""
    (line,) = err.splitlines()
    for word in (
        "error: there is no file or folder some/name, and the hub cannot send it",
        *OFFLINE_WAYS,
        *words,
    ):
        assert word in line


def test_a_failed_request_leaves_the_settings_of_the_process_alone(monkeypatch):
    import datasets
    import huggingface_hub

    def refused(*given, **options):
        raise ConnectionError("no route")

    modules = (datasets.config, huggingface_hub.constants)
    for module in modules:
        monkeypatch.setattr(module, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", refused)
    before = (datasets.logging.get_verbosity(), datasets.are_progress_bars_disabled())
    with pytest.raises(MachineError, match=r"no file or folder some/name, and the hub .* no route"):
        load("some/name")
    assert [module.HF_HUB_OFFLINE for module in modules] == [False, False]
    assert (datasets.logging.get_verbosity(), datasets.are_progress_bars_disabled()) == before


@pytest.mark.slow
def test_a_hub_name_is_downloaded_and_then_found_offline(hub, start_prepare):
    server = hub("whole")
    out, err = start_prepare(f"http://127.0.0.1:{server.server_port}").communicate(timeout=120)
    assert json.loads(out)["splits"][0]["reviews"] > 20, err
    assert Counter(server.requests)[f"GET /datasets/some/name/resolve/{COMMIT}/train.parquet"] == 1
    asked = len(server.requests)
    endpoint = f"http://127.0.0.1:{server.server_port}"
    again, err = start_prepare(endpoint, HF_HUB_OFFLINE="1").communicate(timeout=120)
    assert (again, err) == (out, "")
    assert len(server.requests) == asked


@pytest.mark.slow
def test_a_hub_that_fails_ends_with_4_and_names_the_offline_ways(hub, start_prepare):
    # All at once: the client spends its time waiting between attempts.
    started = time.monotonic()
    hubs = {manner: hub(manner) for manner in (401, 403, "breaks off")}
    processes = {
        manner: start_prepare(f"http://127.0.0.1:{server.server_port}", home=f"hf {manner}")
        for manner, server in hubs.items()
    }
    offline = start_prepare("http://127.0.0.1:9", home="hf offline", HF_HUB_OFFLINE="1")
    assert_offline_ways_named(processes[401], "401")
    assert_offline_ways_named(processes[403])
    assert_offline_ways_named(processes["breaks off"], "RemoteProtocolError")
    assert_offline_ways_named(offline, "OfflineModeIsEnabled")
    assert time.monotonic() - started < 60
    sent = [request for request in hubs["breaks off"].requests if request.endswith("/train.parquet")]
    assert len([request for request in sent if request.startswith("GET")]) > 1


@pytest.mark.slow
@pytest.mark.parametrize("manner", [500, "nobody there"])
def test_a_hub_that_stays_away_ends_with_4_after_the_clients_attempts(hub, start_prepare, manner):
    port = hub(manner).server_port if manner == 500 else 9
    assert_offline_ways_named(start_prepare(f"http://127.0.0.1:{port}"))

"""The first command that people type with their own file works, or its error has the options to copy.

Each entry of the tables is a small file of made-up reviews, written as people have them.
"""

import gc
import importlib.util
import json
import re
import shlex
from collections import Counter
from typing import Any, NamedTuple

import pytest

from tests.end_to_end.user_files import (
    BLAME,
    EACH,
    arrow_file,
    class_folders,
    packed,
    parquet,
    saved_dataset,
    saved_splits,
    sheet,
    workbook,
    write,
)

EVAL = "eval shipped --data {}"
PREPARE = "prepare --data {}"
PREDICT = "predict --file {}"
OUT = "predict --file {} --out out"
WORDS = ("negative", "positive")
STARS = ("1|2", "4|5")


class Try(NamedTuple):
    """A file, the first command typed, and what must come."""

    name: str
    file: str
    content: Any
    """Text, bytes, a function that writes the file, or a folder as a dict."""
    command: str = EVAL
    counts: tuple[int, int] = (EACH, EACH)
    """Reviews of each class, negative and positive; `eval` and `predict` find the right class of each."""
    error: str = ""
    """What the error of the first command ends with; empty if it succeeds."""
    says: str = ""
    """A part of stderr, or of the file written with --out."""


STARS_ERROR = "--classes 'negative=1,2 positive=4,5'"
TRIPLE = (EACH * 3, EACH * 3)

PUBLIC_SETS = [
    Try("airline tweets", "Tweets.csv", sheet(
        "tweet_id,airline_sentiment,airline_sentiment_confidence,negativereason,airline,text,tweet_created",
        '57030{n},{label},1.0,,Made Up Air,"@air {text}\nreally",2015-02-24 11:35:52 -0800',
        WORDS, "neutral"), error="--classes 'negative=negative positive=positive'"),
    Try("alexa", "amazon_alexa.tsv", sheet(
        "rating\tdate\tvariation\tverified_reviews\tfeedback",
        '5\t31-Jul-18\tBlack\t{text}, "Echo".\t{label}')),
    Try("alexa with empty reviews", "amazon_alexa.tsv", sheet(
        "rating\tdate\tvariation\tverified_reviews\tfeedback", "5\t31-Jul-18\tBlack\t{text}\t{label}")
        + "5\t30-Jul-18\tBlack\t \t1\n", error="--skip-bad-rows"),
    Try("restaurant", "Restaurant_Reviews.tsv", sheet("Review\tLiked", '{text} they said "hm\t{label}')),
    Try("yelp with a header", "yelp.txt", sheet("Sentence\tlabel", "{text}.\t{label}")),
    Try("yelp_labelled", "yelp_labelled.txt", sheet("", "{text}.\t{label}"), error="--text 1 --label 2"),
    Try("imdb_labelled", "imdb_labelled.txt", sheet("", "{text}.  \t{label}"), error="--text 1 --label 2"),
    Try("hotel stars", "tripadvisor.csv", sheet("Review,Rating", '"{text}, hotel",{label}', STARS, "3"),
        error=STARS_ERROR),
    Try("hotel names with dots", "hotels.csv", sheet(
        "id,name,reviews.rating,reviews.text", 'AV{n},"Inn, The",{label},"{text}"', STARS, "3"),
        error=f"--text reviews.text --label reviews.rating {STARS_ERROR}"),
    Try("kaggle imdb", "IMDB Dataset.csv", sheet(
        "review,sentiment", '"{text}.<br /><br />""Really"", it is.",{label}', WORDS)),
    Try("sentiment140", "training.1600000.csv", sheet(
        "", '"{label}","146781{n}","Mon Apr 06 22:19:45 PDT 2009","NO_QUERY","user_{n}","@me {text}"',
        ("0", "4")).encode("latin-1"), error="--text 6 --label 1"),
    Try("sentiment140, columns known", "training.csv", sheet(
        "", '"{label}","146781{n}","Mon Apr 06","NO_QUERY","user_{n}","{text}"', ("0", "4")).encode(
        "latin-1"), EVAL + " --text 6 --label 1"),
    Try("sst-2", "train.tsv", sheet("sentence\tlabel", "{text} `` it 's '' \" \t{label}")),
    Try("sst-2 to train on", "train.tsv", sheet("sentence\tlabel", "{text} \t{label}"), PREPARE),
    Try("sst-2 test", "test.tsv", sheet("index\tsentence", "{n}\t{text}"), PREDICT),
    Try("rotten tomatoes", "train.tsv", sheet(
        "PhraseId\tSentenceId\tPhrase\tSentiment", "{n}\t1\t{text}\t{label}", ("0|1", "3|4"), "2"),
        error="--text Phrase --classes 'negative=0,1 positive=3,4'"),
    Try("amazon polarity", "train.csv", sheet("", '"{label}","Title {n}","{text}"', ("1", "2")),
        error="--text 3 --label 1 --classes 'negative=1 positive=2'"),
    Try("amazon fastText", "train.ft.txt", sheet("", "__label__{label} Title: {text}", ("1", "2")),
        error="--classes 'negative=1 positive=2'"),
    Try("yelp json", "yelp_academic_dataset_review.json", sheet(
        "", '{{"review_id": "x{n}", "stars": {label}, "text": "{text}"}}', ("1.0|2.0", "4.0|5.0"), "3.0"),
        error="--classes 'negative=1.0,2.0 positive=4.0,5.0'"),
    Try("clothing reviews", "Womens Clothing.csv", sheet(
        ",Clothing ID,Age,Title,Review Text,Rating", "{n},767,33,,{text},{label}", STARS, "3"),
        error=f"--text 'Review Text' {STARS_ERROR}"),
    Try("fine food, stars known", "Reviews.csv", sheet(
        "Id,ProductId,Score,Summary,Text", "{n},B00{n},{label},Well,{text}", STARS, "3"),
        EVAL + f" {STARS_ERROR}", says="left out 3 of 15 rows with other labels: 3 (3)"),
]  # fmt: skip

SPREADSHEETS = [
    Try("csv with commas", "a.csv", sheet("text,label", '"{text}, yes",{label}')),
    Try("semicolons and a mark", "a.csv", sheet("id;text;label", "00{n};{text};{label}").encode("utf-8-sig"),
        says="assuming a semicolon"),
    Try("sep=;", "a.csv", sheet("sep=;\ntext;label", "{text};{label}").encode("utf-8-sig")),
    Try("cp1252 of old Excel", "a.csv", sheet(
        "Comment;Sentiment", "{text} \u2013 \u201cso\u201d;{label}", WORDS).encode("cp1252"),
        says="encoding cp1252"),
    Try("latin-1", "a.csv", sheet("text,label", "{text},{label}").encode("latin-1")),
    Try("unicode text of Excel", "a.txt", sheet(
        "Review\tLabel", "{text}\t{label}", end="\r\n").encode("utf-16")),
    Try("utf-16 with tabs as csv", "a.csv", sheet("text\tlabel", "{text}\t{label}").encode("utf-16")),
    Try("utf-16 without a mark", "a.csv", sheet("text,label", "{text},{label}").encode("utf-16-le")),
    Try("an encoding that is named", "a.csv", sheet("text,label", "{text},{label}").encode("mac_roman"),
        EVAL + " --encoding mac_roman"),
    Try("csv that is called txt", "a.txt", sheet("text;label", '"{text}; yes";{label}'), says="a semicolon"),
    Try("lines of an old Mac", "a.csv", sheet("text;label", "{text};{label}", end="\r")),
    Try("lines of Windows", "a.csv", sheet("text,label", "{text},{label}", end="\r\n")),
    Try("names with spaces", "a.csv", sheet(" Review ; Sentiment ", "{text}; {label} ", WORDS)),
    Try("bars", "a.csv", sheet("body|target", "{text}|{label}"), says="assuming a bar"),
    Try("tsv with commas", "a.tsv", sheet("text,label", "{text},{label}"), says="assuming a comma"),
    Try("columns without a name", "a.csv", sheet("text;label;;", "{text};{label};;")),
    Try("texts of several lines", "a.csv", sheet("tweet,polarity", '"{text}\n\n""really""",{label}')),
    Try("blank lines", "a.csv", sheet("text,label", "{text},{label}\n")),
    Try("empty rows of a sheet", "a.csv", sheet("text;label", "{text};{label}") + ";\n;\n",
        error="--skip-bad-rows"),
    Try("an empty cell", "a.csv", sheet("text;label", "{text};{label}") + ";1\n", error="--skip-bad-rows"),
    Try("empty cells, known", "a.csv", sheet("text;label", "{text};{label}") + ";1\n",
        PREPARE + " --skip-bad-rows", says="left out 1 of 13 rows (line 14: the text is empty)"),
    Try("no header, columns known", "a.csv", sheet("", "{label},{text}"),
        EVAL + " --no-header --text 2 --label 1"),
    Try("a quote in tsv", "a.tsv", sheet("text\tlabel", '"{text}\t{label}'), EVAL + " --quoting none"),
    Try("workbook", "a.xlsx", workbook((0, 1))),
    Try("workbook with stars", "a.xlsx", workbook(("1|2", "4|5"), "3"), error=STARS_ERROR),
]  # fmt: skip

LABELS = [
    Try("stars", "a.csv", sheet("comment,stars", "{text},{label}", STARS, "3"), error=STARS_ERROR),
    Try("stars to train on", "a.csv", sheet("comment,stars", "{text},{label}", ("1.0|2.0", "4.0|5.0"), "3.0"),
        PREPARE + f" {STARS_ERROR}"),
    Try("yes and no", "a.csv", sheet("text,liked", "{text},{label}", ("no", "yes")),
        error="--classes 'negative=no positive=yes'"),
    Try("floats", "a.csv", sheet("text,label", "{text},{label}", ("0.0", "1.0"))),
    Try("truths", "a.csv", sheet("text,label", "{text},{label}", ("False", "True"))),
    Try("truths of Excel", "a.csv", sheet("content;class", "{text};{label}", ("FALSE", "TRUE"))),
    Try("words with capitals", "a.csv", sheet("text,label", '{text},"{label}"', ("Negative", "Positive"))),
    Try("spaces before labels", "a.csv", sheet("text,label", "{text}, {label}")),
    Try("-1 and 1", "a.csv", sheet("text,polarity", "{text},{label}", ("-1", "1"))),
    Try("0 and 4", "a.csv", sheet("text,polarity", "{text},{label}", ("0", "4"))),
    Try("pos and neg", "a.csv", sheet("label,sentence", "{label},{text}", ("neg", "pos"))),
    Try("own words", "a.csv", sheet("text,label", "{text},{label}", ("bad|very bad", "good")),
        EVAL + """ --classes 'negative=bad,"very bad" positive=good'"""),
    Try("own names", "a.csv", sheet("id,remarks,mood", "{n},{text},{label}", WORDS),
        EVAL + " --text remarks --label mood"),
    Try("truths of json", "a.jsonl", sheet("", '{{"text": "{text}", "label": {label}}}', ("false", "true"))),
    Try("missing labels as pandas writes them", "a.csv", sheet("text,label", "{text},{label}", middle="NaN"),
        error="--classes 'negative=0 positive=1'"),
    Try("numbers as text", "a.jsonl", sheet("", '{{"text": "{text}", "label": "{label}"}}')),
]  # fmt: skip

ROWS_OF_JSON = sheet("", '{{"text": "{text}", "label": {label}}}')
FORMATS = [
    Try("jsonl with blank lines", "a.jsonl", sheet("", '{{"review": "{text}", "label": {label}}}\n')),
    Try("jsonl in cp1252", "a.jsonl", ROWS_OF_JSON.encode("cp1252"), says="encoding cp1252"),
    Try("ndjson", "a.ndjson", sheet("", '{{"review": "{text}", "rating": {label}}}')),
    Try("json", "a.json", f"[{','.join(ROWS_OF_JSON.splitlines())}]"),
    Try("json with an object a line", "a.json", ROWS_OF_JSON),
    Try("json that pandas splits", "a.json", json.dumps({
        "columns": ["text", "label"], "index": [*range(2 * EACH)],
        "data": [[*json.loads(row).values()] for row in ROWS_OF_JSON.splitlines()]})),
    Try("json with a schema of pandas", "a.json",
        f'{{"schema": {{"fields": []}}, "data": [{",".join(ROWS_OF_JSON.splitlines())}]}}'),
    Try("jsonl that is called txt to judge", "b.txt", ROWS_OF_JSON, says="assuming an object of JSON"),
    Try("csv.gz", "a.csv.gz", packed(sheet("text,label", "{text},{label}"))),
    Try("tsv.gz", "a.tsv.gz", packed(sheet("text\tlabel", "{text}\t{label}"))),
    Try("json.gz of a shop", "reviews_Music_5.json.gz", packed(sheet(
        "", '{{"reviewText": "{text}", "overall": {label}, "summary": "x"}}', ("1.0|2.0", "4.0|5.0"), "3.0")),
        error="--classes 'negative=1.0,2.0 positive=4.0,5.0'"),
    Try("fastText words", "a.txt", sheet("", "__label__{label} {text}", WORDS)),
    Try("fastText, packed", "a.txt.gz", packed(sheet("", "__label__{label} {text}", ("neg", "pos")))),
    Try("parquet", "a.parquet", parquet(WORDS, columns=("review", "sentiment"))),
    Try("parquet with classes", "a.parquet", parquet((0, 1), ["neg", "pos"])),
    Try("parquet with 0 as positive", "a.parquet", parquet((1, 0), ["positive", "negative"]),
        says="0 is declared as positive"),
    Try("parquet with three classes", "a.parquet", parquet((0, 2), ["negative", "neutral", "positive"]),
        error="--classes 'negative=negative positive=positive'"),
    Try("arrow", "a.arrow", arrow_file),
    Try("save_to_disk", "saved", saved_dataset),
    Try("save_to_disk of splits", "saved", saved_splits, PREPARE, TRIPLE),
]  # fmt: skip

TSV = sheet("sentence\tlabel", "{text}\t{label}")
SPLITS = {"train.tsv": TSV, "dev.tsv": TSV, "test.tsv": TSV}
FOLDERS = [
    Try("train, dev and test", "SST-2", SPLITS),
    Try("train, dev and test to train on", "SST-2", SPLITS, PREPARE, TRIPLE),
    Try("train, valid and test", "data", {"train.csv.gz": packed(TSV.replace("\t", ";")), "Valid.tsv": TSV,
        "test.ft.txt": sheet("", "__label__{label} {text}")}, PREPARE, TRIPLE),
    Try("pos and neg folders", "txt_sentoken", class_folders("")),
    Try("positive and negative folders", "data", class_folders(
        "", negative="negative", positive="positive", name="my review {n}.txt")),
    Try("aclImdb", "aclImdb", class_folders("train/", "test/", name="{n}_7.txt"), PREPARE,
        (EACH * 2, EACH * 2)),
    Try("layout of the hub", "imdb", {
        "README.md": "Made up.", "data/train-00000-of-00001.parquet": parquet((0, 1), ["neg", "pos"]),
        "data/test-00000-of-00001.parquet": parquet((0, 1), ["neg", "pos"])}),
    Try("layout of the hub with 0 as positive", "stars", {
        "data/test-00000-of-00001.parquet": parquet((1, 0), ["pos", "neg"])},
        says="0 is declared as pos"),
]  # fmt: skip

BAD_JSON = '{"text": null}\n{"text":\n'
TABLES_OUT = [
    Try("a text a line", "a.txt", sheet("", "{text}"), PREDICT),
    Try("texts with an empty line", "a.txt", sheet("", "{text}") + "\nA perfect end.\n", PREDICT,
        counts=(EACH, EACH + 1), says="not predicted: 1 review (a.txt, line 13: the text is empty)"),
    Try("objects without a text", "a.jsonl", sheet("", '{{"text": "{text}"}}') + BAD_JSON, PREDICT,
        says="not predicted: 2 reviews (a.jsonl, line 13: the text is empty; a.jsonl, line 14: not JSON"),
    Try("rows with other fields", "a.csv", sheet("text,id", "{text},{n}") + "Good, but,13\n", PREDICT,
        says="line 14: 3 fields where the header has 2)"),
    Try("fastText without a label", "a.txt", sheet("", "__label__{label} {text}") + "Good\n", PREDICT,
        says="line 13: 0 labels at the beginning"),
    Try("jsonl that is called txt", "a.txt", ROWS_OF_JSON, PREDICT, says="assuming an object of JSON"),
    Try("jsonl with a damaged line", "a.jsonl",
        ROWS_OF_JSON.encode() + '{"text": "caf\xe9"}\n'.encode("latin-1"), PREDICT,
        says="line 13: not UTF-8, unlike the rest of the file)"),
    Try("jsonl in cp1252 to predict", "a.jsonl", ROWS_OF_JSON.encode("cp1252"), PREDICT),
    Try("jsonl in an encoding that is named", "a.jsonl", ROWS_OF_JSON.encode("mac_roman"),
        PREDICT + " --encoding mac_roman"),
    Try("a table without labels", "new.csv", sheet("id;comment", "00{n};{text}"), PREDICT),
    Try("a table with stars", "new.csv", sheet("id,review,stars", "00{n},{text},{label}", STARS), PREDICT),
    Try("texts under another name", "new.csv", sheet("id,remarks", "00{n},{text}"), PREDICT,
        error="--text remarks"),
    Try("ids keep their zeros", "new.csv", sheet("id;comment", "00{n};{text}").encode("cp1252"),
        OUT + ".csv", says=f"id;comment;label;probability;doubt\n001;{BLAME[0]};negative;"),
    Try("a table with labels", "new.csv", sheet("text,label", "{text},{label}"), OUT + ".csv",
        says="text,label,predicted_label,probability,doubt\n"),
    Try("a row without a text", "new.csv", sheet("id,text", "{n},{text}") + "13,\n", OUT + ".csv",
        says="\n13,,,,"),
    Try("csv to jsonl", "new.csv", sheet("id,text", "{n},{text}"), OUT + ".jsonl", says='{"id": "1", '),
    Try("parquet to parquet", "new.parquet", parquet(), OUT + ".parquet", says="wrote out.parquet: 12 rows"),
]  # fmt: skip

TABLE = [*PUBLIC_SETS, *SPREADSHEETS, *LABELS, *FORMATS, *FOLDERS, *TABLES_OUT]


@pytest.fixture(scope="module", autouse=True)
def imported_commands(hub_settings):
    """Import what the commands need, and exclude it from garbage collection, which each command does."""
    for module in ("datasets", "sentiment.evaluation.judge", "sentiment.data.audit", "sklearn.metrics"):
        importlib.import_module(module)
    gc.freeze()


def test_the_table_is_long_and_most_of_it_works_at_once():
    everywhere = [entry for entry in TABLE if not needs_excel(entry)]
    assert len({entry.name for entry in TABLE}) == len(TABLE)
    assert len(everywhere) >= 60
    assert sum(not entry.error for entry in everywhere) >= 50


@pytest.mark.parametrize("entry", TABLE, ids=[entry.name for entry in TABLE])
def test_the_first_try(entry, command, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # twelve short reviews gain nothing from more threads
    if needs_excel(entry) and importlib.util.find_spec("openpyxl") is None:
        pytest.skip("skipped: openpyxl is not installed")
    write(tmp_path / entry.file, entry.content)
    typed = shlex.split(entry.command.format(shlex.quote(entry.file)))
    if "--out" not in typed:
        typed.append("--json")
    result = command(*typed, cwd=tmp_path)
    if entry.error:
        assert result.returncode == 3, result
        message = find_error(result.stderr)
        assert message.endswith(entry.error) and len(message) <= 300
        result = command(*typed, *options_of(message), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert count_classes(typed[0], result) == entry.counts
    assert entry.says in result.stderr + read_out(tmp_path)


def needs_excel(entry):
    return entry.file.endswith(".xlsx")


def find_error(stderr):
    """Return the only line that is an error."""
    (message,) = [line for line in stderr.splitlines() if line.startswith("error: ")]
    return message


def options_of(message):
    """Return the options at the end of a message, as a person copies them."""
    return shlex.split(message[message.index(" --") :])


def count_classes(name, result):
    """Return how many reviews are negative and positive; fail if the model does not agree with a label."""
    if name == "eval":
        found = json.loads(result.stdout)["evaluation"]
        assert found["accuracy"] == 1
        return found["true_negatives"], found["true_positives"]
    if name == "prepare":
        splits = json.loads(result.stdout)["splits"]
        positive = sum(round(split["reviews"] * split["class_shares"]["positive"]) for split in splits)
        return sum(split["reviews"] for split in splits) - positive, positive
    if result.stdout:
        found = [json.loads(line) for line in result.stdout.splitlines()]
        assert all(line.get("right_label", line["label"]) == line["label"] for line in found)
        labels = Counter(line["label"] for line in found)
    else:
        counts = re.findall(r"(\d+) (negative|positive)", result.stderr)
        labels = Counter({label: int(count) for count, label in counts})
    return labels["negative"], labels["positive"]


def read_out(folder):
    """Return the text of the table that was written, with plain ends of lines; nothing if there is none."""
    found = [path for path in folder.glob("out.*") if path.suffix != ".parquet"]
    return "".join(path.read_bytes().decode("latin-1").replace("\r\n", "\n") for path in found)

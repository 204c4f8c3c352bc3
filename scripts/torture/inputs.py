"""Campaigns 7 and 14: wrong data files and wrong configurations."""

import gzip
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from .bench import Bench
from .bombs import BOMBS, Bomb, set_off
from .frame import Outcome, repeat

GOOD = [
    {"text": f"take {number} {'great' if number % 2 else 'awful'}", "label": number % 2}
    for number in range(60)
]
ROW = 7  # the number of the wrong row, as the file format counts rows


# --- 7: bad data files ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class BadFile:
    """A wrong data file, and what the error must name in addition to the file."""

    name: str
    content: Callable[[], bytes] | bytes
    place: str
    """A pattern for the place, such as row 7; empty if the whole file is wrong."""
    remedy: str


def _rows(change: dict[str, Any] | None = None, at: int = ROW, drop: str = "") -> list[dict[str, Any]]:
    rows = [dict(row) for row in GOOD]
    if change is not None:
        rows[at - 1].update(change)
    if drop:
        del rows[at - 1][drop]
    return rows


def _jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _csv(rows: list[dict[str, Any]], header: str = "text,label") -> bytes:
    lines = [f'"{row["text"]}",{row["label"]}' for row in rows]
    return "\n".join([header, *lines, ""]).encode()


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    table = pyarrow.table({name: [row.get(name) for row in rows] for name in rows[0]})
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


def _insert(content: bytes, line: int, text: bytes) -> bytes:
    lines = content.split(b"\n")
    lines[line - 1] = text
    return b"\n".join(lines)


ROW_7, LINE_7, LINE_8 = "row 7", "line 7", "line 8"
JSON_LABELS: tuple[Any, ...] = (2, -1, "good", 1.5, "01", [1], {})
BAD_FILES = (
    *(
        BadFile("a.jsonl", _jsonl(_rows({"label": label})), LINE_7, "--classes 'negative=")
        for label in JSON_LABELS
    ),
    *(
        BadFile("a.jsonl", _jsonl(_rows({"label": label})), LINE_7, "no label; remove or fill")
        for label in ("", " ", None)
    ),
    *(
        BadFile("a.jsonl", _jsonl(_rows({"text": text})), LINE_7, "remove or fill")
        for text in ("", " \t", "<br />", None, 5, "half \ud83d")
    ),
    *(
        BadFile("a.csv", _csv(_rows({"label": label}, at=6)), LINE_7, "--classes 'negative=")
        for label in ("2", "good", "null", "NaN")
    ),
    BadFile("a.csv", _csv(_rows({"label": ""}, at=6)), LINE_7, "no label; remove or fill"),
    BadFile("a.csv", _csv(_rows({"text": ""}, at=6)), LINE_7, "remove or fill"),
    BadFile(
        "a.csv",
        _csv(GOOD, "remarks,label"),
        "",
        "has no column for the text .*--text remarks",
    ),
    BadFile(
        "a.csv",
        _csv(GOOD, "text,mood"),
        "",
        "has no column for the label .*--label mood",
    ),
    BadFile("a.csv", _csv(GOOD, "text,text"), "", "two columns are called text; rename or remove"),
    BadFile("a.csv", b"text,label\n", "", "no reviews"),
    BadFile("a.csv", b"", "", "is empty"),
    BadFile("a.csv", _insert(_csv(GOOD), 7, b'"an unclosed quote,1'), "line", "check the quotes|fields"),
    BadFile("a.csv", _insert(_csv(GOOD), 7, b"one,two,3"), LINE_7, "3 fields where the header has 2; quote"),
    BadFile("a.csv", _insert(_csv(GOOD), 7, b"alone"), LINE_7, "1 fields where the header has 2; quote"),
    BadFile("a.csv", _insert(_csv(GOOD), 7, b'"a "quote" inside",1'), LINE_7, "check the quotes"),
    BadFile("a.jsonl", _jsonl(_rows(drop="label")), LINE_7, "label"),
    BadFile("a.jsonl", _jsonl(_rows(drop="text")), LINE_7, "remove or fill"),
    BadFile("a.jsonl", _insert(_jsonl(GOOD), 7, b'{"text": "broken'), LINE_7, "one object per line"),
    BadFile("a.jsonl", _insert(_jsonl(GOOD), 7, b"[1, 2]"), LINE_7, "not an object"),
    BadFile("a.jsonl", _insert(_jsonl(GOOD), 7, b'{"text": "x", "label": NaN}'), LINE_7, "no label"),
    BadFile(
        "a.jsonl",
        _insert(_jsonl(GOOD), 7, b'{"text": "x", "label": 1, "label": 0}'),
        LINE_7,
        "two keys are called label",
    ),
    BadFile("a.jsonl", _insert(_jsonl(GOOD), 7, b"[" * 100_000), LINE_7, "one object per line"),
    BadFile("a.jsonl", _insert(_jsonl(GOOD), 7, b"\0\0\0"), LINE_7, "one object per line"),
    BadFile("a.json", json.dumps([*GOOD, 3]).encode(), "row 61", "not an object"),
    BadFile("a.json", json.dumps(GOOD).encode()[:-20], "", "not JSON"),
    BadFile("a.parquet", _parquet(GOOD)[:-100], "", "copy it again"),
    BadFile("a.parquet", _parquet(GOOD)[:50], "", "copy it again"),
    BadFile("a.parquet", b"no parquet at all", "", "copy it again"),
    BadFile("a.parquet", lambda: _parquet(_rows({"text": None})), ROW_7, "remove or fill"),
    BadFile("a.parquet", lambda: _parquet(_rows({"label": None})), ROW_7, "no label; remove or fill"),
    BadFile("a.parquet", _csv(GOOD), "", "copy it again"),
    BadFile("a.txt", b"good\nbad\n", "", "no labels; begin each line with __label__"),
    BadFile("a.doc", _csv(GOOD), "", "rename"),
    BadFile("a.xlsx", _csv(GOOD), "", "save it"),
    BadFile("a.csv.gz", gzip.compress(_csv(GOOD))[:-20], "", "copy it again"),
    BadFile("a.jsonl", _jsonl([row | {"label": 1} for row in GOOD]), "", "one class only"),
    BadFile("a.jsonl", _jsonl(GOOD[:1]), "", "one class only"),
)
GOOD_FILES = (
    ("bom.csv", b"\xef\xbb\xbf" + _csv(GOOD)),
    ("case.csv", _csv(GOOD, "Review,Sentiment")),
    ("crlf.csv", _csv(GOOD).replace(b"\n", b"\r\n")),
    ("no-end.csv", _csv(GOOD)[:-1]),
    ("blank.csv", _csv(GOOD).replace(b"\n", b"\n\n")),
    ("bom.jsonl", b"\xef\xbb\xbf" + _jsonl(GOOD)),
    ("crlf.jsonl", _jsonl(GOOD).replace(b"\n", b"\r\n")),
    ("blank.jsonl", _jsonl(GOOD).replace(b"\n", b"\n\n")),
    ("nul.csv", _csv(_rows({"text": "a\0b"}))),
    ("utf16.csv", _csv(GOOD).decode().encode("utf-16")),
    ("cp1252.csv", _csv(_rows({"text": "café"})).decode().encode("cp1252")),
    ("semicolons.csv", _csv(GOOD).replace(b",", b";")),
    ("commas.tsv", _csv(GOOD)),
    ("packed.csv.gz", gzip.compress(_csv(GOOD))),
    ("list.json", json.dumps(GOOD).encode()),
    ("whole.parquet", _parquet(GOOD)),
)
FOLDERS = ("empty", "folder.csv", "only-notes", "twice")
FIRST_BOMB = len(BAD_FILES) + len(GOOD_FILES) + len(FOLDERS)
DATA_TRIALS = FIRST_BOMB + len(BOMBS)


def read_bad_files(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Check that a bad file is refused with name, row and remedy, and that an odd good one gives all rows.

    A small one that takes much memory is refused or read within its budget.
    """
    bench = Bench(folder / "bench")
    cases: list[Any] = [*BAD_FILES, *GOOD_FILES, *FOLDERS, *BOMBS]

    def trial(number: int, generator: random.Random, place: Path) -> None:
        case = cases[number]
        if isinstance(case, str):
            _refuse(
                bench, _make_folder(place, case), BadFile(case, b"", "", "holds no|files are called"), place
            )
        elif isinstance(case, Bomb):
            set_off(bench, case, place)
        elif isinstance(case, BadFile):
            content = case.content() if callable(case.content) else case.content
            (place / case.name).write_bytes(content)
            _refuse(bench, place / case.name, case, place)
        else:
            name, content = case
            (place / name).write_bytes(content)
            ended = _prepare(bench, place / name, place)
            ended.assert_code(0)
            splits = json.loads(ended.out)["splits"]
            assert sum(split["reviews"] for split in splits) == len(GOOD), f"{name}: rows were dropped"

    outcome = repeat(trial, [number for number in trials if number < len(cases)], seed, folder)
    outcome.notes.append(
        f"{len(BAD_FILES) + len(FOLDERS)} bad sources, {len(GOOD_FILES)} odd but good ones, "
        f"{len(BOMBS)} small ones that take much memory"
    )
    return outcome


def _prepare(bench: Bench, source: Path, place: Path) -> Any:
    return bench.fork("prepare", bench.recipe, "--data", source, "--json", output=place / "output").wait()


def _refuse(bench: Bench, source: Path, case: BadFile, place: Path) -> None:
    ended = _prepare(bench, source, place)
    ended.assert_code(3)
    message = ended.error
    # A split of one class only is found after the file has been read, so the message names the split.
    assert str(source) in message or "one class only" in message, f"{case.name} is not named: {message}"
    for what, pattern in (("place", case.place), ("remedy", case.remedy)):
        assert re.search(pattern, message), f"{case.name}: no {what} {pattern!r} in {message}"


def _make_folder(place: Path, case: str) -> Path:
    folder = place / case
    folder.mkdir()
    if case == "only-notes":
        (folder / "README.md").write_text("nothing here")
    if case == "twice":
        for name in ("train.csv", "train.jsonl"):
            (folder / name).write_bytes(_csv(GOOD) if name.endswith("csv") else _jsonl(GOOD))
    return folder


# --- 14: bad configurations ----------------------------------------------------------------------------

Request = tuple[list[str], int, list[str]]
"""Arguments of `train`, the exit code, and what the error must contain."""


def _set(*changes: str) -> list[str]:
    return [part for change in changes for part in ("--set", change)]


REQUESTS: tuple[Request, ...] = (
    (_set("training.epoch=3"), 2, ["training.epoch is unknown", "training.epochs"]),
    (_set("training.learningrate=3"), 2, ["training.learning_rate"]),
    (_set("train.epochs=3"), 2, ["train is unknown", "training"]),
    (_set("batch.tokens=5"), 2, ["batch is unknown", "batches"]),
    (_set("model.hiden=5"), 2, ["model.hidden"]),
    (_set("hidden=5"), 2, ["model.hidden"]),
    (_set("text.heads=5"), 2, ["text.head"]),
    (_set("xyzzy=5"), 2, ["xyzzy is unknown", "valid here"]),
    (_set("seed=-1"), 2, ["seed"]),
    (_set("seed=2147483648"), 2, ["seed"]),
    (_set("seed=1.5"), 2, ["seed", "integer"]),
    (_set("training.epochs=0"), 2, ["training.epochs"]),
    (_set("training.epochs='three'"), 2, ["training.epochs", "integer"]),
    (_set("training.epochs=true"), 2, ["training.epochs"]),
    (_set("training.epochs=3.0"), 2, ["training.epochs"]),
    (_set("training.learning_rate=nan"), 2, ["training.learning_rate"]),
    (_set("training.learning_rate=inf"), 2, ["training.learning_rate"]),
    (_set("training.learning_rate=0"), 2, ["training.learning_rate"]),
    (_set("training.warmup=1"), 2, ["training.warmup"]),
    (_set("training.average=1.0"), 2, ["training.average"]),
    (_set("training.members=17"), 2, ["training.members"]),
    (_set("training=5"), 2, ["training"]),
    (_set("model.dropout=1"), 2, ["model.dropout"]),
    (_set("model.layers=0"), 2, ["model.layers"]),
    (_set("model.encoder=stakced"), 2, ["model.encoder", "stacked"]),
    (_set("model.readout=3"), 2, ["model.readout"]),
    (_set("model.channels=['form','form']"), 2, ["channel"]),
    (_set("model.bidirectional=1"), 2, ["model.bidirectional"]),
    (_set("model.merge=sum", "model.bidirectional=false"), 2, ["merge"]),
    (_set("batches.tokens=-5"), 2, ["batches.tokens"]),
    (_set("vocabulary.size=0"), 2, ["vocabulary.size"]),
    (_set("data.validation=some"), 2, ["data.validation", "group"]),
    (_set("data.validation_share=1.0"), 2, ["data.validation_share"]),
    (_set("pretraining.epochs=1", "model.layers=2"), 2, ["pretraining.epochs", "model.layers=1"]),
    (
        _set("training.epoch=3", "model.hidden=-1", "batch.tokens=5", "nonsense"),
        2,
        ["training.epochs", "model.hidden", "batches", "nonsense"],
    ),
    (_set("training"), 2, ["section.key=value"]),
    (_set("seed.deep=1"), 2, ["seed"]),
    (_set("=3"), 2, ["section.key=value"]),
    (["--device", "cuda:7"], 4, ["cuda:7", "--device"]),
    (["--device", "mps"], 4, ["MPS"]),
    (["--device", "abacus"], 2, ["machine.device"]),
    (_set("machine.precision=bfloat16"), 4, ["bfloat16"]),
    (_set("machine.precision=float16"), 2, ["machine.precision"]),
    (["--threads", "0"], 2, ["threads"]),
    (["--threads", "many"], 2, ["threads"]),
    (["--data", "nowhere/at/all"], 3, ["nowhere/at/all"]),
    (["--resume", "--force"], 2, ["--resume"]),
    (["--no-such-option"], 2, ["--no-such-option"]),
    (["another.toml"], 2, ["another.toml"]),
)


def refuse_bad_requests(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Check that all mistakes are in one line with the nearest valid name, and no run folder is left."""
    bench = Bench(folder / "bench")

    def trial(number: int, generator: random.Random, place: Path) -> None:
        arguments, code, words = REQUESTS[number]
        run = place / "run"
        ended = bench.fork("train", bench.recipe, "--run", run, *arguments, output=place / "output").wait()
        ended.assert_code(code)
        for word in words:
            assert word in ended.error, f"{arguments}: no {word!r} in {ended.error}"
        assert ended.out == "" and not (run / "checkpoints").exists()

    return repeat(trial, [number for number in trials if number < len(REQUESTS)], seed, folder)

"""Trials of campaign 18: names and values of strangers that are printed, alone and in commands to type."""

import json
import os
import shutil
import signal
import subprocess
import unicodedata
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from sentiment.runs import RunFolder
from sentiment.system import storage

from .bench import Bench

Check = Callable[[Bench, Path], None]
"""One trial: gets the bench and an empty folder. Raises if a promise is broken."""


# --- 10: escape sequences ------------------------------------------------------------------------------

EVIL = "x\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\nerror: forged"
DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
Arrange = Callable[[Bench, Path], tuple[int, list[object]]]
"""Writes hostile files; returns the exit code that is expected and the command."""


def _print_safely(arrange: Arrange, bench: Bench, place: Path) -> None:
    """Check that a command prints the hostile name, and no character that controls a terminal."""
    code, arguments = arrange(bench, place)
    ended = bench.fork(*arguments, output=place / "output").wait()
    printed = ended.out + ended.err
    unsafe = {
        one
        for one in printed
        if one not in "\t\n"
        and (unicodedata.category(one) == "Cc" or unicodedata.bidirectional(one) in DIRECTIONS)
    }
    assert not unsafe, f"raw characters: {unsafe}"
    assert "\nerror: forged" not in printed, "a line was forged"
    ended.assert_code(code)
    assert "owned" in printed, f"not named: {printed}"


def _quote(rows: Sequence[Sequence[str]], path: Path) -> Path:
    path.write_text("".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows), encoding="utf-8")
    return path


def _name_of_file(bench: Bench, place: Path) -> tuple[int, list[object]]:
    path = shutil.copy(bench.folder / "reviews.jsonl", place / f"{EVIL}.jsonl")
    return 0, ["eval", bench.whole, "--data", path]


def _missing_file(bench: Bench, place: Path) -> tuple[int, list[object]]:
    return 3, ["--debug", "eval", bench.whole, "--data", place / f"{EVIL}.csv"]


def _column(bench: Bench, place: Path) -> tuple[int, list[object]]:
    rows = [["id", EVIL], *([f"{number}", "a fine film"] for number in range(9))]
    return 3, ["prepare", "--data", _quote(rows, place / "a.csv")]


def _label(bench: Bench, place: Path) -> tuple[int, list[object]]:
    rows = [["text", "label"], ["a fine film", EVIL], ["a dull film", "good"]]
    return 3, ["prepare", "--data", _quote(rows, place / "a.csv")]


def _class_names(bench: Bench, place: Path) -> tuple[int, list[object]]:
    names = {"names": [EVIL, "positive", "other"], "_type": "ClassLabel"}
    table = pyarrow.table({"text": ["a fine film", "a dull film"], "label": [0, 1]})
    metadata = {"huggingface": json.dumps({"info": {"features": {"label": names}}})}
    pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), place / "a.parquet")
    return 3, ["eval", bench.whole, "--data", place / "a.parquet"]


def _class(bench: Bench, place: Path) -> tuple[int, list[object]]:
    run = shutil.copytree(bench.whole, place / "run")
    facts = json.loads((run / "run.json").read_text())
    facts["data"]["class_names"] = [EVIL, "positive"]
    (run / "run.json").write_bytes(storage.dump_json(facts))
    storage.write_manifest(run)
    return 0, ["predict", "--run", run, "--threshold", "1", "--explain", "an awful film"]


def _name_of_run(bench: Bench, place: Path) -> tuple[int, list[object]]:
    run = shutil.copytree(bench.whole, place / EVIL)
    return 0, ["eval", run, "--split", "validation"]


def _summary(bench: Bench, place: Path) -> tuple[int, list[object]]:
    return 0, ["train", bench.recipe, "--run", place / EVIL]


def _manifest(bench: Bench, place: Path) -> tuple[int, list[object]]:
    run = shutil.copytree(bench.whole, place / "run")
    entries = json.loads((run / "manifest.json").read_text())["files"] | {EVIL: {}}
    (run / "manifest.json").write_bytes(storage.dump_json({"files": entries}))
    return 3, ["predict", "--run", run, "good"]


def _version(bench: Bench, place: Path) -> tuple[int, list[object]]:
    run = bench.stopped(place / "run")
    facts = json.loads((run / "run.json").read_text())
    facts["versions"]["torch"] = EVIL
    (run / "run.json").write_bytes(storage.dump_json(facts))
    with (run / "vocabulary.txt").open("a") as file:
        file.write("more\t1\n")
    return 3, ["train", "--resume", "--run", run]


def _key(bench: Bench, place: Path) -> tuple[int, list[object]]:
    (place / "a.toml").write_text(f"{json.dumps(EVIL)} = 1\n")
    return 2, ["train", place / "a.toml"]


def _option(bench: Bench, place: Path) -> tuple[int, list[object]]:
    return 2, ["prepare", "--data", bench.folder / "reviews.jsonl", "--classes", EVIL]


ESCAPES: list[tuple[int, str, Check]] = [
    (10, f"an escape sequence in {name}", partial(_print_safely, arrange))
    for name, arrange in {
        "the name of a file": _name_of_file,
        "a missing file, --debug": _missing_file,
        "a column": _column,
        "a label": _label,
        "class names of parquet": _class_names,
        "a class of a run": _class,
        "the name of a run": _name_of_run,
        "the summary of a training": _summary,
        "a manifest": _manifest,
        "a version": _version,
        "a configuration": _key,
        "an option": _option,
    }.items()
]


# --- 17: commands that can be pasted -------------------------------------------------------------------


def _paste(name: bytes, by_signal: bool, bench: Bench, place: Path) -> None:
    """Give the command that is printed for a stopped run to a shell: it resumes the run to the same bytes."""
    run = Path(os.fsdecode(os.path.join(os.fsencode(place), name)))  # noqa: PTH118
    if by_signal:
        ended = bench.fork(
            "train", bench.recipe, "--run", run, output=place / "output", before=_stop_at_a_step
        ).wait()
        ended.assert_code(143)
        command = ended.err.partition("to resume: ")[2]
    else:
        bench.stopped(run)
        ended = bench.fork("predict", "--run", run, "good", output=place / "output").wait()
        ended.assert_code(3)
        command = ended.error.partition("to resume it: ")[2]
    script = "sentiment() { printf '%s\\0' \"$@\"; }; " + command
    shell = subprocess.run(["sh", "-c", script], capture_output=True, check=False)
    assert shell.returncode == 0 and not shell.stderr, f"sh cannot read {command!r}: {shell.stderr!r}"
    arguments = [os.fsdecode(argument) for argument in shell.stdout.split(b"\0")[:-1]]
    bench.fork(*arguments, output=place / "resumed").wait().assert_code(0)
    bench.assert_same_result(run)


def _stop_at_a_step() -> None:
    original, calls = RunFolder.append_metrics, [0]

    def call(*arguments: Any) -> int:
        calls[0] += 1
        if calls[0] == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments)

    setattr(RunFolder, "append_metrics", call)  # noqa: B010


NAMES = {
    "not UTF-8": b"not \xff\xfe UTF-8",
    "spaces and quotes": b'two  spaces, it\'s "quoted" $(x) `y` \\n %s',
    "a line break": b"a\nb\n",
    "a leading dash": b"-dash",
    "escape sequences": b"\x1b[31m\x07\xe2\x80\xae",
}
PASTE: list[tuple[int, str, Check]] = [
    (17, f"{name}, {'stopped' if by_signal else 'unfinished'}", partial(_paste, content, by_signal))
    for name, content in NAMES.items()
    for by_signal in (False, True)
]

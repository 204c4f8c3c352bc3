"""Campaign 21: tables in and out: killed, failing and full disks, one file for both, and pipes that pause."""

import json
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO

import pyarrow
import pyarrow.parquet

from sentiment.system import unfinished

from .bench import FILLER, Bench, leftovers
from .calls import count_calls, die_at_call
from .children import Child, Ended
from .faults import KILLED, MANNERS, Faults, fail_reads, read_log
from .frame import Case, Outcome, repeat_cases
from .namespaces import in_namespace, mount_tmpfs

ENDINGS = (".csv", ".jsonl", ".parquet")
ROWS = 4_200  # two pieces of a table
SEPARATORS = {".csv": b",", ".jsonl": b'", "label"'}  # what comes after the text
OLD = b"what was there before\n"
KILLS = 10  # of each ending
OPENINGS = 6  # a table is opened so often at most
POINTS = {
    ".csv": 6,
    ".jsonl": 6,
    ".parquet": 40,
}  # calls that write a table; the release of pyarrow may matter
DISKS = (0.1, 0.4, 0.8)  # the room for the new table, as a share of it
MANY, FEW = 100_000, 10_000  # lines through a pipe
GROWTH = 32 * 2**20  # bytes; the texts alone have twice as many
ANSWER = 20.0  # seconds in which a line of a pipe is answered


class TableBench:
    """A run, and a table of each ending with the bytes that predicting it writes."""

    def __init__(self, folder: Path) -> None:
        """Train a run. The tables are written when they are needed."""
        self.bench = Bench(folder)
        self.run = self.bench.whole
        self._results: dict[str, bytes] = {}
        self._calls: dict[str, int] = {}

    def table(self, ending: str) -> Path:
        """Return the table with this ending, every 50th of whose rows has no word."""
        path = self.bench.folder / f"table{ending}"
        if not path.exists():
            write_table(path)
        return path

    def predict(self, ending: str, out: Path, before: Callable[[], None] | None = None) -> Ended:
        """Predict the table with this ending, and write it to `out`."""
        arguments = ["predict", "--run", self.run, "--threads", 1, "--file", self.table(ending)]
        output = self.bench.folder / "output"
        return self.bench.fork(*arguments, "--out", out, "--force", output=output, before=before).wait()

    def result(self, ending: str) -> bytes:
        """Return the bytes that an undisturbed command writes."""
        if ending not in self._results:
            out, log = self.bench.folder / ending / f"out{ending}", self.bench.folder / "log"
            out.parent.mkdir()
            self.predict(ending, out, Faults(out.parent, log).install).assert_code(0)
            calls = len(read_log(log))
            assert calls == POINTS[ending], f"{calls} calls write a table; set POINTS"
            self._results[ending] = out.read_bytes()
        return self._results[ending]

    def calls(self, ending: str) -> int:
        """Return how many calls of Python functions a command makes."""
        if ending not in self._calls:
            run = partial(self.predict, ending, self.bench.folder / f"counted{ending}")
            self._calls[ending] = count_calls(lambda before: run(before=before), self.bench.folder / "calls")
        return self._calls[ending]

    def assert_old_or_new(self, ending: str, out: Path) -> None:
        """Fail unless the old table or the new one is at `out`."""
        found = out.read_bytes()
        assert found in (OLD, self.result(ending)), f"{len(found)} bytes, neither the old table nor the new"

    def assert_runs_again(self, ending: str, out: Path) -> None:
        """Fail unless the same command, later, writes the table and removes what was left of the first."""
        for path in out.parent.glob(".*.tmp"):
            long_ago = time.time() - 2 * unfinished.LEAST_AGE
            os.utime(path, (long_ago, long_ago))
        self.predict(ending, out).assert_code(0)
        assert out.read_bytes() == self.result(ending), "the second command writes other bytes"
        assert not leftovers(out.parent), f"left behind: {leftovers(out.parent)}"


def write_table(path: Path) -> None:
    """Write a table of short texts."""
    generator = random.Random(7)
    texts = ["<br />" if row % 50 == 49 else _text(generator) for row in range(ROWS)]
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.table({"text": texts}), path)
    elif path.suffix == ".csv":
        path.write_text("text\n" + "".join(f"{text}\n" for text in texts))
    else:
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))


def _text(generator: random.Random) -> str:
    return " ".join(generator.choices([*FILLER, "awful", "great"], k=generator.randint(1, 3)))


def write_tables(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Disturb `predict` between a table and a table, or between a pipe and its answers."""
    return repeat_cases(TableBench(folder / "bench"), CASES, trials, seed, folder)


# --- 1 to 3: killed, failing calls, full disks ---------------------------------------------------------


def _old_table(place: Path, ending: str) -> Path:
    out = place / f"out{ending}"
    out.write_bytes(OLD)
    return out


def _kill(tables: TableBench, generator: random.Random, place: Path, *, ending: str) -> None:
    """Kill at a random call of a Python function."""
    out = _old_table(place, ending)
    before = partial(die_at_call, generator.randrange(tables.calls(ending)))
    tables.predict(ending, out, before=before)
    tables.assert_old_or_new(ending, out)
    tables.assert_runs_again(ending, out)


def _fail(
    tables: TableBench, generator: random.Random, place: Path, *, ending: str, at: int, manner: str
) -> None:
    """Let a call that writes fail."""
    out = _old_table(place, ending)
    log = tables.bench.folder / f"{place.name}.log"
    ended = tables.predict(ending, out, Faults(place, log, at, manner).install)
    assert len(read_log(log)) > at, f"only {len(read_log(log))} calls write a table; set POINTS"
    tables.assert_old_or_new(ending, out)
    if manner == KILLED:
        ended.assert_code(-signal.SIGKILL)
        tables.assert_runs_again(ending, out)
    elif ended.code == 0:  # cleaning up may fail without harm
        assert out.read_bytes() == tables.result(ending), "it says that it wrote the table"
    else:
        ended.assert_code(4)
        assert str(out) in ended.error, ended.error
        assert not leftovers(place), f"left behind: {leftovers(place)}"


def _fill(tables: TableBench, generator: random.Random, place: Path, *, ending: str, share: float) -> None:
    """Write to a full disk."""
    size = 4 + int(len(tables.result(ending)) * share / 1024)

    def fill() -> None:
        disk = place / "disk"
        mount_tmpfs(disk, size)
        out = _old_table(disk, ending)
        ended = tables.predict(ending, out)
        ended.assert_code(4)
        assert "No space left" in ended.error and str(out) in ended.error, ended.error
        assert out.read_bytes() == OLD, "the old table is gone"
        assert not leftovers(disk), f"left behind: {leftovers(disk)}"

    in_namespace(fill, place / "namespace")


# --- 4: one file for both ------------------------------------------------------------------------------


def _write_over(
    tables: TableBench, generator: random.Random, place: Path, *, option: str, manner: str
) -> None:
    """Name the file that is read as the one to write."""
    source, target = place / "in.csv", place / "in.csv"
    content = b"text\n" + b"a great film\n" * 20
    source.write_bytes(content)
    if "link" in manner:
        target = place / "other.csv"
        target.hardlink_to(source) if manner == "hard link" else target.symlink_to(source)
    name, stdin = ("-", source) if manner == "stdin" else (source, Path(os.devnull))
    arguments = ["predict", "--run", tables.run, "--file", name, option, target, "--force"]
    ended = tables.bench.fork(*arguments, output=place / "output", stdin=stdin).wait()
    ended.assert_code(2)
    assert "is the file that is read" in ended.error, ended.error
    assert source.read_bytes() == content and target.read_bytes() == content, "the file has changed"


# --- 5: files that end too early -----------------------------------------------------------------------


def _break_off(tables: TableBench, generator: random.Random, place: Path, *, ending: str) -> None:
    """Cut the table at a random byte: the whole rows are predicted, or the old table stays."""
    content = tables.table(ending).read_bytes()
    source, out = place / f"cut{ending}", _old_table(place, ending)
    source.write_bytes(content[: generator.randrange(len(content) // 10, len(content) - 1)])
    arguments = ["predict", "--run", tables.run, "--threads", 1, "--file", source, "--out", out, "--force"]
    ended = tables.bench.fork(*arguments, output=place / "output").wait()
    assert not leftovers(place), f"left behind: {leftovers(place)}"
    if ending == ".parquet":
        ended.assert_code(3)
        assert str(source) in ended.error and out.read_bytes() == OLD, ended.error
        return
    ended.assert_code(0)
    *whole, rest = source.read_bytes().split(b"\n")
    found = out.read_bytes().splitlines()
    undisturbed = tables.result(ending).splitlines()
    for row, (line, other) in enumerate(zip(found[: len(whole)], undisturbed, strict=False), start=1):
        # The last digits of a probability depend on the batch.
        same = line.partition(SEPARATORS[ending])[0] == other.partition(SEPARATORS[ending])[0]
        assert same, f"line {row} is {line!r}, not {other!r}"
    assert len(found) == len(whole) + bool(rest), f"{len(found)} lines for {len(whole)} and {rest!r}"


def _fail_to_read(
    tables: TableBench, generator: random.Random, place: Path, *, ending: str, opening: int
) -> None:
    """Let a read fail in the middle of the table: the error names it, and the old table stays."""
    out, source = _old_table(place, ending), tables.table(ending)
    at = generator.randrange(source.stat().st_size)
    ended = tables.predict(ending, out, before=partial(fail_reads, source, at, opening))
    if ended.code == 0:  # it is not opened so often, or only its beginning is read then
        assert out.read_bytes() == tables.result(ending), "it says that it wrote the table"
        return
    ended.assert_code(3)
    assert f"cannot read {source}" in ended.error, ended.error
    assert out.read_bytes() == OLD and not leftovers(place), f"left behind: {leftovers(place)}"


# --- 6 and 7: pipes ------------------------------------------------------------------------------------


def _answer_lines(tables: TableBench, generator: random.Random, place: Path, *, strict: bool) -> None:
    """Send lines one by one: each is answered before the next is sent, also after an unusable one."""
    bad = generator.choice([b"", b" \t", b"caf\xe9", b"\xff\xfe\xfd", b"<br />"])
    lines = [_text(generator).encode() for _ in range(8)]
    at = generator.randrange(1, len(lines))
    lines[at] = bad
    child, pipe = _open_pipe(tables, place, *["--strict"] * strict)
    with pipe:
        for sent, line in enumerate(lines, start=1):
            pipe.write(line + b"\n")
            pipe.flush()
            if strict and sent == at + 1:
                break
            _wait_for_lines(child, place / "output.out", sent)
        if strict:  # the pipe is still open
            ended = child.wait(ANSWER)
    if strict:
        ended.assert_code(3)
        assert f"stdin, line {at + 1}: " in ended.error, ended.error
        assert len(ended.out.splitlines()) == at, f"{ended.out!r} is not what {at} lines are answered with"
        return
    ended = child.wait()
    ended.assert_code(0)
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert [row["label"] is None for row in found] == [row == at for row in range(len(lines))], ended.out
    assert found[at]["doubt"] and f"stdin, line {at + 1}: " in ended.err, ended.err


def _open_pipe(tables: TableBench, place: Path, *options: object) -> tuple[Child, IO[bytes]]:
    os.mkfifo(place / "pipe")
    arguments = ["predict", "--run", tables.run, "--threads", 1, "--file", "-", "--json", *options]
    child = tables.bench.fork(*arguments, output=place / "output", stdin=place / "pipe")
    return child, (place / "pipe").open("wb")


def _wait_for_lines(child: Child, output: Path, count: int) -> None:
    end = time.monotonic() + ANSWER
    while not output.exists() or output.read_bytes().count(b"\n") < count:
        assert not child.poll(), f"it ended after {count} lines"
        assert time.monotonic() < end, f"line {count} is not answered"
        time.sleep(0.005)


def _stream(tables: TableBench, generator: random.Random, place: Path) -> None:
    """Send many lines: memory does not depend on how many."""
    peaks = []
    for count in (FEW, MANY):
        inner = place / str(count)
        inner.mkdir()
        child, pipe = _open_pipe(tables, inner)
        with pipe:
            for first in range(0, count, 1_000):
                pipe.write(b"".join(_numbered_line(number) for number in range(first, first + 1_000)))
        ended = child.wait()
        ended.assert_code(0)
        assert ended.out.count("\n") == count, f"{ended.out.count(chr(10))} answers for {count} lines"
        peaks.append(ended.peak_bytes)
    assert peaks[1] - peaks[0] < GROWTH, f"{peaks[1] - peaks[0]:,} bytes more for {MANY:,} lines"


def _numbered_line(number: int) -> bytes:
    return f"the film number {number} was great {'and ' * (number % 30)}\n".encode()


MANNERS_OF_ONE = ("name", "hard link", "link", "stdin")
CASES: tuple[Case[TableBench], ...] = (
    *((1, partial(_kill, ending=ending)) for _ in range(KILLS) for ending in ENDINGS),
    *(
        (2, partial(_fail, ending=ending, at=at, manner=manner))
        for ending in ENDINGS
        for at in range(POINTS[ending])
        for manner in (MANNERS if POINTS[ending] < 10 else (KILLED, MANNERS[1 + at % 3]))
    ),
    *((3, partial(_fill, ending=ending, share=share)) for ending in ENDINGS for share in DISKS),
    *(
        (4, partial(_write_over, option=option, manner=manner))
        for option in ("--out", "--html")
        for manner in MANNERS_OF_ONE
    ),
    *((5, partial(_break_off, ending=ending)) for _ in range(4) for ending in ENDINGS),
    *(
        (6, partial(_fail_to_read, ending=ending, opening=opening))
        for ending in (".csv", ".jsonl")  # Python does not read the others
        for opening in range(OPENINGS)
    ),
    *((7, partial(_answer_lines, strict=strict)) for _ in range(5) for strict in (False, True)),
    *((8, _stream) for _ in range(2)),
)

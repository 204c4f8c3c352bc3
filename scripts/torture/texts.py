"""Campaigns 6 and 15: predict on any text, and write to pipes and disks that do not accept the answer."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import hypothesis
import hypothesis.strategies as st

from sentiment.errors import DataError
from sentiment.inference.predictor import Prediction, Predictor

from .bench import FILLER, Bench
from .children import ROOT, fork
from .frame import Outcome, Skipped, repeat

TOGETHER = 8  # the most texts that are predicted alone and in one batch
TOLERANCE = 1e-5
STREAM_TOKENS = 100_000
STREAM_GROWTH = 8 * 2**20  # bytes; the token strings alone would take some 10 MB in spaCy's table
STDIN_TRIALS = 40

KNOWN = [
    "",
    " \t\n",
    "<br /><br/>",
    "a\0film",
    "\0",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 great \U0001f3f3\ufe0f\u200d\U0001f308",
    "\u202e\u0645\u0631\u0627\u062c\u0639\u0629\u202c \u05e9\u05dc\u05d5\u05dd great",
    "\x01\x02\x1b[31m\x7f\x85\u2028great\u2029",
    "half \ud83d of a pair",
    "\udc00",
    "zyzzyva qwertz \u4e2d\u6587\u5b57",
    "<pad> <unk>",
    "x" * 100_000,
    "great-" * 20_000,
    "'" * 100_000,
    "(" * 100_000,
    "great " * 166_666 + "film",
    "great " * 166_666 + "awful",
    "a\u0301" * 5_000,
    "\ufeffgreat",
]


# --- 6: any text ---------------------------------------------------------------------------------------


def predict_any_text(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Predict texts: the first trials read stdin, one measures memory, the rest are known or drawn texts."""
    bench = Bench(folder / "bench")
    predictor = Predictor.load(bench.whole, device="cpu", threads=1)

    def trial(number: int, generator: random.Random, place: Path) -> None:
        if number < STDIN_TRIALS:
            _read_stdin(bench, number, generator, place)
        elif number == STDIN_TRIALS:
            _stream(predictor, place)
        elif number <= STDIN_TRIALS + len(KNOWN):
            check_together(predictor, [KNOWN[number - STDIN_TRIALS - 1], "a great film"])
        else:
            check_together(predictor, _texts(f"{seed} {number}"))

    return repeat(trial, trials, seed, folder)


def _texts(seed: str) -> list[str]:
    """Return texts drawn by hypothesis; the same seed gives the same texts."""
    drawn: list[list[str]] = []
    words = st.sampled_from([*FILLER, "great", "awful", "n't", "...", "<br />", "\U0001f600", "\u200d"])
    text = st.one_of(
        st.text(st.characters(codec=None, categories=None), max_size=60),
        st.lists(st.one_of(words, st.text(max_size=5)), max_size=200).map(" ".join),
    )

    @hypothesis.seed(random.Random(seed).getrandbits(64))
    @hypothesis.settings(
        max_examples=3,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(st.lists(text, min_size=1, max_size=TOGETHER))
    def draw(texts: list[str]) -> None:
        drawn.append(texts)

    draw()
    return drawn[-1]


def check_together(predictor: Predictor, texts: list[str]) -> None:
    """Check that each text gives a probability or an error with its number, alone and together."""
    alone: list[Prediction] = []
    readable = []
    for number, text in enumerate(texts, start=1):
        if _refusal(predictor, [text]):
            message = _refusal(predictor, ["great"] * (number - 1) + [text])
            assert message.startswith(f"review {number}: "), f"{text[:80]!r}: {message!r}"
        else:
            alone += predictor.predict([text])
            readable.append(text)
    for text, one, other in zip(readable, alone, predictor.predict(readable), strict=True):
        assert 0 <= one.probability <= 1, f"{text[:80]!r}: {one}"
        by_threshold = "positive" if one.probability > 0.5 else "negative"
        assert one.label in (by_threshold, "unreadable") and (one.label == by_threshold or one.doubt)
        moved = abs(one.probability - other.probability)
        assert moved <= TOLERANCE, f"{text[:80]!r}: {moved} between alone and together"
        assert one.tokens == other.tokens and one.unknown == other.unknown


def _refusal(predictor: Predictor, texts: list[str]) -> str:
    """Return the error that predicting ends with, or an empty string."""
    try:
        predictor.predict(texts)
    except DataError as error:
        return str(error)
    return ""


def _stream(predictor: Predictor, place: Path) -> None:
    """Check that memory does not grow over many different tokens."""

    def held() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stream() -> int:
        for start in (0, STREAM_TOKENS):
            if start:
                before = held()
            for first in range(start, start + STREAM_TOKENS, 500):
                predictor.predict([" ".join(f"w{number}" for number in range(first, first + 500))])
        print(held() - before)
        return 0

    ended = fork(stream, place / "stream").wait()
    ended.assert_code(0)
    assert int(ended.out) < STREAM_GROWTH, f"{int(ended.out):,} bytes more after {STREAM_TOKENS:,} tokens"


def _read_stdin(bench: Bench, number: int, generator: random.Random, place: Path) -> None:
    """Check that each line in gives a line out, one without an answer if it is bad; or one error names it."""
    lines = [" ".join(generator.choices(FILLER, k=generator.randint(1, 30))) for _ in range(30)]
    at = generator.randrange(1, len(lines))
    ending = generator.choice(["\n", "\r\n"])
    content = (ending.join(lines) + generator.choice(["", ending])).encode()
    code, named, is_strict = 0, "", generator.random() < 0.5
    bad = [b"caf\xe9", b"\xff\xfe\xfd", b"\xed\xa0\x80", b"", b" \t", b"<br />"]
    manner = number % 10
    if manner < len(bad):
        parts = content.split(ending.encode())
        parts[at] = bad[manner]
        content, code, named = ending.encode().join(parts), 3 * is_strict, f"stdin, line {at + 1}: "
    elif manner == 6:
        content, code, named = "\n".join(lines).encode("utf-16"), 3, "UTF-16"
    elif manner == 7:
        content = b"\xef\xbb\xbf" + content
    elif manner == 8:
        lines = [*lines, "great " * 200_000]
        content = "\n".join(lines).encode()
    (place / "stdin").write_bytes(content)
    arguments = ["predict", "--run", bench.whole, "--file", "-", "--json", *["--strict"] * is_strict]
    ended = bench.fork(*arguments, output=place / "output", stdin=place / "stdin").wait()
    ended.assert_code(code)
    if code:
        assert named in ended.error, f"{named!r} is not named in {ended.error}"
        return
    found = [json.loads(line)["probability"] for line in ended.out.splitlines()]
    assert len(found) == len(lines), f"{len(found)} lines for {len(lines)} reviews"
    if named:
        assert found.pop(at) is None and named in ended.err, f"{named!r} is not named in {ended.err}"
    assert all(0 <= probability <= 1 for probability in found)


# --- 15: pipes -----------------------------------------------------------------------------------------

PIPES = (
    ("predict {} --file many.txt | head -1", 0, 1),
    ("predict {} --file many.txt --json | head -c 10", 0, 1),
    ("predict {} --file many.txt | true", 0, 0),
    ("predict {} --file many.txt > /dev/full", 4, 0),
    ("predict {} great > /dev/full", 4, 0),
    ("predict {} --json great >&-", 4, 0),
    ("predict {} --file many.txt >&-", 4, 0),
    ("predict {} great 2>&-", 0, 1),
    ("predict {} '' 2>&-", 3, 0),
    ("predict {} great 2>/dev/full", 0, 1),
    ("predict {} --file nothing.txt 2>/dev/full", 3, 0),
    ("predict {} --file - <&-", 3, 0),
    ("predict {} --file - < /dev/null", 0, 0),
    ("eval {whole} --split validation | true", 0, 0),
    ("eval {whole} --split validation > /dev/full", 4, 0),
    ("inspect {whole} --text great | head -1", 0, 1),
    ("inspect {whole} --text great > /dev/full", 4, 0),
    ("prepare {recipe} | true", 0, 0),
    ("prepare {recipe} > /dev/full", 4, 0),
    ("--help | head -1", 0, 1),
    ("--help > /dev/full", 4, 0),
)


def break_pipes(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Check that a reader that leaves, a closed stdout or a full one gives an exit code and no traceback."""
    bench = Bench(folder / "bench")
    (folder / "many.txt").write_text("a great film\n" * 20_000)
    whole = bench.whole

    def trial(number: int, generator: random.Random, place: Path) -> None:
        command, code, lines = PIPES[number]
        if "/dev/full" in command and not Path("/dev/full").exists():
            raise Skipped("no /dev/full here")
        arguments = command.format(f"--run {whole} --threads 1", whole=whole, recipe=bench.recipe)
        # The exit code is that of the command, not of the program that reads its output.
        shell = f"set -o pipefail; {sys.executable} -m sentiment {arguments}"
        done = subprocess.run(
            ["bash", "-c", shell],
            cwd=folder,
            env=os.environ | bench.environment | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stderr and "Exception" not in done.stderr, f"{command}: {done.stderr}"
        assert "a bug of ours" not in done.stderr, f"{command}: {done.stderr}"
        assert done.returncode == code, f"{command}: {done.returncode} {done.stderr}"
        assert len(done.stdout.splitlines()) >= lines, f"{command}: no output"
        assert "error: " not in done.stdout, f"{command}: an error on stdout"

    return repeat(trial, [number for number in trials if number < len(PIPES)], seed, folder)

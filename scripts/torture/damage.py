"""Campaign 4: files that are damaged, cut short, removed or taken from another run."""

import random
import shutil
from collections.abc import Sequence
from pathlib import Path

from sentiment.errors import RunError
from sentiment.runs import RunFolder, read_run

from .bench import CHECKPOINT_FILES, Bench, newest
from .frame import Outcome, repeat

BY_COMMAND_ONE_IN = 20  # one trial in so many runs the command; the others call its functions
RUN_FILES = (
    "config.toml",
    "vocabulary.txt",
    "model.safetensors",
    "golden.json",
    "run.json",
    "metrics.jsonl",
    "manifest.json",
)


def damage_files(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Damage one file. A finished run is refused by file name; a stopped one goes back or is refused."""
    bench = Bench(folder / "bench")
    whole, other = bench.whole, bench.other

    def trial(number: int, generator: random.Random, place: Path) -> None:
        by_command = number % BY_COMMAND_ONE_IN == 0
        kind = generator.choice(["finished", "checkpoint", "checkpoint", "stopped"])
        if kind == "finished":
            run = shutil.copytree(whole, place / "run")
            file = run / generator.choice(RUN_FILES)
            manner = damage(file, other / file.name, generator)
            _check_finished(bench, run, file, manner, by_command=by_command)
        elif kind == "checkpoint":
            run = bench.stopped(place / "run")
            file = newest(run) / generator.choice(CHECKPOINT_FILES)
            manner = damage(file, newest(other) / file.name, generator)
            _check_checkpoint(bench, run, file, manner, by_command=by_command)
        else:
            run = bench.stopped(place / "run")
            file = run / generator.choice(["config.toml", "vocabulary.txt", "run.json", "metrics.jsonl"])
            manner = damage(file, other / file.name, generator)
            _check_stopped(bench, run, file, manner)

    return repeat(trial, trials, seed, folder)


def damage(file: Path, twin: Path, generator: random.Random) -> str:
    """Change a file and return how it was changed."""
    whole = file.read_bytes()
    size = len(whole)
    header = 8 + int.from_bytes(whole[:8], "little") if file.suffix == ".safetensors" else size // 2
    cuts = [0, 1, 8, header - 1, header + 1, size // 4, size // 2, size * 3 // 4, size - 1]
    manner = generator.choice(["flip", "flip", "cut", "cut", "add", "remove", "swap"])
    if manner == "swap" and twin.read_bytes() == whole:
        manner = "flip"
    if manner == "flip":
        position, bit = generator.randrange(size), generator.randrange(8)
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 1 << bit]) + whole[position + 1 :])
        return f"flipped bit {bit} of byte {position}"
    if manner == "cut":
        cut = min(generator.choice([*cuts, generator.randrange(size)]), size - 1)
        file.write_bytes(whole[:cut])
        return f"cut to {cut} of {size} bytes"
    if manner == "add":
        file.write_bytes(whole + generator.choice([b"\n", b" ", b"\0", b"x"]))
        return "a byte added"
    if manner == "remove":
        file.unlink()
        return "removed"
    shutil.copyfile(twin, file)
    return "another run's"


def _check_finished(bench: Bench, run: Path, file: Path, manner: str, *, by_command: bool) -> None:
    if by_command:
        ended = bench.fork("predict", "--run", run, "a great film", output=run.with_suffix(".x")).wait()
        ended.assert_code(3)
        message = ended.error
        child = bench.start_from(run, run.with_name("child"))
        child.assert_code(3)
        expected = message.replace("error: ", "error: start.run: ")
        assert child.error == expected, f"{file.name}, {manner}: --from says {child.error}, not {expected}"
    else:
        try:
            read_run(run)
        except RunError as error:
            message = str(error)
        else:
            raise AssertionError(f"{file.name}, {manner}: not noticed")
    # A run without a manifest looks unfinished.
    named = file.name in message or (manner == "removed" and "is not finished" in message)
    assert named, f"{file.name}, {manner}: not named in {message}"


def _check_checkpoint(bench: Bench, run: Path, file: Path, manner: str, *, by_command: bool) -> None:
    if by_command:
        _assert_warned(file, bench.assert_resumes(run).err.partition("warning: ")[2], manner)
        return
    warnings: list[str] = []
    checkpoint = RunFolder(run).newest_checkpoint(warnings.append)
    assert checkpoint is not None
    assert checkpoint.path == RunFolder(run).checkpoints()[-2], f"{file.name}, {manner}: not noticed"
    assert len(warnings) == 1, f"{file.name}, {manner}: {warnings}"
    _assert_warned(file, warnings[0], manner)


def _assert_warned(file: Path, warning: str, manner: str) -> None:
    """Check that the warning names both the file and its folder."""
    named = str(file.parent) in warning and file.name in warning
    assert named, f"{file.name}, {manner}: not named in {warning!r}"


def _check_stopped(bench: Bench, run: Path, file: Path, manner: str) -> None:
    """Check that the run is refused and the file named, or that it ends the same."""
    ended = bench.resume(run)
    if ended.code == 0:
        try:
            bench.assert_same_result(run)
        except AssertionError as error:
            raise AssertionError(f"{file.name}, {manner}: not noticed, and {error}") from None
        return
    ended.assert_code(3)
    assert file.name in ended.error, f"{file.name}, {manner}: not named in {ended.error}"

"""Campaign 18: folders, files and names of strangers; docs/reliability.md numbers the attacks."""

import json
import os
import random
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sentiment.runs import RunFolder
from sentiment.system import storage

from . import names, sources, vectors
from .bench import Bench, newest
from .children import Ended
from .frame import Outcome, count_rows, repeat
from .names import Check

SECONDS = 5.0


def meet_strangers(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Hand links, names and damage of strangers to commands: nothing of others is touched, all is named."""
    bench = Bench(folder / "bench")
    _ = bench.whole, bench.other  # not in the time of a trial

    def trial(number: int, generator: random.Random, place: Path) -> None:
        row, name, check = CASES[number]
        try:
            check(bench, place)
        except AssertionError as error:
            raise AssertionError(f"row {row}, {name}: {error}") from None

    made = [number for number in trials if number < len(CASES)]
    outcome = repeat(trial, made, seed, folder)
    outcome.notes.append(count_rows(CASES[number][0] for number in made))
    return outcome


# --- 1 to 3: links in a run folder ---------------------------------------------------------------------

Plant = Callable[[Path, Path], None]
"""Puts something into a run; it may point to the folder of somebody else."""


def _make_outside(place: Path) -> Path:
    outside = place / "outside"
    for name in (".theirs.tmp", "step-1"):
        (outside / name).mkdir(parents=True)
        (outside / name / "state.safetensors").write_bytes(b"mine")
    (outside / "thesis.txt").write_bytes(b"mine")
    return outside


def _content(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def _link(name: str, target: str, run: Path, outside: Path) -> None:
    path = run / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(outside / target)


def _link_before_the_first_step(name: str, target: str, run: Path, outside: Path) -> None:
    """Put a link into a run that has no checkpoint yet: nothing else would refuse it."""
    shutil.rmtree(run / "checkpoints")
    for file in ("run.json", "vocabulary.txt"):
        (run / file).unlink()
    _link(name, target, run, outside)


def _pipe(name: str, run: Path, outside: Path) -> None:
    (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)


def _refuse(name: str, plant: Plant, bench: Bench, place: Path) -> None:
    """Check that a stopped run with something planted is refused by its name, and nothing outside changes."""
    run, outside = bench.stopped(place / "run"), _make_outside(place)
    before = _content(outside)
    plant(run, outside)
    ended = bench.resume(run)
    assert _content(outside) == before, "something outside the run was changed"
    _assert_refused(ended, str(run / name))


def _assert_refused(ended: Ended, *words: str) -> None:
    ended.assert_code(3)
    assert ended.seconds < SECONDS, f"took {ended.seconds:.1f} s"
    for word in words:
        assert word in ended.error, f"{word} is not named in {ended.error}"


def _survive(plant: Plant, arguments: Sequence[str], bench: Bench, place: Path) -> None:
    """Check that a command ends well, as if nothing had been planted, and nothing outside changes."""
    finished = arguments[0] != "train"
    run = shutil.copytree(bench.whole, place / "run") if finished else bench.stopped(place / "run")
    outside = _make_outside(place)
    before = _content(outside)
    plant(run, outside)
    named = [str(run) if one == "RUN" else str(bench.recipe) if one == "RECIPE" else one for one in arguments]
    bench.fork(*named, output=place / "output").wait().assert_code(0)
    assert _content(outside) == before, "something outside the run was changed"
    if not finished:
        bench.assert_same_result(run)


def _appear(name: str, target: str, method: str, bench: Bench, place: Path) -> None:
    """Put a link into the run while it trains: it is refused, and without it the run ends as usual."""
    run, outside = place / "run", _make_outside(place)
    before = _content(outside)

    def plant() -> None:
        original, calls = getattr(RunFolder, method), [0]

        def call(*arguments: Any) -> Any:
            calls[0] += 1
            if calls[0] == 5:
                (run / name).rename(place / "aside")
                (run / name).symlink_to(outside / target)
            return original(*arguments)

        setattr(RunFolder, method, call)

    ended = bench.train(run, before=plant)
    assert _content(outside) == before, "something outside the run was changed"
    ended.assert_code(3)
    assert str(run / name) in ended.error, ended.error
    (run / name).unlink()
    (place / "aside").rename(run / name)
    bench.assert_resumes(run)


TENSORBOARD = ["train", "RECIPE", "--run", "RUN", "--force", "--set", "logging.tensorboard=true"]
RESUME = ["train", "--resume", "--run", "RUN"]
FORCE = ["train", "RECIPE", "--run", "RUN", "--force"]
KEEP = ["eval", "RUN", "--split", "validation", "--threshold", "0.4", "--keep"]
LINKS: list[tuple[int, str, Check]] = [
    (1, ".lock is a link", partial(_refuse, ".lock", partial(_link, ".lock", "thesis.txt"))),
    (1, ".lock is a dangling link", partial(_refuse, ".lock", partial(_link, ".lock", "new"))),
    (1, ".lock is a link to a device", partial(_refuse, ".lock", partial(_link, ".lock", "/dev/null"))),
    (1, ".lock is a pipe", partial(_refuse, ".lock", partial(_pipe, ".lock"))),
    (2, "checkpoints is a link", partial(_refuse, "checkpoints", partial(_link, "checkpoints", ""))),
    (2, "checkpoints dangles", partial(_refuse, "checkpoints", partial(_link, "checkpoints", "new"))),
    (2, "checkpoints is a link, --force", partial(_survive, partial(_link, "checkpoints", ""), FORCE)),
    (
        2,
        "an old checkpoint is a link",
        partial(_survive, partial(_link, "checkpoints/step-1", "step-1"), RESUME),
    ),
    (
        2,
        "a folder that was moved away is a link",
        partial(_survive, partial(_link, "checkpoints/.step-99.old.tmp", "step-1"), RESUME),
    ),
    (2, "a leftover is a link", partial(_survive, partial(_link, ".x.tmp", ""), RESUME)),
    (2, "checkpoints becomes a link", partial(_appear, "checkpoints", "", "save_checkpoint")),
    *(
        (
            3,
            f"metrics.jsonl is a link to {target}{when}",
            partial(_refuse, "metrics.jsonl", partial(plant, "metrics.jsonl", target)),
        )
        for target in ("new", "thesis.txt")
        for when, plant in (("", _link), (", no checkpoint", _link_before_the_first_step))
    ),
    (3, "metrics.jsonl is a pipe", partial(_refuse, "metrics.jsonl", partial(_pipe, "metrics.jsonl"))),
    (3, "metrics.jsonl becomes a link", partial(_appear, "metrics.jsonl", "new", "append_metrics")),
    (3, "tensorboard is a link", partial(_refuse, "tensorboard", partial(_link, "tensorboard", ""))),
    (3, "decision.json is a link", partial(_survive, partial(_link, "decision.json", "new"), KEEP)),
    (3, "report.html dangles", partial(_survive, partial(_link, "report.html", "new"), RESUME)),
    (3, "run.json is a link, --force", partial(_survive, partial(_link, "run.json", "thesis.txt"), FORCE)),
]


# --- 11: links at temporary names ----------------------------------------------------------------------


def _write_beside_links(
    arguments: Sequence[str], name: str, guessed: bool, bench: Bench, place: Path
) -> None:
    """Plant links at every name that can be guessed. With `guessed`, also at the one that is used."""
    outside = _make_outside(place)
    before = _content(outside)
    (place / "in.csv").write_text("text\na fine film\n")

    def plant() -> None:
        names = [f".{name}.{os.getpid()}.tmp", f"{name}.tmp", f".{name}.tmp"]
        if guessed:
            storage.secrets.token_hex = lambda size: "guessed"  # type: ignore[attr-defined]
            names.append(f".{name}.guessed.tmp")
        for planted in names:
            (place / planted).symlink_to(outside / "thesis.txt")

    named = [one.replace("RUN", str(bench.whole)).replace("PLACE", str(place)) for one in arguments]
    ended = bench.fork(*named, output=place / "output", before=plant).wait()
    assert _content(outside) == before, "a stranger's file was changed"
    ended.assert_code(*((3, 4) if guessed else (0,)))
    assert (place / name).is_file() != guessed, "the file was not written"


WRITERS = {
    "page.html": ["predict", "--run", "RUN", "a fine film", "--html", "PLACE/page.html"],
    "out.csv": ["predict", "--run", "RUN", "--file", "PLACE/in.csv", "--out", "PLACE/out.csv"],
    "errors.jsonl": ["eval", "RUN", "--split", "validation", "--errors", "PLACE/errors.jsonl"],
    "report.html": ["report", "RUN", "--split", "validation", "--out", "PLACE/report.html"],
}
TEMPORARY: list[tuple[int, str, Check]] = [
    (
        11,
        f"links beside {name}{', the name guessed' if guessed else ''}",
        partial(_write_beside_links, arguments, name, guessed),
    )
    for name, arguments in WRITERS.items()
    for guessed in (False, True)
]


# --- 12: a stopped run without a file of its start -----------------------------------------------------


def _resume_without(name: str, content: bytes | None, bench: Bench, place: Path) -> None:
    """Flip a label, and remove or replace files of the start, each named in the refusal."""
    own = Bench(place / "bench")
    shutil.copytree(bench.environment["XDG_CACHE_HOME"], own.environment["XDG_CACHE_HOME"])
    run = place / "run"
    own.train(run).assert_code(0)
    for file in ("manifest.json", "golden.json", "model.safetensors"):
        (run / file).unlink()
    shutil.rmtree(newest(run))
    rows = (own.folder / "reviews.jsonl").read_text().splitlines()
    first = json.loads(rows[0])
    rows[0] = json.dumps(first | {"label": 1 - first["label"]})
    (own.folder / "reviews.jsonl").write_text("\n".join([*rows, ""]))
    if content is None:
        (run / name).unlink()
    else:
        (run / name).write_bytes(content)
    _assert_refused(own.resume(run), name)


DAMAGE: list[tuple[int, str, Check]] = [
    (12, f"a label flipped, {name} {how}", partial(_resume_without, name, content))
    for name, how, content in (
        ("run.json", "removed", None),
        ("run.json", "emptied", b""),
        ("run.json", "without keys", b"{}\n"),
        ("run.json", "without hashes", b'{"versions": {}, "data": {"hash": "a"}}\n'),
        ("vocabulary.txt", "removed", None),
        ("config.toml", "removed", None),
        ("metrics.jsonl", "removed", None),
    )
]


CASES = [*LINKS, *names.ESCAPES, *TEMPORARY, *DAMAGE, *names.PASTE, *sources.OUTSIDE, *vectors.CACHES]

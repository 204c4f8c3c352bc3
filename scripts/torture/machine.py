"""Campaigns 8, 10 and 11: full disks, places that cannot be written, and too little memory."""

import codecs
import os
import random
import resource
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from sentiment.data import token_cache

from .bench import Bench, leftovers, newest_whole
from .children import start_command
from .frame import Outcome, Skipped, repeat
from .namespaces import enlarge, in_namespace, make_read_only, mount_tmpfs

ROOM = 64 * 1024  # kilobytes, enough for everything here
NOBODY = 65534


# --- 8: full disks -------------------------------------------------------------------------------------

SIZES = 12
FULL = (*(f"run in {twelfth + 1}/12 of its room" for twelfth in range(SIZES)), "cache", "stderr", "stdout")


def fill_disks(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Fill a disk: exit 4, a complete last checkpoint, nothing half written, and resume with more room."""
    bench = Bench(folder / "bench")
    blocks = sum(-(-file.stat().st_size // 4096) + 1 for file in bench.whole.rglob("*"))
    needed = 4 * (blocks + 8)  # kilobytes; a new file is written next to the old one

    def trial(number: int, generator: random.Random, place: Path) -> None:
        if FULL[number].startswith("run"):
            size = needed * (number + 1) // SIZES
            in_namespace(partial(_fill_run, bench, place, size), place / "namespace")
        elif FULL[number] == "cache":
            in_namespace(partial(_fill_cache, bench, place), place / "namespace")
        else:
            _fill_output(bench, place, FULL[number])

    return repeat(trial, [number for number in trials if number < len(FULL)], seed, folder)


def _fill_run(bench: Bench, place: Path, size: int) -> None:
    disk = place / "disk"
    mount_tmpfs(disk, size)
    run = disk / "run"
    ended = bench.fork("train", bench.recipe, "--run", run, output=place / "train").wait()
    if ended.code == 0:
        return bench.assert_same_result(run)
    ended.assert_code(4)
    whole = newest_whole(run)
    assert "No space left" in ended.error and str(run) in ended.error, ended.error
    assert whole is None or str(whole) in ended.error, f"does not name {whole}: {ended.error}"
    assert not leftovers(run), f"left behind: {leftovers(run)}"
    enlarge(disk, ROOM)
    command = ["--resume"] if (run / "config.toml").exists() else [bench.recipe]
    bench.fork("train", *command, "--run", run, output=place / "resume").wait().assert_code(0)
    return bench.assert_same_result(run)


def _fill_cache(bench: Bench, place: Path) -> None:
    caches = place / "caches"
    mount_tmpfs(caches, 8)
    bench.environment["XDG_CACHE_HOME"] = str(caches)  # in this process only
    ended = bench.train(place / "run")
    ended.assert_code(4)
    full = "No space left" in ended.error or "is the disk full?" in ended.error
    assert full and str(caches) in ended.error, ended.error
    assert not leftovers(caches), f"left behind: {leftovers(caches)}"
    enlarge(caches, ROOM)
    bench.assert_resumes(place / "run")


def _fill_output(bench: Bench, place: Path, stream: str) -> None:
    if not Path("/dev/full").exists():
        raise Skipped("no /dev/full here")

    def before() -> None:
        os.dup2(os.open("/dev/full", os.O_WRONLY), 2 if stream == "stderr" else 1)

    run = place / "run"
    ended = bench.train(run, before=before)
    ended.assert_code(4)
    if stream == "stdout":  # the summary is the last output; everything else is done
        assert "cannot write the output" in ended.error
    else:
        newest_whole(run)
    bench.assert_resumes(run) if stream == "stderr" else bench.assert_same_result(run)


# --- 10: places that cannot be written -----------------------------------------------------------------

PLACES = (
    "file for a parent",
    "read-only mount",
    "another user's",
    "cache: file",
    "cache: mount",
    "cache: user",
)


def refuse_places(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Check that a run folder or cache that cannot be written is refused before tokenizing."""
    bench = Bench(folder / "bench")

    def trial(number: int, generator: random.Random, place: Path) -> None:
        _make_reachable(place)
        target = place / "target"
        target.mkdir()
        if PLACES[number] in ("read-only mount", "cache: mount"):
            in_namespace(partial(_refuse_read_only, bench, target, number), place / "namespace")
        elif PLACES[number] in ("another user's", "cache: user"):
            if os.geteuid() != 0:
                raise Skipped("only root can become another user")
            _refuse_place(bench, target, number, _become_nobody)
        else:
            target.rmdir()
            target.write_text("a file")
            _refuse_place(bench, target, number)

    return repeat(trial, [number for number in trials if number < len(PLACES)], seed, folder)


def _refuse_read_only(bench: Bench, target: Path, number: int) -> None:
    mount_tmpfs(target, ROOM)
    make_read_only(target)
    _refuse_place(bench, target, number)


def _refuse_place(bench: Bench, target: Path, number: int, become: Callable[[], None] = lambda: None) -> None:
    run, cache = target / "run", target.parent / "cache"
    if PLACES[number].startswith("cache"):
        run, cache = target.parent / "run", target
        run.parent.chmod(0o777)

    def before() -> None:
        codecs.lookup("utf-8-sig")  # the other user may not be able to read Python's modules
        os.environ["XDG_CACHE_HOME"] = str(cache)
        setattr(token_cache, "tokenize_chunks", _tokenized)  # noqa: B010
        become()

    ended = bench.fork(
        "train", bench.recipe, "--run", run, output=target.parent / "output", before=before
    ).wait()
    ended.assert_code(4)
    assert str(target) in ended.error, f"{PLACES[number]}: not named in {ended.error}"


def _tokenized(*arguments: object) -> None:
    raise ZeroDivisionError("tokenizing began")


def _make_reachable(place: Path) -> None:
    """Let another user reach this folder; only the target itself must refuse."""
    for folder in (place, *place.parents):
        if folder.stat().st_uid == os.geteuid() and folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(folder.stat().st_mode | 0o055)


def _become_nobody() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


# --- 11: too little memory -----------------------------------------------------------------------------

LEVELS = 20
LEAST, MOST = 100, 3_000  # megabytes of address space


def limit_memory(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Limit memory, from too little for the imports to enough: it works, or ends with one line and exit 4."""
    bench = Bench(folder / "bench")
    codes: list[int] = []

    def trial(number: int, generator: random.Random, place: Path) -> None:
        megabytes = LEAST + (MOST - LEAST) * number // (LEVELS - 1)

        def before() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20, megabytes * 2**20))

        run = place / "run"
        arguments = ["train", str(bench.recipe), "--run", str(run)]
        ended = start_command(arguments, place / "output", bench.environment, before=before).wait()
        codes.append(ended.code)
        if ended.code == 0:
            bench.assert_same_result(run)
            return
        ended.assert_code(4)
        assert ended.error
        newest_whole(run)
        bench.assert_resumes(run)

    outcome = repeat(trial, [number for number in trials if number < LEVELS], seed, folder)
    outcome.notes.append(f"{codes.count(0)} levels were enough")
    return outcome

"""Campaign 17: break the code behind a promise, and check that the campaign of that promise fails."""

import os
import random
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import torch

from sentiment.config import shell
from sentiment.data import vector_cache
from sentiment.data.sources import class_folders, folders, listing, saved_datasets
from sentiment.data.sources.budget import Budget
from sentiment.data.sources.datasets_adapter import table_of_dataset
from sentiment.inference import reading
from sentiment.inference import tables as predicted_tables
from sentiment.inference.pipes import PipeLines
from sentiment.runs import folder as run_folder
from sentiment.runs import start
from sentiment.system import console, held_folder, storage
from sentiment.system.held_folder import HeldFolder
from sentiment.training import loop
from sentiment.training.optimizer import PlainAdamW
from sentiment.training.state import TrainingState

from . import crashes, damage, inputs, strangers, tables
from .children import fork
from .frame import Campaign, Outcome, find_trials, repeat

# Of the small files that take much memory, those that are refused for their bytes alone.
BOMBS_OF_BYTES = [inputs.FIRST_BOMB + number for number in (0, 2, 3, 5, 6)]
KILLS = range(1, 12, 2)  # the trials that fork: a new process would not have the broken code


def break_promises(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Fail if a campaign still passes although its promise is broken."""

    notes: list[str] = []

    def trial(number: int, generator: random.Random, place: Path) -> None:
        name, sabotage, campaign, numbers = CONTROLS[number]

        def action() -> int:
            sabotage()
            (place / "work").mkdir()
            return campaign(numbers, seed, place / "work").failures

        ended = fork(action, place / "output").wait(patience=300)
        notes.append(f"{name}: {ended.code} of {len(numbers)} trials fail")
        assert ended.code != 0, f"{name} is broken and no trial fails"
        assert 0 < ended.code <= len(numbers), f"{name}: {ended.err}"

    outcome = repeat(trial, [number for number in trials if number < len(CONTROLS)], seed, folder)
    outcome.notes += notes
    return outcome


# --- each is for a child process, because nothing restores the functions -------------------------------


def _draw_on() -> None:
    """Make random numbers follow from the state of the process, not from seed and step."""
    original = torch.manual_seed

    def manual_seed(seed: int) -> Any:
        in_a_step = sys._getframe(1).f_globals["__name__"] == loop.__name__
        return None if in_a_step else original(seed)

    setattr(torch, "manual_seed", manual_seed)  # noqa: B010


def _forget_optimizer() -> None:
    """Make the optimizer start from zero when a run is resumed."""
    setattr(PlainAdamW, "load_state_dict", lambda self, state: None)  # noqa: B010


def _count_schedule_from_start() -> None:
    """Make the learning rate follow from the steps of this process, not of the run."""
    original, first = loop.learning_rate_factor, [-1.0]

    def factor(done: float, warmup: float) -> float:
        if first[0] < 0:
            first[0] = done
        return original(done - first[0], warmup)

    loop.learning_rate_factor = factor


def _forget_cursor() -> None:
    """Make a resumed run start its epoch again."""
    original = TrainingState.restore

    def restore(*arguments: Any, **saved: Any) -> TrainingState:
        state = original(*arguments, **saved)
        state.progress.position = 0
        return state

    setattr(TrainingState, "restore", restore)  # noqa: B010


def _trust_files() -> None:
    """Read files without checking them against the manifest."""

    def read(
        folder: Path, name: str, entries: Mapping[str, Any], error_type: Any, follow_links: bool = False
    ) -> bytes:
        return storage.read_bytes(folder / name, error_type, follow_links)

    storage.read_verified = read


def _sync_no_file() -> None:
    """Rename a checkpoint before its files are on the disk."""
    storage.sync_file = lambda folder, name: None


def _follow_links() -> None:
    """Write into a run without looking for links."""
    setattr(os, "O_NOFOLLOW", 0)  # noqa: B010
    setattr(HeldFolder, "_mode", lambda self, name: _mode_of_target(self, name))  # noqa: B010
    for module in (run_folder, storage, held_folder):
        setattr(module, "refuse_link", lambda path: None)  # noqa: B010


def _mode_of_target(held: HeldFolder, name: str) -> int:
    path = held.path / name
    return path.stat().st_mode if path.exists() else 0


def _guess_names() -> None:
    """Write beside a file under a name that can be guessed, whatever is there."""
    storage._temporary_name = lambda name: f".{name}.{os.getpid()}.tmp"
    original = HeldFolder.open

    def opens(self: HeldFolder, name: str, mode: Any) -> Any:
        return (self.path / name).open("wb") if mode == "xb" else original(self, name, mode)

    setattr(HeldFolder, "open", opens)  # noqa: B010


def _print_raw() -> None:
    """Print every character as it is."""
    console.UNSAFE = re.compile("(?!)")


def _start_without_facts() -> None:
    """Resume a run that has lost its run.json."""
    original = start.read_start

    def read(run: Path) -> dict[str, Any] | None:
        return original(run) if (run / "run.json").exists() else None

    for module in (start, run_folder):
        setattr(module, "read_start", read)  # noqa: B010


def _quote_as_python() -> None:
    """Quote the names in commands without regard to what can be printed."""
    setattr(shell, "quote_word", shlex.quote)  # noqa: B010


def _count_nothing() -> None:
    """Read data files whatever they take."""
    setattr(Budget, "take", lambda self, size=0, values=0: None)  # noqa: B010


def _let_datasets_read() -> None:
    """Give a folder in the layout of the hub to `datasets`, which follows every path and address."""

    def open_folder(folder: Path, settings: Any) -> Any:
        import datasets

        splits = datasets.load_dataset(str(folder))
        return {name: partial(table_of_dataset, rows, str(folder)) for name, rows in splits.items()}

    setattr(folders, "open_hub_folder", open_folder)  # noqa: B010


def _trust_names() -> None:
    """Take every name in a list for that of a file beside it."""
    setattr(storage, "is_plain_name", lambda name: True)  # noqa: B010


def _enter_links() -> None:
    """Go through links to folders, as through folders."""
    for module in (class_folders, listing, saved_datasets):
        setattr(module, "refuse_linked_folder", lambda path: None)  # noqa: B010


def _trust_cache() -> None:
    """Read the word vectors in the cache without checking them."""
    setattr(vector_cache, "_is_whole", lambda folder: (folder / vector_cache.TEXT_FILE).is_file())  # noqa: B010


@contextmanager
def _opened(out: Path) -> Iterator[BinaryIO]:
    with out.open("wb") as file:
        yield file
        for _ in range(2):  # so that there are as many calls as usual
            os.fsync(file.fileno())
    out.rename(out)


def _write_in_place() -> None:
    """Write a table over the old one, not beside it."""
    setattr(predicted_tables, "_new_table", _opened)  # noqa: B010


def _leave_unfinished() -> None:
    """Leave what killed processes have left beside a table."""
    setattr(predicted_tables, "remove_unfinished", lambda path: None)  # noqa: B010


def _write_over_input() -> None:
    """Write to any file, also to the one that is read."""
    for module in (reading, predicted_tables):
        setattr(module, "refuse_input", lambda option, path, name: None)  # noqa: B010


def _answer_late() -> None:
    """Wait for more lines than one, although a pipe pauses."""
    setattr(PipeLines, "is_idle", lambda self: False)  # noqa: B010


Control = tuple[str, Callable[[], None], Campaign, Sequence[int]]
CONTROLS: tuple[Control, ...] = (
    ("the random numbers", _draw_on, crashes.kill_at_random, KILLS),
    ("the optimizer state", _forget_optimizer, crashes.kill_at_random, KILLS),
    ("the schedule", _count_schedule_from_start, crashes.kill_at_random, KILLS),
    ("the cursor", _forget_cursor, crashes.kill_at_random, KILLS),
    ("the manifest check", _trust_files, damage.damage_files, range(1, 20)),
    ("the order of fsync", _sync_no_file, crashes.order_of_python_calls, range(1)),
    ("the refusal of links", _follow_links, strangers.meet_strangers, find_trials(strangers.CASES, 1, 2, 3)),
    ("the random name", _guess_names, strangers.meet_strangers, find_trials(strangers.CASES, 11)),
    ("the escape of characters", _print_raw, strangers.meet_strangers, find_trials(strangers.CASES, 10)),
    (
        "the need of run.json",
        _start_without_facts,
        strangers.meet_strangers,
        find_trials(strangers.CASES, 12),
    ),
    ("the rename of a table", _write_in_place, tables.write_tables, find_trials(tables.CASES, 2)[4:8]),
    (
        "the removal of half a table",
        _leave_unfinished,
        tables.write_tables,
        find_trials(tables.CASES, 2)[4:5],
    ),
    ("the refusal of the input", _write_over_input, tables.write_tables, find_trials(tables.CASES, 4)),
    ("the answer in a pause", _answer_late, tables.write_tables, find_trials(tables.CASES, 7)[:1]),
    ("the quoting of names", _quote_as_python, strangers.meet_strangers, find_trials(strangers.CASES, 17)),
    ("the budget of data files", _count_nothing, inputs.read_bad_files, BOMBS_OF_BYTES),
    (
        "the card read by ourselves",
        _let_datasets_read,
        strangers.meet_strangers,
        find_trials(strangers.CASES, 18),
    ),
    ("the check of names", _trust_names, strangers.meet_strangers, find_trials(strangers.CASES, 19)),
    (
        "the refusal of linked folders",
        _enter_links,
        strangers.meet_strangers,
        find_trials(strangers.CASES, 20),
    ),
    ("the check of cached vectors", _trust_cache, strangers.meet_strangers, find_trials(strangers.CASES, 21)),
)

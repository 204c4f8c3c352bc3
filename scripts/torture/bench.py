"""A training of half a second, and the result it has without faults."""

import json
import os
import random
import shutil
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from sentiment.errors import RunError
from sentiment.runs import RunFolder

from .children import Child, Ended, fork_command, start_command

# It uses all that a stage can have: dropout, averaged weights, a warm-up, a best epoch, a short last batch.
RECIPE = """
seed = 3
[vocabulary]
min_frequency = 1
[batches]
tokens = 300
[model]
embedding = 12
hidden = 8
layers = 1
readout = "max"
word_dropout = 0.1
embedding_dropout = 0.3
dropout = 0.3
[training]
epochs = 3
learning_rate = 0.02
warmup = 0.2
average = 0.9
checkpoint_steps = 2
[machine]
device = "cpu"
threads = 1
"""
LESSONS = """
[lessons]
everyday = 0.2
excerpts = 0.5
typos = 0.1
[calibration]
short_texts = "auto"
"""
FILLER = ["the", "a", "film", "plot", "actor", "scene", "was", "it", "this", "that", "and", "but", "then"]
VERDICTS = (["awful", "dull"], ["great", "superb"], ["plain", "usual"])  # of each class
NAMES: dict[int, list[Any]] = {2: [0, 1], 3: ["bad", "good", "mixed"]}  # of so many classes
CHECKPOINT_FILES = ("state.safetensors", "progress.json", "beside.json", "manifest.json")
RESULT = ("model.safetensors", "vocabulary.txt", "config.toml", "golden.json", "metrics.jsonl")


def write_reviews(path: Path, count: int, classes: int = 2) -> None:
    """Write reviews of filler words with one word that decides the label; six reviews per film."""
    names = NAMES[classes]
    generator = random.Random(5)
    with path.open("w", encoding="utf-8") as file:
        for index in range(count):
            words = generator.choices(FILLER, k=generator.randint(3, 40))
            words.insert(generator.randrange(len(words)), generator.choice(VERDICTS[index % classes]))
            row = {"text": " ".join(words), "label": names[index % classes], "film": f"film-{index // 6}"}
            file.write(json.dumps(row) + "\n")


class Bench:
    """A folder with a tiny data set, a recipe and its own token cache."""

    def __init__(
        self,
        folder: Path,
        reviews: int = 150,
        *,
        classes: int = 2,
        parent: "Bench | None" = None,
        lessons: bool = False,
    ) -> None:
        """Write the data. Trainings start from the whole run of `parent`, if there is one."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        write_reviews(folder / "reviews.jsonl", reviews, classes)
        source = f"[data]\nsource = {json.dumps(str(folder / 'reviews.jsonl'))}\n"
        self.recipe = folder / "recipe.toml"
        if parent is not None:
            source += f"rehearse = {json.dumps(str(parent.folder / 'reviews.jsonl'))}\n"
            source += f"[start]\nrun = {json.dumps(str(parent.whole))}\n"
        self.recipe.write_text(RECIPE + (LESSONS if lessons else "") + source)
        self.environment = {"XDG_CACHE_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}

    def fork(
        self,
        *arguments: object,
        output: Path,
        before: Callable[[], None] | None = None,
        stdin: Path = Path(os.devnull),
    ) -> Child:
        """Run `sentiment ARGUMENTS` in a fork of this process."""
        return fork_command(list(map(str, arguments)), output, self.environment, before=before, stdin=stdin)

    def start(self, *arguments: object, output: Path) -> Child:
        """Run `sentiment ARGUMENTS` in a new process."""
        return start_command(list(map(str, arguments)), output, self.environment)

    def train(self, path: Path, *arguments: object, before: Callable[[], None] | None = None) -> Ended:
        """Train into `path` to the end."""
        return self.fork("train", self.recipe, "--run", path, *arguments, output=path, before=before).wait()

    def start_from(self, run: Path, path: Path) -> Ended:
        """Train a new run in `path` that starts from another one."""
        return self.fork("train", self.recipe, "--from", run, "--run", path, output=path).wait()

    def resume(self, path: Path, before: Callable[[], None] | None = None) -> Ended:
        """Resume the run in `path`."""
        return self.fork("train", "--resume", "--run", path, output=path, before=before).wait()

    @cached_property
    def whole(self) -> Path:
        """The run that was never stopped."""
        path = self.folder / "whole"
        self.train(path).assert_code(0)
        return path

    @cached_property
    def other(self) -> Path:
        """A run with another seed on the same reviews, also never stopped."""
        path = self.folder / "other"
        self.train(path, "--set", "seed=4", "--set", "training.epochs=2").assert_code(0)
        return path

    def stopped(self, path: Path) -> Path:
        """Put at `path` a run that was killed just after its last checkpoint."""
        shutil.copytree(self.whole, path)
        for name in ("manifest.json", "golden.json", "model.safetensors"):
            (path / name).unlink()
        return path

    def assert_same_result(self, path: Path) -> None:
        """Fail unless weights, optimizer state and log have the same bytes as those of `whole`."""
        for name in (*RESULT, f"checkpoints/{newest(self.whole).name}/state.safetensors"):
            assert (path / name).is_file(), f"{path / name} is missing"
            assert (path / name).read_bytes() == (self.whole / name).read_bytes(), f"{name} differs"
        lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
        steps = [line["step"] for line in lines if line["event"] == "step"]
        assert steps == list(range(1, len(steps) + 1)), f"steps missing or twice: {steps}"
        assert not leftovers(path), f"left behind: {leftovers(path)}"

    def assert_resumes(self, path: Path, before: Callable[[], None] | None = None) -> Ended:
        """Fail unless a stopped run, resumed or started if it had not begun, ends as `whole`."""
        command = self.resume if (path / "config.toml").exists() else self.train
        ended = command(path, before=before)
        ended.assert_code(0)
        self.assert_same_result(path)
        return ended


def mixed_benches(folder: Path) -> tuple[Bench, ...]:
    """Return the benches that trials draw from: of two classes, of three, with lessons, and with a parent."""
    two, three = (Bench(folder / f"{classes} classes", classes=classes) for classes in NAMES)
    return two, Bench(folder / "lessons", lessons=True), three, Bench(folder / "child", parent=two)


def newest(run: Path) -> Path:
    """Return the newest checkpoint of a run."""
    return RunFolder(run).checkpoints()[-1]


def newest_whole(run: Path) -> Path | None:
    """Return the newest complete checkpoint, or None if there is none yet. It must load without a warning."""
    warnings: list[str] = []
    try:
        checkpoint = RunFolder(run).newest_checkpoint(warnings.append)
    except RunError as error:
        raise AssertionError(f"no checkpoint loads: {error}") from None
    assert not warnings, f"the newest checkpoint is not complete: {warnings}"
    return checkpoint.path if checkpoint else None


def leftovers(run: Path) -> list[str]:
    """Return the temporary files and folders in a run."""
    return [str(path.relative_to(run)) for path in run.rglob(".*.tmp")]

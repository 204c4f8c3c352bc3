"""Keep the lessons of a run on the disk, so that a second run does not make them again."""

import itertools
import json
import shutil
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from sentiment.config import LessonSettings
from sentiment.data.lessons.make import Lesson, make_lessons
from sentiment.data.lessons.material import collect_material
from sentiment.data.text import digest
from sentiment.errors import DataError
from sentiment.system import storage
from sentiment.system.folders import cache_folder

FILE = "lessons.jsonl"


def load_lessons(
    labelled: Sequence[tuple[str, int]], unlabelled: Sequence[str], settings: LessonSettings, seed: int
) -> list[Lesson]:
    """Return the lessons made of these reviews, or those that an earlier call kept.

    The cache is `$XDG_CACHE_HOME/sentiment/lessons`; a damaged entry is made again.
    """
    folder = cache_folder() / "lessons" / _entry_name(labelled, unlabelled, settings, seed)
    if folder.is_dir():
        try:
            return _read(folder)
        except DataError:
            shutil.rmtree(folder, ignore_errors=True)
    lessons = make_lessons(collect_material(labelled, unlabelled), settings, seed)
    with (
        storage.new_folder(folder, parent_may_be_link=True) as temporary,
        storage.machine_errors(folder),
        temporary.open(FILE, "xb") as file,
    ):
        file.write(to_lines(lessons).encode())
    return lessons


def to_lines(lessons: Sequence[Lesson]) -> str:
    """Return lessons as JSON lines with kind, text and label (the probability that the text is positive)."""
    return "".join(json.dumps(lesson._asdict(), ensure_ascii=False) + "\n" for lesson in lessons)


def _read(folder: Path) -> list[Lesson]:
    """Read a cache entry; raises DataError if it is damaged."""
    storage.verify(folder, DataError)
    try:
        lines = (folder / FILE).read_text(encoding="utf-8").split("\n")
        return [Lesson(**json.loads(line)) for line in lines if line]
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise DataError(f"{folder} holds no lessons: {error}") from None


def _entry_name(
    labelled: Sequence[tuple[str, int]], unlabelled: Sequence[str], settings: LessonSettings, seed: int
) -> str:
    """Return a hash of everything that the lessons depend on."""
    own = sorted(
        (file for file in resources.files(__package__).iterdir() if file.name.endswith((".py", ".toml"))),
        key=lambda file: file.name,
    )
    sources = (file.read_text(encoding="utf-8") for file in own)
    texts = itertools.chain.from_iterable((text, str(label)) for text, label in labelled)
    return digest(itertools.chain([f"{settings} {seed}"], sources, texts, unlabelled))[:32]

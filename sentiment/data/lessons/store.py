"""Keep the lessons of a run on the disk, so that a second run does not make them again."""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path

from sentiment.config import LessonSettings
from sentiment.data.cache import open_or_make
from sentiment.data.lessons.make import Lesson, make_lessons
from sentiment.data.lessons.material import collect_material
from sentiment.data.text import digest
from sentiment.errors import DataError
from sentiment.system.held_folder import HeldFolder

FILE = "lessons.jsonl"


def load_lessons(
    labelled: Sequence[tuple[str, int]], unlabelled: Sequence[str], settings: LessonSettings, seed: int
) -> list[Lesson]:
    """Return the lessons made of these reviews, or those that an earlier call kept.

    The cache is `$XDG_CACHE_HOME/sentiment/lessons`; see `open_or_make`.
    """

    def write(folder: HeldFolder) -> None:
        lessons = make_lessons(collect_material(labelled, unlabelled), settings, seed)
        with folder.open(FILE, "xb") as file:
            file.writelines(line.encode() for line in to_lines(lessons))

    return open_or_make(f"lessons/{_entry_name(labelled, unlabelled, settings, seed)}", _read, write)


def to_lines(lessons: Iterable[Lesson]) -> Iterator[str]:
    """Return lessons as JSON lines with kind, text and label (the probability that the text is positive)."""
    return (json.dumps(lesson._asdict(), ensure_ascii=False) + "\n" for lesson in lessons)


def _read(folder: Path) -> list[Lesson]:
    """Read a cache entry; raises DataError if it is damaged."""
    try:
        with (folder / FILE).open(encoding="utf-8", newline="\n") as file:
            return [Lesson(**json.loads(line)) for line in file]
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

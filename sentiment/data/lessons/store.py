"""Keep the lessons of a run on the disk, so that a second run does not make them again."""

import json
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import chain
from pathlib import Path

from sentiment.config import LessonSettings
from sentiment.data.cache import open_or_make
from sentiment.data.lessons.make import Lesson, make_lessons
from sentiment.data.lessons.material import collect_material
from sentiment.data.text import digest
from sentiment.errors import DataError
from sentiment.system.held_folder import HeldFolder

FILE = "lessons.jsonl"
SOURCE_PACKAGES = ("sentiment.data.lessons", "sentiment.probes")


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
    """Return lessons as JSON lines with the fields of `Lesson`."""
    return (json.dumps(lesson._asdict(), ensure_ascii=False) + "\n" for lesson in lessons)


def source_files() -> list[Traversable]:
    """Return the files that decide which lessons are made; those of the probe say which are left out."""
    found = chain.from_iterable(resources.files(package).iterdir() for package in SOURCE_PACKAGES)
    return sorted(
        (file for file in found if file.name.endswith((".py", ".toml"))), key=lambda file: file.name
    )


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
    sources = (file.read_text(encoding="utf-8") for file in source_files())
    texts = chain.from_iterable((text, str(label)) for text, label in labelled)
    return digest(chain([f"{settings} {seed}"], sources, texts, unlabelled))[:32]

"""Make the lessons of a run: as many of each kind as its configuration asks for."""

import random
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from sentiment.config import LessonSettings
from sentiment.data.lessons.kinds import KINDS, Labelled
from sentiment.data.lessons.material import Material
from sentiment.data.lessons.reviews import turn_by_words
from sentiment.data.lessons.typos import misspell
from sentiment.data.text import why_unreadable
from sentiment.probes.reproduction import reproduces_template

WHOLE_REVIEWS = ("reviews", "unlabelled")
DRAWS = 4  # for each lesson that is asked for, of a kind without end whose texts repeat


class Lesson(NamedTuple):
    """A text to learn from besides the reviews."""

    kind: str
    text: str
    label: float
    """The probability that it is positive."""
    original: int | None = None
    """The place of the review without a label that it was made of; its label is a guess from its words."""


def make_lessons(material: Material, settings: LessonSettings, seed: int) -> list[Lesson]:
    """Return the lessons: of each kind as many for each training review as its key says, or all there are.

    No text is in two lessons of a kind, and none reproduces a template of the probe. The same material,
    settings and seed give the same lessons.
    """
    lessons = []
    for kind, write in KINDS.items():
        wanted = round(getattr(settings, kind) * len(material.reviews))
        generator = random.Random(f"{seed} {kind}")
        texts = _take(write(material, generator), wanted)
        lessons += [Lesson(kind, text, label) for text, label in texts]
    lessons += _turn_unlabelled(material, settings, random.Random(f"{seed} unlabelled"))
    misspelt = _misspelt(lessons, settings, random.Random(f"{seed} typos"))
    return lessons + [lesson for lesson in misspelt if _is_usable(lesson.text)]


def _is_usable(text: str) -> bool:
    """Whether a text can be read, and is none of the probe."""
    return why_unreadable(text) is None and reproduces_template(text) is None


def _take(texts: Iterable[Labelled], wanted: int) -> list[Labelled]:
    """Return the first texts, each once."""
    labels: dict[str, float] = {}
    for text, label in islice(texts, DRAWS * wanted):
        if len(labels) == wanted:
            break
        if text not in labels and _is_usable(text):
            labels[text] = label
    return list(labels.items())


def _turn_unlabelled(
    material: Material, settings: LessonSettings, generator: random.Random
) -> Iterator[Lesson]:
    """Yield reviews without labels turned round, in random order: so many for each training review.

    There is a negative one for each positive one.
    """
    left = round(settings.unlabelled * len(material.reviews)) // 2
    waiting: tuple[list[Lesson], list[Lesson]] = ([], [])
    for place in generator.sample(range(len(material.unlabelled)), len(material.unlabelled)):
        if not left:
            break
        found = turn_by_words(material.unlabelled[place], generator)
        if found is None:
            continue
        waiting[found[1]].append(Lesson("unlabelled", *found, place))
        if all(waiting):
            yield from (side.pop() for side in waiting)
            left -= 1


def _misspelt(lessons: list[Lesson], settings: LessonSettings, generator: random.Random) -> Iterator[Lesson]:
    """Yield a share of the short lessons again, as people type in a hurry."""
    for lesson in lessons:
        if lesson.kind not in WHOLE_REVIEWS and generator.random() < settings.typos:
            yield Lesson("typos", misspell(lesson.text, generator), lesson.label)

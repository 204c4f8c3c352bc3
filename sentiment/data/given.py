"""Texts and labels that a Python caller holds, as a source of reviews."""

from collections.abc import Sequence
from typing import Any

from sentiment.config import DataSettings
from sentiment.config.classes import MOST_CLASSES
from sentiment.data.labels import LONGEST_NAME, LabelReader, choose_reader, label_key, list_names
from sentiment.data.reviews import ReviewSource
from sentiment.data.sources.table import Table
from sentiment.errors import DataError

TEXT_COLUMN, LABEL_COLUMN = "text", "label"
GIVEN_SETTINGS = {
    "data.source": "texts from Python",  # no name of a file or on the hub
    "data.text_column": TEXT_COLUMN,
    "data.label_column": LABEL_COLUMN,
    "data.group_column": DataSettings().group_column,
    "data.classes": "",
}
"""The keys of a configuration that `open_given` needs, with their values."""


def name_classes(labels: Sequence[Any]) -> list[str]:
    """Return the name of the class of each of these different labels, as a table's labels are named.

    Raises DataError if they are not the labels of 2 to 50 different classes.
    """
    count = len(labels)
    if not 2 <= count <= MOST_CLASSES:
        found = "one class only" if count == 1 else f"{count:,} classes"
        raise DataError(f"the labels are of {found}; a model has 2 to {MOST_CLASSES} classes")
    reader = _reader(labels)
    names = [] if reader is None else [reader.read_name(number) for number in range(count)]
    different = [name for name in dict.fromkeys(names) if name is not None]
    if len(different) < count:
        raise DataError(
            f"the labels {list_names([repr(label) for label in labels])} are not the names of {count} "
            f"different classes (letters of any case are the same, pos is positive, and a name has at most "
            f"{LONGEST_NAME} characters); rename them"
        )
    return different


def open_given(
    settings: DataSettings, texts: Sequence[str], numbers: Sequence[int], labels: Sequence[Any]
) -> ReviewSource:
    """Open texts as the split `train`.

    `labels` are different labels that `name_classes` can name, `numbers` the place of each text's label among
    them. `settings` has the values of `GIVEN_SETTINGS`.
    """
    table = Table(
        origin=settings.source,
        columns={TEXT_COLUMN: texts, LABEL_COLUMN: numbers},
        classes={LABEL_COLUMN: _spell(labels)},
    )
    return ReviewSource(settings, {"train": lambda: table})


def _reader(labels: Sequence[Any]) -> LabelReader | None:
    spelt = _spell(labels)
    found = {key: name for name in spelt if (key := label_key(name))}
    return choose_reader(found, DataSettings(), spelt) if len(found) == len(labels) else None


def _spell(labels: Sequence[Any]) -> list[str]:
    return [str(label) for label in labels]

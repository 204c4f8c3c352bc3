"""Read the labels of a table: 0 is negative, 1 is positive."""

import math
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sentiment.config import DataSettings
from sentiment.config.classes import CLASS_NAMES, parse_classes, quote_label
from sentiment.data.text import shorten

NO_LABEL = -1
UNLABELLED = "unsupervised"  # the split without labels, as IMDB on the hub calls it
LABEL_WORDS = {"negative": 0, "neg": 0, "positive": 1, "pos": 1}
TRUTHS = {"0": 0, "false": 0, "1": 1, "true": 1}
USUAL_LABELS: Mapping[str, int] = {**LABEL_WORDS, **TRUTHS}
NUMBER_PAIRS: tuple[Mapping[str, int], ...] = ({"-1": 0, "1": 1}, {"0": 0, "4": 1})
MOST_LABELS = 20
NUMBER = re.compile(r"-?\d+")
WHOLE_NUMBER = re.compile(r"([+-]?\d+)(?:\.0*)?")


@dataclass(frozen=True)
class LabelReader:
    """Maps the raw labels of one column to 0, 1 or None."""

    classes: Mapping[str, int]
    """The class of each label, written as `label_key` writes it."""
    names: Sequence[str] = ()
    """The names that the source declares for the numbers 0, 1, ... in the column."""

    def key(self, value: Any) -> str | None:
        """Return a raw label as it is compared, None if the row has no label."""
        if self.names and isinstance(value, int) and not isinstance(value, bool):
            return label_key(self.names[value]) if 0 <= value < len(self.names) else None
        return label_key(value)

    def read(self, value: Any) -> int | None:
        """Return 0 for negative, 1 for positive, and None for every other label and for none."""
        key = self.key(value)
        return None if key is None else self.classes.get(key)


def label_key(value: Any) -> str | None:
    """Return a label as it is compared: 1, 1.0, "1.0" and " 1" are "1", True and "TRUE" are "true".

    None, NaN and an empty text are no label: None.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    text = str(value).strip().casefold()
    number = WHOLE_NUMBER.fullmatch(text)
    return number[1].removeprefix("+") if number else text or None


def choose_reader(
    found: Iterable[str], settings: DataSettings, names: Sequence[str] = ()
) -> LabelReader | None:
    """Return the reader of a column with these labels, or None if they are not two known classes.

    `found` are the labels as `label_key` writes them, `names` the classes that the source declares.
    `data.classes` decides, then the labels of the run if it knows them all, then the usual pairs.
    """
    labels = {key for name in names if (key := label_key(name))} or set(found)
    given, own = _given_classes(settings), _own_classes(settings)
    if given:
        # The labels of a declared column may be given by name or by number.
        by_number = names and not given.keys() & labels
        return LabelReader(given, () if by_number else names)
    if own and labels <= own.keys():
        return LabelReader(own, names)
    pair = _known_pair(labels)
    if pair is None and settings.own.leaves_labels_out and own.keys() & labels:
        pair = own
    return None if pair is None else LabelReader(pair, names)


def read_known_labels(
    values: Sequence[Any], settings: DataSettings, names: Sequence[str] = ()
) -> list[int | None]:
    """Return 0, 1 or None for each raw label of a column that needs no labels; None if no pair is known."""
    unread = LabelReader({}, names)
    keys = {key for value in values if (key := unread.key(value)) is not None}
    reader = choose_reader(keys, settings, names) or unread
    return [reader.read(value) for value in values]


def suggest_classes(labels: Iterable[str]) -> str:
    """Return the option to type for a column with these labels, which are not two known classes.

    So many different ones that they can hardly be labels need another column.
    """
    found = _in_order(labels)
    return "--label COLUMN" if len(found) > MOST_LABELS else f"--classes {shlex.quote(_suggest_spec(found))}"


def list_labels(labels: Iterable[str], most: int = 60) -> str:
    """Return different labels in order, shortened to `most` characters."""
    return shorten(", ".join(_in_order(labels)), most)


def _given_classes(settings: DataSettings) -> dict[str, int]:
    return _keyed(parse_classes(settings.classes))


def _own_classes(settings: DataSettings) -> dict[str, int]:
    return _keyed(settings.own.classes)


def _keyed(classes: Mapping[str, str]) -> dict[str, int]:
    return {key: CLASS_NAMES.index(name) for label, name in classes.items() if (key := label_key(label))}


def _known_pair(labels: set[str]) -> Mapping[str, int] | None:
    """Return the classes of labels that are usual, or None.

    Of -1 and 4 both numbers of the pair are needed: -1 alone may mean that there is no label, 4 alone may be
    one of five stars.
    """
    if labels <= USUAL_LABELS.keys():
        return USUAL_LABELS
    return next((pair for pair in NUMBER_PAIRS if labels == pair.keys()), None)


def _in_order(labels: Iterable[str]) -> list[str]:
    """Return different labels in order, numbers by size before words."""
    return sorted(set(labels), key=lambda label: (_number(label) is None, _number(label) or 0.0, label))


def _number(label: str) -> float | None:
    """Return the number that a label is, if it is one; `nan` has no place among numbers."""
    try:
        number = float(label)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _suggest_spec(labels: Sequence[str]) -> str:
    """Return a value of --classes for these labels: the lower and the upper numbers, or what names say."""
    by_name = [
        [label for label in labels if LABEL_WORDS.get(label_key(label) or "") == one] for one in (0, 1)
    ]
    numbers = [label for label in labels if NUMBER.match(label) and _number(label) is not None]
    if all(by_name):
        negative, positive = by_name
    elif 2 <= len(numbers) <= 11:
        side = max(1, int(len(numbers) * 0.4 + 0.5))
        negative, positive = numbers[:side], numbers[-side:]
    elif len(labels) == 2:
        negative, positive = [labels[0]], [labels[1]]
    else:
        return "negative=LABEL,LABEL positive=LABEL"
    sides = zip(CLASS_NAMES, (negative, positive), strict=True)
    return " ".join(f"{name}={','.join(map(quote_label, side))}" for name, side in sides)

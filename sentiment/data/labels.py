"""Read the labels of a table: the number of each row's class."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sentiment.config import DataSettings
from sentiment.config.classes import (
    CLASS_NAMES,
    MOST_CLASSES,
    SENTIMENTS,
    Classes,
    order_names,
    parse_classes,
    quote_label,
)
from sentiment.config.shell import quote_word
from sentiment.data.text import shorten

NO_LABEL = -1
UNLABELLED = "unsupervised"  # the split without labels, as IMDB on the hub calls it
NEGATIVE, POSITIVE = CLASS_NAMES
LABEL_WORDS = {"negative": NEGATIVE, "neg": NEGATIVE, "positive": POSITIVE, "pos": POSITIVE}
TRUTHS = {"0": NEGATIVE, "false": NEGATIVE, "1": POSITIVE, "true": POSITIVE}
USUAL_LABELS: Mapping[str, str] = {**LABEL_WORDS, **TRUTHS}
NUMBER_PAIRS: tuple[Mapping[str, str], ...] = (
    {"-1": NEGATIVE, "1": POSITIVE},
    {"0": NEGATIVE, "4": POSITIVE},
)
LONGEST_NAME = 100  # characters; a longer label is a text, not the name of a class
MOST_DIFFERENT = 10_000  # a column with more different values, such as scores, has no labels
NUMBER = re.compile(r"-?\d+")
WHOLE_NUMBER = re.compile(r"([+-]?\d+)(?:\.0*)?")


@dataclass(frozen=True)
class LabelReader:
    """Maps the raw labels of one column to the numbers of their classes."""

    classes: Classes
    """Labels are written as `label_key` writes them."""
    declared: Sequence[str] = ()
    """The names that the source declares for the numbers 0, 1, ... in the column."""

    def key(self, value: Any) -> str | None:
        """Return a raw label as it is compared, None if the row has no label."""
        if self.declared and isinstance(value, int) and not isinstance(value, bool):
            return label_key(self.declared[value]) if 0 <= value < len(self.declared) else None
        return label_key(value)

    def read(self, value: Any) -> int | None:
        """Return the number of the label's class; None for every other label and for none."""
        key = self.key(value)
        return None if key is None else self.numbers.get(key)

    def read_name(self, value: Any) -> str | None:
        """Return the name of the label's class; None as `read` does."""
        number = self.read(value)
        return None if number is None else self.classes.names[number]

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The number of the class of each label."""
        return {label: self.classes.names.index(name) for label, name in self.classes.of_label.items()}


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
    found: Mapping[str, str],
    settings: DataSettings,
    declared: Sequence[str] = (),
    seen: Classes | None = None,
) -> LabelReader | None:
    """Return the reader of a column with these labels, or None if they are not the classes it must have.

    `found` maps labels as `label_key` writes them to their spelling, `declared` are the classes that the
    source declares, `seen` those of another split of the source. `data.classes` decides. A run that judges
    the table knows its own labels and the names of its classes; with the classes negative and positive also
    the usual pairs. For a training, a usual pair is negative and positive; otherwise each label is a class.
    """
    spelt = {key: name.strip() for name in declared if (key := label_key(name))} or dict(found)
    given = _keyed(parse_classes(settings.classes))
    if given.of_label:
        given = Classes(settings.own.classes.names, given.of_label) if settings.is_judged else given
        # The labels of a declared column may be given by name or by number.
        by_number = declared and not given.of_label.keys() & spelt.keys()
        return LabelReader(given, () if by_number else declared)
    if settings.is_judged:
        classes = _classes_of_run(spelt.keys(), settings)
    elif seen is not None and spelt.keys() <= seen.of_label.keys():
        classes = seen
    else:
        classes = _known_pair({*spelt, *(seen.of_label if seen else ())})
        if classes is None and seen is None:
            classes = _one_for_each(spelt, in_order=bool(declared))
    return None if classes is None else LabelReader(classes, declared)


def choose_known_reader(
    values: Iterable[Any], settings: DataSettings, declared: Sequence[str] = ()
) -> LabelReader:
    """Return the reader of a column that needs no labels."""
    unread = LabelReader(SENTIMENTS, declared)
    keys: dict[str, str] = {}
    for value in values:
        if (key := unread.key(value)) is not None:
            keys[key] = key
            if len(keys) > MOST_DIFFERENT:
                break
    return choose_reader(keys, settings, declared) or unread


def read_known_labels(
    values: Sequence[Any], settings: DataSettings, declared: Sequence[str] = ()
) -> list[str | None]:
    """Return the class of each raw label of a column that needs no labels; None if it is not known."""
    reader = choose_known_reader(values, settings, declared)
    return [reader.read_name(value) for value in values]


def suggest_classes(labels: Iterable[str], names: Sequence[str] = CLASS_NAMES) -> str:
    """Return the option to type for a column with these labels, which are not the classes of these names.

    So many different ones, or so long ones, that they can hardly be labels need another column.
    """
    found = _in_order(labels)
    if len(found) > MOST_CLASSES or max(map(len, found)) > LONGEST_NAME:
        return "--label COLUMN"
    spec = (
        _suggest_spec(found) if tuple(names) == CLASS_NAMES else _join_spec(names, [["LABEL"]] * len(names))
    )
    return f"--classes {quote_word(spec)}"


def suggest_use(labels: Sequence[str]) -> str:
    """Return the option to type for a column of which only these labels are to be used."""
    pair = _known_pair(set(labels))
    if pair is not None and len({pair.of_label[label] for label in labels}) == 2:
        return f"--classes {quote_word(_suggest_spec(_in_order(labels)))}"
    if len(labels) < 2:
        return "--classes 'negative=LABEL,LABEL positive=LABEL'"
    ordered = _in_order(labels)
    names = [re.sub(r'[\s=,"]+', "_", label) for label in ordered]
    return f"--classes {quote_word(_join_spec(names, [[label] for label in ordered]))}"


def list_labels(labels: Iterable[str], most: int = 60) -> str:
    """Return different labels in order, shortened to `most` characters."""
    return shorten(", ".join(_in_order(labels)), most)


def list_names(names: Sequence[str], most: int = 60) -> str:
    """Return the names of classes in their order, shortened to `most` characters."""
    return shorten(", ".join(names) if len(names) > 2 else " and ".join(names), most)


def _classes_of_run(labels: Iterable[str], settings: DataSettings) -> Classes | None:
    """Return the classes by which a run judges a table with these labels; None if it does not know them."""
    own, labels = settings.own, set(labels)
    recorded = _keyed(own.classes)
    by_name = {key: name for name in own.classes.names if (key := label_key(name))}
    known = Classes(own.classes.names, {**by_name, **recorded.of_label})
    if labels <= recorded.of_label.keys():
        return recorded
    if own.classes.are_sentiments and (pair := _known_pair(labels)):
        return pair
    is_known = labels <= known.of_label.keys()
    leaves_out = own.leaves_labels_out and bool(recorded.of_label.keys() & labels)
    return known if is_known or leaves_out else None


def _keyed(classes: Classes) -> Classes:
    """Return the same classes with their labels as `label_key` writes them."""
    return Classes(
        classes.names, {key: name for label, name in classes.of_label.items() if (key := label_key(label))}
    )


def _known_pair(labels: set[str]) -> Classes | None:
    """Return the classes negative and positive for labels that are usual, or None.

    Of -1 and 4 both numbers of the pair are needed: -1 alone may mean that there is no label, 4 alone may be
    one of five stars.
    """
    if labels <= USUAL_LABELS.keys():
        return Classes(CLASS_NAMES, USUAL_LABELS)
    pair = next((pair for pair in NUMBER_PAIRS if labels == pair.keys()), None)
    return None if pair is None else Classes(CLASS_NAMES, pair)


def _one_for_each(spelt: Mapping[str, str], in_order: bool) -> Classes | None:
    """Return a class for each label, or None if they are too few, too many or too long.

    `spelt` is the spelling of each label. Unless they come `in_order`, numbers come by size, then words by
    alphabet.
    """
    is_possible = 2 <= len(spelt) <= MOST_CLASSES and max(map(len, spelt.values())) <= LONGEST_NAME
    if not is_possible:
        return None
    of_label = {label: label if _number(label) is not None else name for label, name in spelt.items()}
    labels = list(spelt) if in_order else _in_order(spelt)
    return Classes(order_names([of_label[label] for label in labels]), of_label)


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
        [label for label in labels if LABEL_WORDS.get(label_key(label) or "") == name] for name in CLASS_NAMES
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
    return _join_spec(CLASS_NAMES, (negative, positive))


def _join_spec(names: Sequence[str], labels: Sequence[Sequence[str]]) -> str:
    sides = zip(names, labels, strict=True)
    return " ".join(f"{name}={','.join(map(quote_label, side))}" for name, side in sides)

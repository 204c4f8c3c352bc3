"""The classes of a model, and the value of `data.classes`: which labels of a table stand for which class."""

import csv
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CLASS_NAMES = ("negative", "positive")
MOST_CLASSES = 50
# Possessive quantifiers keep the time linear: `""""` could be cut in many ways.
LABEL = r'(?:"(?:[^"]|"")*+"|[^\s,"])++'
CLASS = re.compile(rf'\s*([^\s=,"]+)=({LABEL}(?:,{LABEL})*+)(?=\s|$)')
BLANK = re.compile(r"\s*\Z")
EXAMPLE = '"negative=1,2 positive=4,5"'
MOST_CHARACTERS = 10_000  # a configuration has to hold the text


@dataclass(frozen=True)
class Classes:
    """The names of classes in the order of their numbers, and the labels that stand for them."""

    names: tuple[str, ...] = CLASS_NAMES
    """Of two, the second one is what a probability is the probability of."""
    of_label: Mapping[str, str] = field(default_factory=dict)
    """The class of each label."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def are_sentiments(self) -> bool:
        """Whether they are negative and positive."""
        return self.names == CLASS_NAMES


SENTIMENTS = Classes()
"""Negative and positive, without labels."""


def parse_classes(spec: str) -> Classes:
    """Return the classes of for example `negative=1,2 positive=4,5`, in this order; an empty text has none.

    A label with a comma or a space is quoted as in csv. The classes negative and positive come in this order.
    Raises ValueError if the text has another form, does not have 2 to 50 classes, has a class or a label
    twice, or is too long.
    """
    if len(spec) > MOST_CHARACTERS:
        raise ValueError(f"Must have at most {MOST_CHARACTERS:,} characters")
    classes: dict[str, str] = {}
    names: list[str] = []
    position = 0
    while not BLANK.match(spec, position):
        found = CLASS.match(spec, position)
        if found is None:
            raise ValueError(f"Must have the form {EXAMPLE}")
        name, labels = found.groups()
        if name in names:
            raise ValueError(f"Has the class {name} twice")
        names.append(name)
        for label in next(csv.reader([labels])):
            if label in classes:
                raise ValueError(f"Has the label {label} twice")
            classes[label] = name
        position = found.end()
    if names and not 2 <= len(names) <= MOST_CLASSES:
        raise ValueError(f"Must name 2 to {MOST_CLASSES} classes, as in {EXAMPLE}")
    return Classes(order_names(names), classes) if names else SENTIMENTS


def order_names(names: list[str]) -> tuple[str, ...]:
    """Return the names of classes in the order of their numbers: as given, but negative before positive."""
    return CLASS_NAMES if sorted(names) == sorted(CLASS_NAMES) else tuple(names)


def class_numbers(names: Iterable[str]) -> list[float] | None:
    """Return the numbers that the names of classes are, such as stars, if all of them are finite numbers."""
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def quote_label(label: str) -> str:
    """Return a label as `parse_classes` reads it: quoted if it has a comma, a space or a quote."""
    return '"' + label.replace('"', '""') + '"' if re.search(r'[\s,"]', label) or not label else label

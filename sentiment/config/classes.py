"""Read the value of `data.classes`: which labels of a table are which class."""

import csv
import re

CLASS_NAMES = ("negative", "positive")
CLASS = re.compile(r'\s*([^\s=,"]+)=((?:"(?:[^"]|"")*"|[^\s,"])+(?:,(?:"(?:[^"]|"")*"|[^\s,"])+)*)(?=\s|$)')
EXAMPLE = '"negative=1,2 positive=4,5"'


def parse_classes(spec: str) -> dict[str, str]:
    """Return the class of each label in `negative=1,2 positive=4,5`; an empty text has none.

    A label with a comma or a space is quoted as in csv. Raises ValueError if the text has another form, does
    not have exactly the classes negative and positive, or has a label twice.
    """
    classes: dict[str, str] = {}
    names, position = [], 0
    while spec[position:].strip():
        found = CLASS.match(spec, position)
        if found is None:
            raise ValueError(f"Must have the form {EXAMPLE}")
        name, labels = found.groups()
        names.append(name)
        for label in next(csv.reader([labels])):
            if label in classes:
                raise ValueError(f"Has the label {label} twice")
            classes[label] = name
        position = found.end()
    if names and sorted(names) != sorted(CLASS_NAMES):
        raise ValueError(f"Must name the two classes negative and positive, once each, as in {EXAMPLE}")
    return classes


def format_classes(classes: dict[str, str]) -> str:
    """Return labels with their classes in the form that `parse_classes` reads."""
    return " ".join(
        f"{name}=" + ",".join(quote_label(label) for label, own in classes.items() if own == name)
        for name in CLASS_NAMES
    )


def quote_label(label: str) -> str:
    """Return a label as `parse_classes` reads it: quoted if it has a comma, a space or a quote."""
    return '"' + label.replace('"', '""') + '"' if re.search(r'[\s,"]', label) or not label else label

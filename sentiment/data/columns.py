"""Choose the columns of a table: text, label and group."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sentiment.config import DataSettings
from sentiment.data.text import shorten
from sentiment.errors import DataError

TEXT_NAMES = (
    "text",
    "review",
    "sentence",
    "content",
    "comment",
    "body",
    "tweet",
    "reviewText",
    "verified_reviews",
)
LABEL_NAMES = (
    "label",
    "sentiment",
    "airline_sentiment",
    "polarity",
    "class",
    "target",
    "feedback",
    "liked",
    "stars",
    "rating",
    "overall",
    "score",
)
DEFAULT_NAMES = ("text", "label", "film")
SAMPLE = 100  # rows that are looked at to suggest columns
ORIGIN_LENGTH = 100  # characters of a path in a message of at most 300


@dataclass(frozen=True)
class Columns:
    """The columns of a table that are read."""

    text: str
    label: str | None
    """None if the table has no labels and needs none."""
    group: str | None
    """None if the table has no groups."""
    note: str | None = None
    """A sentence for the user if there was a choice, else None."""

    def names(self) -> dict[str, str | None]:
        """Return the columns by what is in them."""
        return {"text": self.text, "label": self.label, "group": self.group}


def choose_columns(
    names: Sequence[str],
    settings: DataSettings,
    *,
    origin: str = "the table",
    needs_label: bool = True,
    values: Mapping[str, Sequence[Any]] | None = None,
) -> Columns:
    """Choose the columns by the settings, else by the names of the run, else by the usual names.

    Names are compared without case and without spaces at their ends. `values` are the columns themselves: a
    message suggests some of them. Raises DataError that names what is missing and the options to type.
    """
    if not names:
        raise DataError(f"{origin} holds no reviews")
    texts = _find_column(names, settings.text_column, settings.own.text, TEXT_NAMES)
    labels = _find_column(names, settings.label_column, settings.own.label, LABEL_NAMES)
    if not texts or (needs_label and not labels):
        missing = {"text": not texts, "label": needs_label and not labels}
        wanted = {"text": settings.text_column, "label": settings.label_column}
        raise DataError(
            _describe_missing(
                names, {role: wanted[role] for role, gone in missing.items() if gone}, origin, values or {}
            )
        )
    groups = _find_column(names, settings.group_column, settings.own.group, ())
    return Columns(
        text=texts[0],
        label=labels[0] if labels else None,
        group=groups[0] if groups else None,
        note=_describe_choice(texts, labels, origin),
    )


def require_group(columns: Columns, settings: DataSettings, origin: str) -> None:
    """Raise DataError if the settings name a column of groups that the table does not have."""
    if columns.group is None and settings.group_column not in ("", *DEFAULT_NAMES):
        name = shorten(settings.group_column)
        raise DataError(
            f"{shorten(origin, ORIGIN_LENGTH)} has no column {name} for the groups; name another with --group"
        )


def _find_column(names: Sequence[str], wanted: str, own: str, usual: Sequence[str]) -> list[str]:
    """Return the columns that can be meant, the chosen one first; nothing if there is none.

    A wanted name is required, except the names that the settings have by default.
    """
    is_required = wanted not in ("", *DEFAULT_NAMES)
    tried = (wanted,) if is_required else (wanted or own, *usual)
    found = [name for one in tried for name in _match(names, one)]
    return list(dict.fromkeys(found))


def _match(names: Sequence[str], wanted: str) -> list[str]:
    """Return the names that are equal to the wanted one without case and outer spaces, an exact one first."""
    alike = [name for name in names if _fold(name) == _fold(wanted)]
    return sorted(alike, key=lambda name: name != wanted)


def _fold(name: str) -> str:
    return str(name).strip().casefold()


def _describe_choice(texts: Sequence[str], labels: Sequence[str], origin: str) -> str | None:
    """Return which columns were chosen, and which were not; None if nothing else was possible."""
    chosen = {"text": texts, "label": labels}
    unusual = {role: found for role, found in chosen.items() if list(found) not in ([], [role])}
    if not unusual:
        return None
    parts = []
    for role, (first, *others) in unusual.items():
        instead = f" (not {', '.join(shorten(name, 40) for name in others)}: --{role})" if others else ""
        parts.append(f"{role} from the column {shorten(first, 40)}{instead}")
    return f"{shorten(origin, ORIGIN_LENGTH)}: {', '.join(parts)}"


def _describe_missing(
    names: Sequence[str], missing: Mapping[str, str], origin: str, values: Mapping[str, Sequence[Any]]
) -> str:
    """Return the message for columns that are missing; `missing` are their roles with the names wanted."""
    guesses = _guess_columns(values)
    typed = [f"--{role} {shlex.quote(guesses.get(role, 'COLUMN'))}" for role in missing]
    nouns = [
        f"no column for the {role}" if wanted in ("", *DEFAULT_NAMES) else f"no column {shorten(wanted, 40)}"
        for role, wanted in missing.items()
    ]
    found = shorten(", ".join(map(str, names)) or "none")
    return (
        f"{shorten(origin, ORIGIN_LENGTH)} has {' and '.join(nouns)} (found: {found}); "
        f"name {'it' if len(missing) == 1 else 'them'}: {' '.join(typed)}"
    )


def _guess_columns(values: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Return the column with the longest texts, and the one with the fewest different short values."""
    sample = {name: [str(value) for value in column[:SAMPLE]] for name, column in values.items()}
    sample = {name: column for name, column in sample.items() if any(column)}
    if not sample:
        return {}
    text = max(sample, key=lambda name: sum(map(len, sample[name])))
    counts = {name: len(set(column)) for name, column in sample.items() if name != text}
    few = {name: count for name, count in counts.items() if count > 1}
    return {"text": text} | ({"label": min(few, key=lambda name: few[name])} if few else {})

"""Choose the columns of a table: text, label and group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sentiment.config import DataSettings
from sentiment.config.shell import quote_word
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
SUGGESTION_ROWS = 100  # rows that are looked at to suggest columns
FoldedNames = Mapping[str, Sequence[str]]
ORIGIN_LENGTH = 100  # characters of a path in a message of at most 300


class MissingColumnsError(DataError):
    """A table has no column for the text or the label; the message ends with options to type."""

    def __init__(self, message: str, guesses: Mapping[str, str]) -> None:
        """`guesses` are the columns for text and label that the options name; empty where there is none."""
        super().__init__(message)
        self.guesses = guesses


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
    message suggests some of them. Raises MissingColumnsError that names the options to type.
    """
    if not names:
        raise DataError(f"{origin} holds no reviews")
    folded = _fold_names(names)
    texts = _find_column(folded, settings.text_column, settings.own.text, TEXT_NAMES)
    labels = _find_column(folded, settings.label_column, settings.own.label, LABEL_NAMES)
    wanted = {"text": settings.text_column, "label": settings.label_column}
    chosen = {"text": texts[:1], "label": labels[:1]}
    missing = [role for role, found in chosen.items() if not found and (role == "text" or needs_label)]
    if missing:
        taken = [name for found in chosen.values() for name in found]
        guesses = _guess_columns(values or {}, missing, taken)
        message = _describe_missing_columns(names, {role: wanted[role] for role in missing}, origin, guesses)
        if len(taken) == len(names):
            message = f"{message.partition('; ')[0]}; add a column label, with the label of each text"
        raise MissingColumnsError(
            message, {role: (found or [""])[0] for role, found in chosen.items()} | guesses
        )
    groups = _find_column(folded, settings.group_column, settings.own.group, ())
    return Columns(
        text=texts[0],
        label=labels[0] if labels else None,
        group=groups[0] if groups else None,
        note=_describe_choice({"text": texts, "label": labels if needs_label else []}, wanted, origin),
    )


def require_group(columns: Columns, settings: DataSettings, origin: str) -> None:
    """Raise DataError if the settings name a column of groups that the table does not have."""
    if columns.group is None and not is_usual(settings.group_column):
        name = shorten(settings.group_column)
        raise DataError(
            f"{shorten(origin, ORIGIN_LENGTH)} has no column {name} for the groups; name another with --group"
        )


def _find_column(folded: FoldedNames, wanted: str, own: str, usual: Sequence[str]) -> list[str]:
    """Return the columns that can be meant, the chosen one first; nothing if there is none.

    A wanted name is required, except the names that the settings have by default.
    """
    tried = (wanted or own, *usual) if is_usual(wanted) else (wanted,)
    found = [name for one in tried for name in _match(folded, one)]
    return list(dict.fromkeys(found))


def is_usual(wanted: str) -> bool:
    """Return whether a name in the settings is one by default, so that others may be found instead."""
    return wanted in ("", *DEFAULT_NAMES)


def _match(folded: FoldedNames, wanted: str) -> list[str]:
    """Return the names that are equal to the wanted one without case and outer spaces, an exact one first."""
    return sorted(folded.get(_fold(wanted), ()), key=lambda name: name != wanted)


def _fold_names(names: Sequence[str]) -> FoldedNames:
    """Return the names that are equal without case and outer spaces, by what is equal."""
    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(_fold(name), []).append(name)
    return folded


def _fold(name: str) -> str:
    return str(name).strip().casefold()


def _describe_choice(
    chosen: Mapping[str, Sequence[str]], wanted: Mapping[str, str], origin: str
) -> str | None:
    """Return which columns were chosen, and which were not; None if there was no choice, or it was wanted."""
    unusual = {
        role: found
        for role, found in chosen.items()
        if list(found) not in ([], [role]) and is_usual(wanted[role])
    }
    if not unusual:
        return None
    parts = []
    for role, (first, *others) in unusual.items():
        instead = f" (not {', '.join(shorten(name, 40) for name in others)}: --{role})" if others else ""
        parts.append(f"{role} from the column {shorten(first, 40)}{instead}")
    return f"{shorten(origin, ORIGIN_LENGTH)}: {', '.join(parts)}"


def _describe_missing_columns(
    names: Sequence[str], missing: Mapping[str, str], origin: str, guesses: Mapping[str, str]
) -> str:
    """Return the message for columns that are missing; `missing` are their roles with the names wanted."""
    typed = [f"--{role} {quote_word(guesses.get(role, 'COLUMN'))}" for role in missing]
    nouns = [
        f"no column for the {role}" if is_usual(wanted) else f"no column {shorten(wanted, 40)}"
        for role, wanted in missing.items()
    ]
    found = shorten(", ".join(map(str, names)))
    return (
        f"{shorten(origin, ORIGIN_LENGTH)} has {' and '.join(nouns)} (found: {found}); "
        f"name {'it' if len(missing) == 1 else 'them'}: {' '.join(typed)}"
    )


def _guess_columns(
    values: Mapping[str, Sequence[Any]], missing: Sequence[str], taken: Sequence[str]
) -> dict[str, str]:
    """Return for the text the column with the most text, and for the label that with the fewest values."""
    filled = {
        name: [str(value) for value in column[:SUGGESTION_ROWS] if value not in (None, "")]
        for name, column in values.items()
        if name not in taken
    }
    different = {name: set(found) for name, found in filled.items()}
    guesses = {}
    if "text" in missing and any(different.values()):
        # A text has spaces; an id or a date may be longer.
        spaced = {name: sum(len(one) for one in found if " " in one) for name, found in different.items()}
        guesses["text"] = max(different, key=lambda name: (spaced[name], sum(map(len, different[name]))))
    # A label is repeated; an id is not.
    few = {name: len(found) for name, found in different.items() if 1 < len(found) < len(filled[name])}
    few.pop(guesses.get("text", ""), None)
    if "label" in missing and few:
        guesses["label"] = min(few, key=lambda name: few[name])
    return guesses

"""Read the card of a data folder: the YAML at the start of README.md, as on the hub.

It may come from a stranger. It is read as nothing but strings, lists and mappings, and it names files inside
the folder only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sentiment.data.text import shorten
from sentiment.errors import DataError

CARD = "README.md"
CARD_LIMIT = 2**18  # bytes of YAML; the longest on the hub have some thousand
DEEPEST = 50  # the time to parse grows with the square of the depth
MOST_PARTS = 20_000  # of YAML; they take a second
MOST_PATTERNS = 1_000


@dataclass(frozen=True)
class Card:
    """What a card declares; a folder without one has an empty one."""

    patterns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The files of each split: paths in the folder with `*`, `?`, `[...]` and `**`; empty if not declared."""
    folder: str = ""
    """The folder in the folder that the patterns start from."""
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The class names of columns."""
    rows: Mapping[str, int] = field(default_factory=dict)
    """How many rows splits have."""


def read_card(folder: Path) -> Card:
    """Return what the README.md of a folder declares.

    Raises DataError if its YAML is malformed, or if a file it names is not in the folder.
    """
    path = folder / CARD
    content = _load_yaml(path) if path.is_file() else {}
    try:
        chosen = _choose_configuration(path, content.get("configs") or [])
        facts = _choose_facts(content.get("dataset_info") or {}, chosen.get("config_name", "default"))
        card = Card(
            _read_patterns(chosen.get("data_files") or []),
            chosen.get("data_dir") or "",
            _read_classes(facts.get("features") or []),
            _read_rows(facts.get("splits") or []),
        )
        entries = [card.folder, *(entry for entries in card.patterns.values() for entry in entries)]
        if not all(isinstance(text, str) for text in (*card.patterns, *entries)):
            raise TypeError("a name is no string")
    except (AttributeError, KeyError, TypeError, ValueError):
        raise DataError(
            f"{path} declares its files or rows in no known form; mend its configs and dataset_info, or "
            "remove them"
        ) from None
    _require_inside(path, entries)
    return card


# --- YAML ----------------------------------------------------------------------------------------------


def _load_yaml(path: Path) -> dict[str, Any]:
    """Return the YAML between the first two lines `---` of a card; nothing if it does not begin with one."""
    try:
        with path.open("rb") as file:
            start = file.read(CARD_LIMIT + 1)
        lines = start.decode("utf-8-sig", "replace").lstrip().splitlines()
        if not lines or lines[0].rstrip() != "---":
            return {}
        ends = [number for number, line in enumerate(lines) if line.rstrip() == "---"][1:]
        if not ends:
            if len(start) > CARD_LIMIT:
                raise DataError(f"{path} has more than {CARD_LIMIT:,} bytes of YAML; shorten or remove it")
            return {}
        text = "\n".join(lines[1 : ends[0]])
        _refuse_bombs(text)
        content = yaml.load(text, yaml.BaseLoader)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except yaml.YAMLError:
        raise DataError(
            f"{path} begins with YAML that cannot be read, or has too much of it; mend or remove it"
        ) from None
    return content if isinstance(content, dict) else {}


def _refuse_bombs(text: str) -> None:
    """Raise YAMLError at an alias, a few of which can stand for billions of values, and at too many parts."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, yaml.BaseLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > DEEPEST or count > MOST_PARTS:
            raise yaml.YAMLError("an alias, too deep or too many parts")


# --- what it declares: malformed parts raise AttributeError, KeyError, TypeError or ValueError ---------


def _choose_configuration(path: Path, configurations: Any) -> dict[str, Any]:
    """Return the only configuration or the default one; raises DataError if there is none of both."""
    if len(configurations) < 2:
        return dict(configurations[0]) if configurations else {}
    named = {one["config_name"]: one for one in configurations}
    marked = [one for one in configurations if str(one.get("default")).lower() == "true"]
    chosen = marked or [named[name] for name in ("default",) if name in named]
    if len(chosen) == 1:
        return dict(chosen[0])
    raise DataError(
        f"{path} names {len(named)} data sets ({shorten(', '.join(named))}), none as the default; give the "
        "file or the folder of one"
    )


def _choose_facts(facts: Any, name: str) -> dict[str, Any]:
    """Return what is declared of the rows of one configuration."""
    if isinstance(facts, dict):
        return facts
    if len(facts) == 1:
        return dict(facts[0])
    return next((one for one in facts if one.get("config_name", "default") == name), {})


def _read_patterns(declared: Any) -> dict[str, list[Any]]:
    """Return the patterns of each split; files without a split are `train`."""
    entries = [declared] if isinstance(declared, str | dict) else list(declared)
    patterns: dict[str, list[Any]] = {}
    for entry in entries:
        split, paths = ("train", entry) if isinstance(entry, str) else (entry["split"], entry["path"])
        patterns.setdefault(split, []).extend([paths] if isinstance(paths, str) else paths)
    return patterns


def _read_classes(features: Any) -> dict[str, list[str]]:
    """Return the class names of each column that has some, by their numbers."""
    classes = {}
    for feature in features:
        kind = feature.get("dtype")
        if isinstance(kind, dict) and "class_label" in kind:
            names = kind["class_label"]["names"]
            if isinstance(names, dict):
                names = [names[str(number)] for number in range(len(names))]
            if not all(isinstance(name, str) for name in names):
                raise TypeError("a class is no string")
            classes[str(feature["name"])] = list(names)
    return classes


def _read_rows(splits: Any) -> dict[str, int]:
    return {str(split["name"]): int(split["num_examples"]) for split in splits if "num_examples" in split}


def _require_inside(path: Path, entries: Sequence[str]) -> None:
    """Raise DataError unless each entry is a path in the folder of the card."""
    if len(entries) > MOST_PATTERNS:
        raise DataError(f"{path} names more than {MOST_PATTERNS:,} files; name them with *")
    for entry in entries:
        if entry.startswith("/") or ".." in entry.split("/") or "://" in entry or "::" in entry:
            raise DataError(
                f"{path} names {shorten(entry)}, which is not in the folder; only files in it are read: "
                "remove the entry from data_files"
            )

"""Read a configuration: TOML, overrides `section.key=value`, and every mistake reported at once."""

import difflib
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sentiment.config.catalogue import DEFAULT_RECIPE, find_config, is_path
from sentiment.config.settings import CONFIG_CHARACTERS, Config, MachineSettings, key_names
from sentiment.config.shell import quote_path, quote_run
from sentiment.errors import UsageError

MOST_PARTS = 100  # of one key; the memory that tomllib takes grows with their square
MOST_MISTAKES = 10  # that a message describes
SHOWN_CHARACTERS = 80  # of a value or a key in a message
STRINGS_AND_COMMENTS = re.compile(r""""(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'|#[^\n]*+""")


def read_config(target: str | Path | None = None, overrides: Iterable[str] = ()) -> Config:
    """Read a TOML file or a shipped recipe, and apply overrides: `section.key=value`.

    A bare word is a recipe (`imdb-fast`), anything with a slash or the ending `.toml` a file; None is the
    default recipe. Raises UsageError with every mistake in one line.
    """
    path = find_config(target)
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(CONFIG_CHARACTERS + 1)
    except FileNotFoundError:
        raise UsageError(f"no configuration at {path}") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder, CONFIG is a file; {_folder_hint(path)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the configuration {path}: {error}") from None
    named_by_path = target is not None and is_path(target)
    return parse_config(text, str(path) if named_by_path else f"recipe {target or DEFAULT_RECIPE}", overrides)


def parse_config(text: str, origin: str, overrides: Iterable[str] = ()) -> Config:
    """Parse TOML text; `origin` names it in error messages."""
    values = _parse_toml(text, origin)
    mistakes = [mistake for override in overrides if (mistake := _apply_override(values, override))]
    details: Sequence[Mapping[str, Any]] = ()
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False)
    if count := len(mistakes) + len(details):
        mistakes += map(_describe_mistake, details[: max(0, MOST_MISTAKES - len(mistakes))])
        described = mistakes[:MOST_MISTAKES]
        if count > len(described):
            described.append(f"and {count - len(described):,} more mistakes")
        raise UsageError(f"{origin}{' with --set' if overrides else ''}: " + "; ".join(described))
    return config


def parse_run_config(text: str, origin: str) -> Config:
    """Parse the config.toml of a run; one without `text.rules` is older than the key and has version 1."""
    config = parse_config(text, origin)
    if "rules" in config.text.model_fields_set:
        return config
    return config.with_text(rules=1)


def override(key: str, value: str | int) -> str:
    """`section.key=value` as `read_config` takes it, for a value of any characters."""
    return f"{key}={json.dumps(value, ensure_ascii=False)}"


def machine_settings(device: str, threads: int) -> MachineSettings:
    """The settings of a device and a number of threads; raises UsageError as `parse_config` does."""
    given = [override("machine.device", device), override("machine.threads", threads)]
    return parse_config("", "device and threads", given).machine


def _parse_toml(text: str, origin: str) -> dict[str, Any]:
    """Return what TOML holds; raises UsageError if it is too long, nested too deeply or no TOML."""
    if len(text) > CONFIG_CHARACTERS:
        raise UsageError(
            f"{origin} has more than {CONFIG_CHARACTERS:,} characters; no configuration is so long, so check "
            "the path"
        )
    if _has_deep_key(text):
        raise UsageError(f"{origin}: a key has more than {MOST_PARTS} parts; write section.key = value")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{origin} is not TOML: {error}") from None
    except ValueError:  # Python converts no text of more digits
        raise UsageError(
            f"{origin}: a number has more than {sys.get_int_max_str_digits():,} digits"
        ) from None


def _has_deep_key(text: str) -> bool:
    """Return whether a line has so many dots outside of strings and comments that its key is too deep."""
    bare = STRINGS_AND_COMMENTS.sub("", text)
    return any(line.count(".") > MOST_PARTS for line in bare.split("\n"))


def _folder_hint(folder: Path) -> str:
    if (folder / "config.toml").exists():
        return f"to resume that run: sentiment train --resume --run {quote_run(folder)}"
    return f"for a folder of reviews: --data {quote_path(folder)}"


def _apply_override(values: dict[str, Any], override: str) -> str | None:
    """Set one `section.key=value` in place; return what is wrong with it, if anything."""
    name, equals, raw = override.partition("=")
    *sections, key = name.strip().split(".")
    if len(override) > CONFIG_CHARACTERS:
        return f"--set {_cut(override)} has more than {CONFIG_CHARACTERS:,} characters"
    if not equals or not key or len(sections) > MOST_PARTS:
        return f"--set {_cut(override)} is not of the form section.key=value"
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            return f"--set {_cut(override)}: {_cut(section)} is no section"
    values[key] = _parse_value(raw.strip())
    return None


def _parse_value(raw: str) -> Any:
    """Read a TOML value; anything else, such as a bare word or a path, is a string."""
    if _has_deep_key(raw):
        return raw
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except (ValueError, RecursionError):
        return raw


def _describe_mistake(details: Mapping[str, Any]) -> str:
    """Say in words what pydantic found wrong."""
    name = _cut(".".join(str(part) for part in details["loc"]))
    if details["type"] == "extra_forbidden":
        return f"{name} is unknown ({_suggest_key(details['loc'])})"
    message = _cut(details["msg"].removeprefix("Value error, "), 4 * SHOWN_CHARACTERS)
    message = message[0].lower() + message[1:]
    return f"{name}: {message}, not {_show(details['input'])}" if name else message


def _show(value: object) -> str:
    """Return a value as it is written in Python, but not more than a line can hold."""
    try:
        return _cut(repr(value))
    except (ValueError, RecursionError):  # a number of too many digits, or lists in lists
        return "this value"


def _cut(text: str, most: int = SHOWN_CHARACTERS) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _suggest_key(location: tuple[str, ...]) -> str:
    """Name the valid key closest to a misspelt one: in its own section first, then anywhere."""
    names = {name: name.split(".") for name in key_names()}
    siblings = {key: name for name, (*section, key) in names.items() if section == list(location[:-1])}
    if len(location) == 1:
        siblings |= {section[0]: section[0] for section in names.values()}
    anywhere = {key: name for name, (*_, key) in names.items()}
    for candidates in (siblings, anywhere):
        if close := difflib.get_close_matches(str(location[-1]), candidates, n=1, cutoff=0.6):
            return f"did you mean {candidates[close[0]]}?"
    return "valid here: " + ", ".join((siblings or anywhere).values())

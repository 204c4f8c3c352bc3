"""Read a configuration: TOML, overrides `section.key=value`, and every mistake reported at once."""

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sentiment.config.catalogue import DEFAULT_RECIPE, find_config, is_path
from sentiment.config.settings import Config, MachineSettings, key_names
from sentiment.config.shell import quote_path, quote_run
from sentiment.errors import UsageError


def read_config(target: str | Path | None = None, overrides: Iterable[str] = ()) -> Config:
    """Read a TOML file or a shipped recipe, and apply overrides: `section.key=value`.

    A bare word is a recipe (`imdb-fast`), anything with a slash or the ending `.toml` a file; None is the
    default recipe. Raises UsageError with every mistake in one line.
    """
    path = find_config(target)
    try:
        text = path.read_text(encoding="utf-8")
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
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{origin} is not TOML: {error}") from None
    mistakes = [mistake for override in overrides if (mistake := _apply_override(values, override))]
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        mistakes += [_describe_mistake(details) for details in error.errors()]
    if mistakes:
        raise UsageError(f"{origin}{' with --set' if overrides else ''}: " + "; ".join(mistakes))
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


def _folder_hint(folder: Path) -> str:
    if (folder / "config.toml").exists():
        return f"to resume that run: sentiment train --resume --run {quote_run(folder)}"
    return f"for a folder of reviews: --data {quote_path(folder)}"


def _apply_override(values: dict[str, Any], override: str) -> str | None:
    """Set one `section.key=value` in place; return what is wrong with it, if anything."""
    name, equals, raw = override.partition("=")
    *sections, key = name.strip().split(".")
    if not equals or not key:
        return f"--set {override} is not of the form section.key=value"
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            return f"--set {override}: {section} is no section"
    values[key] = _parse_value(raw.strip())
    return None


def _parse_value(raw: str) -> Any:
    """Read a TOML value; anything else, such as a bare word or a path, is a string."""
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return raw


def _describe_mistake(details: Mapping[str, Any]) -> str:
    """Say in words what pydantic found wrong."""
    name = ".".join(str(part) for part in details["loc"])
    if details["type"] == "extra_forbidden":
        return f"{name} is unknown ({_suggest_key(details['loc'])})"
    message = details["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    return f"{name}: {message}, not {details['input']!r}" if name else message


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

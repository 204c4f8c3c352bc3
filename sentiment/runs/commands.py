"""Command lines that messages tell the user to type."""

import shlex
from collections.abc import Sequence
from pathlib import Path


def train_command_line(run: Path) -> str:
    """Return the command that trains a new run in this folder."""
    return f"sentiment train --run {_quoted_path(run)}"


def resume_command_line(run: Path, source: str | None = None, changes: Sequence[str] = ()) -> str:
    """Return the command that resumes a run.

    `source` is where its data are now, if they have moved. `changes` are keys to set.
    """
    settings = "".join(f" --set {shlex.quote(change)}" for change in changes)
    return f"sentiment train --resume --run {_quoted_path(run)}{_data_option(source)}{settings}"


def report_command_line(run: Path, source: str | None = None) -> str:
    """Return the command that writes a page about a run, on the reviews it held out."""
    return f"sentiment report {_quoted_path(run)} --split validation{_data_option(source)}"


def _quoted_path(run: Path) -> str:
    """Return the path for a shell, with a slash, because a bare word is a name under runs/."""
    text = str(run)
    return shlex.quote(text if "/" in text else f"./{text}")


def _data_option(source: str | None) -> str:
    return "" if source is None else f" --data {shlex.quote(source)}"

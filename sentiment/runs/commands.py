"""Command lines that messages tell the user to type."""

from collections.abc import Sequence
from pathlib import Path

from sentiment.config.shell import quote_path, quote_run, quote_word


def train_command_line(run: Path) -> str:
    """Return the command that trains a new run in this folder."""
    return f"sentiment train --run {quote_run(run)}"


def resume_command_line(run: Path, source: str | None = None, changes: Sequence[str] = ()) -> str:
    """Return the command that resumes a run.

    `source` is where its data are now, if they have moved. `changes` are keys to set.
    """
    settings = "".join(f" --set {quote_word(change)}" for change in changes)
    return f"sentiment train --resume --run {quote_run(run)}{_data_option(source)}{settings}"


def report_command_line(run: Path, source: str | None = None) -> str:
    """Return the command that writes a page about a run, on the reviews it held out."""
    return f"sentiment report {quote_run(run)} --split validation{_data_option(source)}"


def _data_option(source: str | None) -> str:
    return "" if source is None else f" --data {quote_path(source)}"

"""The options that say how a table is read; every command that reads one has them all."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated

import typer

from sentiment.config import override
from sentiment.config.classes import parse_classes
from sentiment.data.text import shorten
from sentiment.errors import UsageError

Command = Callable[..., None]


def takes_table_options(command: Command) -> Command:
    """Give a command the options of `table_overrides`; it gets their overrides as its parameter `table`."""
    options = inspect.signature(table_overrides).parameters
    signature = inspect.signature(command)

    @functools.wraps(command)
    def with_options(**given: object) -> None:
        table = table_overrides(**{name: given.pop(name) for name in options})  # type: ignore[arg-type]
        command(**given, table=table)

    parameters = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, one in signature.parameters.items()
        for one in ([one, *options.values()] if name in ("data", "file") else [one])
        if one.name != "table"
    ]
    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return with_options


def table_overrides(
    *,
    text: Annotated[
        str | None, typer.Option("--text", metavar="COLUMN", help="The column of the texts.")
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="COLUMN", help="The column of the labels.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", metavar="COLUMN", help="The column that names what a review is about."),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            "--classes",
            metavar="SPEC",
            help='The labels of each class: "negative=1,2 positive=4,5". Other rows are left out.',
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option("--encoding", metavar="NAME", help="The encoding of the file, such as cp1252."),
    ] = None,
    quoting: Annotated[
        str | None,
        typer.Option("--quoting", metavar="HOW", help="none: a double quote is a character like others."),
    ] = None,
    no_header: Annotated[
        bool, typer.Option("--no-header", help="The first row is a review; columns are 1, 2 and so on.")
    ] = False,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Leave out rows that cannot be used, and count them.")
    ] = False,
) -> list[str]:
    """Return the options as overrides of a configuration; raises UsageError if `classes` cannot be read."""
    _require_readable(classes)
    named = {
        "data.text_column": text,
        "data.label_column": label,
        "data.group_column": group,
        "data.classes": classes,
        "data.encoding": encoding,
        "data.quoting": quoting,
        "data.no_header": no_header or None,
        "data.skip_bad_rows": skip_bad_rows or None,
    }
    return [override(key, value) for key, value in named.items() if value is not None]


def _require_readable(classes: str | None) -> None:
    try:
        parse_classes(classes or "")
    except ValueError as error:
        message = str(error)
        raise UsageError(f"--classes {shorten(classes)}: {message[0].lower()}{message[1:]}") from None

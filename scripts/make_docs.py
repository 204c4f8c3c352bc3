"""Write the generated parts of the documentation (`make docs`).

docs/configuration.md comes from the schema, docs/commands.md from the command line, and docs/explanation.svg
from the shipped model.
"""

import inspect
import io
import re
import types
import typing
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from rich.console import Console
from typer.testing import CliRunner

import sentiment
from sentiment.cli import app
from sentiment.cli.predict import prediction_line
from sentiment.config import Config, Section
from sentiment.explain.explanation import explain_reviews
from sentiment.explain.terminal import print_explanation, print_legend

DOCS = Path(__file__).parent.parent / "docs"
REVIEW = (
    "The opening is slow, and one song is terrible. Everything else is a delight: the acting is wonderful, "
    "and the story is told with warmth and humor. I laughed, I cried, and I left the cinema happy. Highly "
    "recommended."
)
SOURCE = "<!-- Written by scripts/make_docs.py; run `make docs` after a change. -->"


def configuration_page() -> str:
    """Describe every key of the configuration: type, limits, default and meaning."""
    parts = [
        "# Every key of the configuration",
        SOURCE,
        "A configuration is a TOML file. A key that it leaves out has the default below. "
        "`--set section.key=value` changes one key for one command. A recipe, such as `imdb`, is a "
        "configuration that ships with the program; it changes some of the defaults.",
    ]
    single = {name: field for name, field in Config.model_fields.items() if not find_section(field)}
    parts.append(key_table(single))
    for name, field in Config.model_fields.items():
        if section := find_section(field):
            parts += [
                f"## `[{name}]`",
                inspect.cleandoc(section.__doc__ or ""),
                key_table(section.model_fields),
            ]
    return "\n\n".join(parts) + "\n"


def commands_page() -> str:
    """Quote the help of every command, as a terminal of 80 columns shows it."""
    parts = [
        "# Every command",
        SOURCE,
        "This page is the output of `--help`. Exit codes: 0 success; 1 a bug in sentiment; 2 usage or "
        "configuration; 3 data, run or input; 4 the machine; 5 the training diverged; 6 a check failed; "
        "130 after SIGINT and 143 after SIGTERM.",
        "For completion in your shell, run `sentiment --install-completion`, then open a new shell.",
        help_block(),
    ]
    for command in app.registered_commands:
        parts += [f"## `sentiment {command.name}`", help_block(str(command.name))]
    return "\n\n".join(parts) + "\n"


def explanation_picture() -> str:
    """Draw the output of `sentiment predict --explain` for one review, as an SVG that loads no fonts."""
    (explanation,) = explain_reviews(sentiment.load(threads=1), [REVIEW])
    console = Console(
        file=io.StringIO(), width=80, record=True, force_terminal=True, color_system="truecolor"
    )
    console.print(prediction_line(explanation.prediction, label=None).expandtabs(), highlight=False)
    print_explanation(explanation, console)
    print_legend(console, "positive")
    svg = console.export_svg(title="sentiment predict --explain", unique_id="explanation")
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def help_block(*command: str) -> str:
    """Quote the help of a command, or of the program."""
    runner = CliRunner(env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
    text = runner.invoke(app, [*command, "--help"], prog_name="sentiment").stdout
    return f"```text\n{text.strip()}\n```"


def find_section(field: FieldInfo) -> type[Section] | None:
    """Return the class of a section; None if the field is a single key."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def key_table(fields: dict[str, FieldInfo]) -> str:
    """Describe keys in a table."""
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in fields.items():
        meaning = " ".join((field.description or "").split())
        kind = " ".join([name_type(field.annotation), *describe_limits(field)])
        rows.append(f"| `{name}` | {kind} | {format_default(field)} | {meaning} |")
    return "\n".join(rows)


def name_type(kind: Any) -> str:
    """Name the type of a key in words."""
    if typing.get_origin(kind) is typing.Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(kind))
    if typing.get_origin(kind) is typing.Union:
        return ", or ".join(map(name_type, typing.get_args(kind)))
    if typing.get_origin(kind) is typing.Annotated:
        plain, limits = typing.get_args(kind)
        return " ".join([name_type(plain), *describe_limits(limits)])
    if isinstance(kind, types.GenericAlias) or typing.get_origin(kind) is list:
        return f"list of {name_type(typing.get_args(kind)[0])}"
    return {int: "integer", float: "number", str: "text", bool: "true or false"}[kind]


def describe_limits(field: FieldInfo) -> list[str]:
    """List the limits of a key, such as `> 0`."""
    signs = {"gt": "> {}", "ge": ">= {}", "lt": "< {}", "le": "<= {}", "min_length": "at least {} of them"}
    return [
        signs[name].format(getattr(limit, name))
        for limit in field.metadata
        for name in signs
        if hasattr(limit, name)
    ]


def format_default(field: FieldInfo) -> str:
    """Return the default of a key in words."""
    value = field.default
    if value == "":
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else f"{value}"


def main() -> None:
    """Write the pages and the picture."""
    (DOCS / "configuration.md").write_text(configuration_page(), encoding="utf-8")
    (DOCS / "commands.md").write_text(commands_page(), encoding="utf-8")
    (DOCS / "explanation.svg").write_text(explanation_picture(), encoding="utf-8")


if __name__ == "__main__":
    main()

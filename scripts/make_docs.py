"""Write what documentation takes from the program (`make docs`).

docs/configuration.md from the schema, docs/commands.md from the command line, docs/explanation.svg from the
shipped model.
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
from sentiment.config import Config, Section
from sentiment.explain.explanation import explain
from sentiment.explain.highlight import print_explanation, print_legend

DOCS = Path(__file__).parent.parent / "docs"
REVIEW = (
    "The first half hour is slow, and I almost gave up. Then the story takes hold, the two leads are "
    "wonderful together, and the ending moved me to tears. Not a perfect film, but one of the best I have "
    "seen this year."
)
SOURCE = "<!-- Written by scripts/make_docs.py; run `make docs` after a change. -->"


def configuration_page() -> str:
    """Every key of the configuration with its type, default, limits and meaning."""
    parts = [
        "# Every key of the configuration",
        SOURCE,
        "A configuration is a TOML file; what it leaves out has the default below. `--set section.key=value` "
        "changes one key of a command. The recipes are in `configs/`; `sentiment train` without a file uses "
        "`configs/imdb.toml`, which sets some keys otherwise than the defaults.",
    ]
    single = {name: field for name, field in Config.model_fields.items() if not _section(field)}
    parts.append(_key_table(single))
    for name, field in Config.model_fields.items():
        if section := _section(field):
            parts += [
                f"## `[{name}]`",
                inspect.cleandoc(section.__doc__ or ""),
                _key_table(section.model_fields),
            ]
    return "\n\n".join(parts) + "\n"


def commands_page() -> str:
    """The help of every command, as a terminal of 80 columns shows it."""
    parts = [
        "# Every command",
        SOURCE,
        "What `--help` prints. Exit codes: 0 done; 1 a bug of ours; 2 usage or configuration; 3 data, run or "
        "input; 4 the machine; 5 diverged; 6 a check that failed; 130 and 143 for SIGINT and SIGTERM.",
        "For completion in your shell: `sentiment --install-completion`, then open a new shell.",
        _help(),
    ]
    for command in app.registered_commands:
        parts += [f"## `sentiment {command.name}`", _help(str(command.name))]
    return "\n\n".join(parts) + "\n"


def explanation_picture() -> str:
    """What `sentiment predict --explain` prints of a review, as an SVG without fonts from elsewhere."""
    (explanation,) = explain(sentiment.load(threads=1), [REVIEW])
    console = Console(
        file=io.StringIO(), width=80, record=True, force_terminal=True, color_system="truecolor"
    )
    prediction = explanation.prediction
    console.print(f"{prediction.label}  {prediction.probability:.4f}", highlight=False)
    print_explanation(explanation, console)
    print_legend(console)
    svg = console.export_svg(title="sentiment predict --explain", unique_id="explanation")
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def _help(*command: str) -> str:
    runner = CliRunner(env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
    text = runner.invoke(app, [*command, "--help"], prog_name="sentiment").stdout
    return f"```text\n{text.strip()}\n```"


def _section(field: FieldInfo) -> type[Section] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _key_table(fields: dict[str, FieldInfo]) -> str:
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in fields.items():
        meaning = " ".join((field.description or "").split())
        kind = " ".join([_type_name(field.annotation), *_limits(field)])
        rows.append(f"| `{name}` | {kind} | {_default(field)} | {meaning} |")
    return "\n".join(rows)


def _type_name(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(kind))
    if isinstance(kind, types.GenericAlias) or typing.get_origin(kind) is list:
        return f"list of {_type_name(typing.get_args(kind)[0])}"
    return {int: "integer", float: "number", str: "text", bool: "true or false"}[kind]


def _limits(field: FieldInfo) -> list[str]:
    signs = {"gt": "> {}", "ge": ">= {}", "lt": "< {}", "le": "<= {}", "min_length": "at least {} of them"}
    return [
        signs[name].format(getattr(limit, name))
        for limit in field.metadata
        for name in signs
        if hasattr(limit, name)
    ]


def _default(field: FieldInfo) -> str:
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

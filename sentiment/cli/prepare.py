"""`sentiment prepare`: download and tokenize the reviews, build the vocabulary, and print figures."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment.cli.options import (
    ConfigArgument,
    DataOption,
    ForceOption,
    JsonOption,
    SetOption,
    ThreadsOption,
    overrides,
)
from sentiment.cli.recipe import choose_config
from sentiment.cli.table_options import takes_table_options
from sentiment.errors import UsageError
from sentiment.system.console import say, show, show_json

if TYPE_CHECKING:
    from sentiment.data.audit import Audit
    from sentiment.data.lessons.make import Lesson

LessonsOption = Annotated[
    Path | None,
    typer.Option("--lessons", metavar="FILE", help="Write the lessons as JSON lines, to look at them."),
]


@takes_table_options
def prepare_command(
    config: ConfigArgument = None,
    settings: SetOption = None,
    data: DataOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    lessons: LessonsOption = None,
    force: ForceOption = False,
    table: Sequence[str] = (),
) -> None:
    """Download, tokenize and audit the reviews; training then starts at once."""
    if lessons is not None:
        from sentiment.system.storage import check_free

        check_free(lessons, force)
    _, wanted, source = choose_config(config, overrides(settings, data, table=table))
    if lessons is not None and not wanted.lessons.are_on:
        raise UsageError(
            "the configuration asks for no lessons; ask for some, such as --set lessons.everyday=1"
        )
    from sentiment.data.audit import audit
    from sentiment.system.threads import default_threads

    found = audit(wanted, threads or default_threads(), source)
    for note in found.notes:
        say(note)
    if found.holdout_warning is not None:
        say(f"warning: {found.holdout_warning}")
    if lessons is not None:
        write_lessons(found.lessons, lessons)
    if as_json:
        show_json({**asdict(replace(found, lessons=())), "lessons": found.lesson_counts})
    else:
        show(format_audit(found))


def format_audit(found: "Audit") -> str:
    """Return a table with a column for each split, then a line for each figure of all splits."""
    from sentiment.report.tables import split_cells

    lines = [f"{'':<17}" + "".join(f"{facts.split:>12}" for facts in found.splits)]
    columns = [split_cells(facts) for facts in found.splits]
    for name in columns[0]:
        lines.append(f"{name:<17}" + "".join(f"{column[name]:>12}" for column in columns))
    shared = "" if found.shared_groups is None else f", {found.shared_groups:,} groups shared with train"
    lines.append(f"validation by {found.rule}{shared}")
    lines += [f"copies across {pair}: {count:,}" for pair, count in found.copies_across.items()]
    lines.append("vocabulary: " + ", ".join(f"{words:,}" for words in found.words) + " words")
    if found.lessons:
        counts = found.lesson_counts.items()
        lines.append("lessons: " + ", ".join(f"{count:,} {kind}" for kind, count in counts))
    return "\n".join(lines)


def write_lessons(lessons: "Sequence[Lesson]", path: Path) -> None:
    """Write lessons as JSON lines, and say so; raises UsageError if there are none."""
    from sentiment.data.lessons.store import to_lines
    from sentiment.system.storage import write_file

    if not lessons:
        raise UsageError("there are no lessons for these classes or this language; leave --lessons out")
    write_file(path, "".join(to_lines(lessons)).encode())
    say(f"{len(lessons):,} lessons written to {path}")

"""`sentiment prepare`: download and tokenize the reviews, build the vocabulary, and print figures."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from sentiment.cli.options import ConfigArgument, DataOption, JsonOption, SetOption, ThreadsOption, overrides
from sentiment.cli.recipe import choose_config
from sentiment.cli.table_options import takes_table_options
from sentiment.system.console import say, show, show_json

if TYPE_CHECKING:
    from sentiment.data.audit import Audit


@takes_table_options
def prepare_command(
    config: ConfigArgument = None,
    settings: SetOption = None,
    data: DataOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    table: Sequence[str] = (),
) -> None:
    """Download, tokenize and audit the reviews; training then starts at once."""
    _, wanted, source = choose_config(config, overrides(settings, data, table=table))
    from sentiment.data.audit import audit
    from sentiment.system.threads import default_threads

    found = audit(wanted, threads or default_threads(), source)
    for note in found.notes:
        say(note)
    if found.holdout_warning is not None:
        say(f"warning: {found.holdout_warning}")
    if as_json:
        show_json(asdict(found))
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
    return "\n".join(lines)

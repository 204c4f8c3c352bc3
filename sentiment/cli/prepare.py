"""`sentiment prepare`: download, tokenize, build the vocabulary, and say what was found."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from sentiment.cli.options import ConfigArgument, DataOption, JsonOption, SetOption, ThreadsOption, overrides
from sentiment.config import read_config

if TYPE_CHECKING:
    from sentiment.data.audit import Audit


def prepare_command(
    config: ConfigArgument = None,
    settings: SetOption = None,
    data: DataOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Download, tokenize and audit the reviews; training then starts at once."""
    wanted = read_config(config, overrides(settings, data))
    from sentiment.data.audit import audit
    from sentiment.system.device import available_cores

    found = audit(wanted, threads or available_cores())
    print(json.dumps(asdict(found)) if as_json else _report(found))


def _report(found: "Audit") -> str:
    names = [
        "reviews",
        "positive",
        "median tokens",
        "95% below",
        "longest",
        "cut",
        "unknown",
        "copies",
        "<br />",
    ]
    columns = [
        [
            f"{facts.reviews:,}",
            "-" if facts.positive_share is None else f"{facts.positive_share:.1%}",
            f"{facts.median_length:,.0f}",
            f"{facts.long_length:,.0f}",
            f"{facts.longest:,}",
            f"{facts.cut_share:.1%}",
            f"{facts.unknown_share:.1%}",
            f"{facts.copies:,}",
            f"{facts.break_share:.1%}",
        ]
        for facts in found.splits
    ]
    lines = [f"{'':<14}" + "".join(f"{facts.split:>12}" for facts in found.splits)]
    for name, *values in zip(names, *columns, strict=True):
        lines.append(f"{name:<14}" + "".join(f"{value:>12}" for value in values))
    shared = "" if found.shared_groups is None else f", {found.shared_groups:,} groups shared with train"
    lines.append(f"validation by {found.rule}{shared}")
    lines += [f"copies across {pair}: {count:,}" for pair, count in found.copies_across.items()]
    lines.append("vocabulary: " + ", ".join(f"{words:,}" for words in found.words) + " words")
    return "\n".join(lines)

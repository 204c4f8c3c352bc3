"""`sentiment baseline`: fit and judge the linear model that a network must beat."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from sentiment.cli.options import (
    ConfigArgument,
    DataOption,
    JsonOption,
    SetOption,
    ThreadsOption,
    overrides,
)
from sentiment.cli.recipe import choose_config
from sentiment.cli.table import align, evaluation_rows, fit_rows
from sentiment.cli.table_options import takes_table_options
from sentiment.system.console import say, show, show_json


@takes_table_options
def baseline_command(
    config: ConfigArgument = None,
    settings: SetOption = None,
    data: DataOption = None,
    split: Annotated[str, typer.Option("--split", help="The split to judge.")] = "test",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    table: Sequence[str] = (),
) -> None:
    """Fit a linear n-gram model on the training reviews of a configuration, and judge it."""
    _, wanted, source = choose_config(config, overrides(settings, data, table=table))
    from sentiment.evaluation.judge import evaluate_baseline
    from sentiment.system.threads import default_threads

    say("fitting the baseline")
    result = evaluate_baseline(wanted, threads or default_threads(), split, source)
    if as_json:
        show_json(asdict(result))
    else:
        show(align(evaluation_rows({"n-gram baseline": result}) | fit_rows(result)))

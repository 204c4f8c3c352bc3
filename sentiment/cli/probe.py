"""`sentiment probe`: behavioural tests of a run."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment.cli.options import DeviceOption, JsonOption, RunArgument, ThreadsOption, choose_run
from sentiment.cli.table import Rows, align
from sentiment.probes.cases import FILES, NEWEST
from sentiment.system.console import show, show_json

if TYPE_CHECKING:
    from sentiment.evaluation.probe import CapabilityResult, Failure, ProbeResult

LINE_WIDTH = 80


def probe_command(
    run: RunArgument = None,
    min_pass: Annotated[
        float | None,
        typer.Option(
            "--min-pass",
            min=0,
            max=1,
            metavar="SHARE",
            help="Exit with 6 if fewer held-out cases of a row pass; * rows do not count.",
        ),
    ] = None,
    failures: Annotated[
        int,
        typer.Option("--failures", min=0, metavar="N", help="How many failing cases of each row to show."),
    ] = 2,
    version: Annotated[
        int,
        typer.Option(
            "--version", min=min(FILES), max=NEWEST, metavar="V", help="The version of the cases, 1 or 2."
        ),
    ] = NEWEST,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Probe a run: negation, contrast, comparison, idiom, invariance, sarcasm ..."""
    from sentiment.evaluation.probe import probe
    from sentiment.inference.predictor import Predictor

    path = choose_run(run)
    found = probe(Predictor.load(path, device or "auto", threads or 0), version)
    if as_json:
        show_json({"run": str(path), **asdict(found)})
    else:
        show(format_probes(found, failures))
    if min_pass is not None:
        found.require(min_pass)


def format_probes(found: "ProbeResult", failures: int) -> str:
    """Return the table of all capabilities and up to `failures` failing cases of each."""
    halves = [name.replace("_", " ") for name in found.capabilities[0].halves]
    rows: Rows = {"capability": ["cases", "passed", " share", "95%", *map("{:>8}".format, halves)]}
    rows |= {_capability_name(row): _capability_cells(row) for row in found.capabilities}
    lines = [align(rows), f"* expected to fail; version {found.version} of the cases"]
    for row in found.capabilities:
        if shown := _pick_failures(row.failures, failures):
            lines += ["", f"{row.name}: {len(row.failures)} of {row.cases} fail, such as"]
            lines += [line for failure in shown for line in _failure_lines(failure)]
    return "\n".join(lines)


def _pick_failures(failures: Sequence["Failure"], count: int) -> Sequence["Failure"]:
    """Pick `count` failures from the whole list: neighbours are from the same template."""
    return failures[:: max(1, len(failures) // max(1, count))][:count]


def _capability_name(row: "CapabilityResult") -> str:
    return f"{row.name} *" if row.hard else row.name


def _capability_cells(row: "CapabilityResult") -> list[str]:
    interval = f"{row.share_low:.1%} to {row.share_high:.1%}"
    halves = [f"{half.share:>8.1%}" for half in row.halves.values()]
    return [f"{row.cases:>5}", f"{row.passed:>6}", f"{row.share:>6.1%}", interval, *halves]


def _failure_lines(failure: "Failure") -> Iterator[str]:
    """Show a failing case: what is expected, then the probability of each text."""
    tolerance = f" within {failure.case.tolerance}" if failure.case.tolerance else ""
    yield f"  expected {failure.case.expected}{tolerance}, got:"
    for text, probability in zip(failure.case.texts, failure.probabilities, strict=True):
        yield textwrap.fill(
            text, LINE_WIDTH, initial_indent=f"    {probability:.3f}  ", subsequent_indent=" " * 11
        )

"""`sentiment inspect`: show what a network is made of."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment.cli.options import JsonOption, SetOption, choose_run
from sentiment.config import read_config, shipped_recipes
from sentiment.config.classes import CLASS_NAMES
from sentiment.system.console import show, show_json

if TYPE_CHECKING:
    from sentiment.explain.inspection import Inspection

EXAMPLE_TEXT = "This film is not terrible, in fact it's great!"


def inspect_command(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="CONFIG|RUN", help="A TOML file, a recipe, a run folder or shipped; imdb by default."
        ),
    ] = None,
    settings: SetOption = None,
    text: Annotated[str, typer.Option("--text", metavar="T", help="What the network reads.")] = EXAMPLE_TEXT,
    as_json: JsonOption = False,
) -> None:
    """Show each module's shapes, parameters, arithmetic and last states for a text."""
    from sentiment.explain.inspection import inspect_text

    if target is None or target.endswith(".toml") or target in shipped_recipes():
        names: Sequence[str] = CLASS_NAMES
        found = inspect_text(read_config(target, settings or ()), text)
    else:
        from sentiment.errors import UsageError
        from sentiment.inference.predictor import Predictor

        if settings:
            raise UsageError("a run's configuration is fixed: use --set with a CONFIG, or leave it out")
        predictor = Predictor.load(choose_run(target), device="cpu")
        names = predictor.class_names
        found = inspect_text(predictor.config, text, predictor.vocabulary, predictor.model)
    if as_json:
        show_json(asdict(found))
    else:
        show(format_inspection(found, names))


def format_inspection(found: "Inspection", class_names: Sequence[str]) -> str:
    """Return the table of modules, the last states and the logits."""
    total = sum(module.multiplications for module in found.modules) or 1
    lines = [f"{'module':<30}{'takes':<22}{'gives':<23}share"]
    for module in found.modules:
        lines.append(
            f"{module.name:<30}{_format_shape(module.takes):<22}{_format_shape(module.gives):<23}".rstrip()
        )
        share = f"{module.multiplications / total:.0%}"
        lines.append(f"  {module.kind + f', {module.parameters:,} parameters':<70}{share:>5}")
    lines.append(f"{found.parameters:,} parameters; share of {total:,} multiply-adds; tokens: {found.tokens}")
    lines += ["", f"{'last states':<30}{'direction':<12}{'|h_n|':>10}{'|c_n|':>10}"]
    for state in found.states:
        lengths = [math.hypot(*itertools.chain(*rows)) for rows in (state.hidden, state.cell)]
        lines.append(f"{state.layer:<30}{state.direction:<12}{lengths[0]:>10.4f}{lengths[1]:>10.4f}")
    lines += ["", *_format_logits(found.logits, class_names)]
    lines.append("B reviews, T tokens, C channels, E features, D directions, H hidden units,")
    lines.append("M merged state, R read out")
    return "\n".join(lines)


def _format_logits(logits: Sequence[float], class_names: Sequence[str]) -> list[str]:
    """Return a line for the only logit of two classes, or one for each class."""
    if len(logits) == 1:
        return [f"logit of {class_names[1]} {logits[0]:+.4f}"]
    return [f"logit of {name} {logit:+.4f}" for name, logit in zip(class_names, logits, strict=True)]


def _format_shape(axes: list[tuple[str, int]]) -> str:
    return " ".join(f"{letter}={size}" for letter, size in axes)

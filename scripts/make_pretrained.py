"""Make the shipped model: train the default recipe on every labelled review, store it small, write its card.

It trains two runs, and resumes those that were stopped. The first holds films out, and the card reports its
figures. The second trains on every review and is the one that ships.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from sentiment.cli.guard import guard
from sentiment.config import override, read_config
from sentiment.data.parts import load_part
from sentiment.evaluation.metrics import Evaluation, evaluate
from sentiment.inference.predictor import Predictor, build_model
from sentiment.models.compact import compact
from sentiment.runs import SHIPPED, FinishedRun, RunFolder
from sentiment.system import storage
from sentiment.system.console import say
from sentiment.system.device import find_machine
from sentiment.training.run import train_or_resume

RECIPE = "imdb"
HUB_NAME = "stanfordnlp/imdb"  # the source in the shipped configuration
GOLDEN = (
    "This film is not terrible, it's great!",
    "The plot falls apart and the acting is dull.",
    "Two hours of my life I will never get back.",
    "A quiet, beautifully acted drama that stays with you.",
)
NOT_TESTED = "Not measured on the held-back test yet. Run the command below and write its figures here."
CARD = """# Model card: the shipped sentiment model

The model tells whether an English film review is positive or negative.
It comes with the program and needs no download.

    sentiment predict --run shipped "What a film!"

| | |
| --- | --- |
| What it is | {kind} |
| Recipe | `imdb`, seed {seed}; epochs: {epochs} |
| Trained on | {trained_on} |
| Made by | `scripts/make_pretrained.py --data FOLDER --seed {seed}`, at commit {commit} |
| Training | {minutes:.0f} minutes on {device}, {threads} threads, {processes} processes |
| Size | {megabytes:.1f} MB: embeddings as int8, the rest as float16 |

## What it is for

Telling whether an English film review of a paragraph or more is positive.
It is less accurate on one or two sentences.
It reads the first {head} and the last {tail} tokens of a longer review.

## How accurate it is

{tested} FOLDER is a copy of the IMDB reviews.

    sentiment eval shipped --data FOLDER --split test

The same recipe was also trained without {validation:,} reviews{films}. These are its figures on them:

| | accuracy (95%) | loss | calibration error | ROC AUC |
| --- | --- | --- | --- | --- |
{rows}

The films of this table helped to choose the recipe, so the test is the fairer figure.
Another seed changes the accuracy by up to a point. `docs/results.md` and `docs/probe.md` have all figures.

## What it is bad at

- Negation of a complaint: it is mostly wrong about "not dull at all". It is mostly right about "not good".
- Irony and sarcasm.
- Short texts.
- Several opinions in one text.
- Reviews that are neither good nor bad. IMDB's data have no reviews with 5 or 6 of 10 points.
- New names: it knows films and actors of before 2011, and some of these names move its answer.

## What it is not for

Other languages, texts that are not reviews, and decisions about people.
"""


def predictor_of(run: FinishedRun, weights: dict[str, torch.Tensor]) -> Predictor:
    """Return a predictor with the configuration and vocabulary of `run` and other weights."""
    machine = find_machine(run.config.machine)
    model = build_model(run.config, run.vocabulary, weights, run.path, classes=2)
    return Predictor(run.config, run.vocabulary, model.to(machine.device), machine)


def judge(run: FinishedRun) -> dict[str, Evaluation]:
    """Judge the run on its validation films, with its own weights and with the small ones."""
    part = load_part(run.config, "validation", workers=2)
    reviews, labels_N = part.encode(run.vocabulary, run.config.text)
    found: dict[str, np.ndarray] = {
        "as trained": predictor_of(run, run.weights).logits(reviews),
        "as shipped": predictor_of(run, compact(run.weights)).logits(reviews),
    }
    moved = np.abs(found["as trained"] - found["as shipped"]).max()
    say(f"the small weights change no logit by more than {moved:.3f}")
    return {name: evaluate(logits_N, labels_N) for name, logits_N in found.items()}


def ship(run: FinishedRun, judged: FinishedRun) -> None:
    """Write the run with small weights and a card into the package, then replace the old model."""
    weights = compact(run.weights)
    data = run.config.data.model_copy(update={"source": HUB_NAME})
    facts = run.facts | {"data": run.facts["data"] | {"source": HUB_NAME}}
    golden = predictor_of(run, weights).golden(GOLDEN)
    with storage.new_folder(SHIPPED, replace=True) as held:
        folder = held.path
        with RunFolder(folder) as shipped:
            shipped.claim(force=False)
            shipped.create(run.config.model_copy(update={"data": data}))
            shipped.write_start(run.vocabulary, facts)
            shipped.finish(weights, golden, facts)
        (folder / ".lock").unlink()
        size = sum(file.stat().st_size for file in folder.iterdir())
        storage.write_file(folder / "README.md", describe(run, judged, size).encode())
    say(f"{SHIPPED}: {size / 1e6:.1f} MB")


def describe(run: FinishedRun, judged: FinishedRun, size: int) -> str:
    """Return the model card as Markdown."""
    rows = [
        f"| {name} | {figures.accuracy:.2%} ({figures.accuracy_low:.1%} to {figures.accuracy_high:.1%}) "
        f"| {figures.loss:.3f} | {figures.calibration_error:.3f} | {figures.roc_auc:.4f} |"
        for name, figures in judge(judged).items()
    ]
    model, facts = run.config.model, run.facts
    return CARD.format(
        kind=f"a bidirectional LSTM of {model.hidden} units a direction, {model.readout} readout"
        + (", mixed with a linear n-gram model" if run.config.evidence.weight else ""),
        seed=run.config.seed,
        epochs=", ".join(f"{stage['name']} {stage['epochs']}" for stage in facts["result"]["stages"]),
        trained_on=describe_training(run),
        commit=facts["git"],
        minutes=facts["result"]["seconds"] / 60,
        device=facts["machine"]["device"],
        threads=facts["machine"]["threads"],
        processes=facts["machine"]["processes"],
        megabytes=size / 1e6,
        validation=judged.facts["data"]["validation"],
        films=" of films that it never met" if judged.facts["data"]["validation_rule"] == "group" else "",
        rows="\n".join(rows),
        tested=NOT_TESTED,
        head=run.config.text.head,
        tail=run.config.text.tail,
    )


def describe_training(run: FinishedRun) -> str:
    """Return what the run learned from, as a part of a sentence."""
    steps = [
        f"the {run.facts['data']['train']:,} labelled training reviews of the Large Movie Review Dataset "
        "(Maas et al. 2011)"
    ]
    if run.config.pretraining.epochs:
        steps.append("before that, its 50,000 unlabelled reviews, to predict words")
    if run.config.self_training.epochs:
        steps.append("the unlabelled reviews again, with the answers of an earlier classifier")
    if run.config.evidence.phrases:
        steps.append("for the n-grams, the project's own short texts (`scripts/make_phrases.py`)")
    return "; ".join(steps)


def make(data: str, seed: int, runs: Path) -> None:
    """Train both runs on the reviews `data`, in the folder `runs`, and ship the second."""
    settings = [override("data.source", data), f"seed={seed}"]
    judged = train_or_resume(read_config(RECIPE, settings), runs / "judged")
    settings.append("data.validation=none")
    everything = train_or_resume(read_config(RECIPE, settings), runs / "everything")
    ship(everything, judged)


def main() -> None:
    """Parse the options, make the model, and end with the exit code of a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=HUB_NAME, help="the reviews: a hub name, folder or file")
    parser.add_argument("--seed", type=int, default=3, help="the seed of both runs; the shipped model has 3")
    parser.add_argument("--runs", type=Path, default=Path("runs/pretrained"), help="the folder for the runs")
    arguments = parser.parse_args()
    sys.exit(guard(lambda: make(arguments.data, arguments.seed, arguments.runs)))


if __name__ == "__main__":
    main()

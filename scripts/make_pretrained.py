"""Make the shipped model: train the default recipe on every labelled review, store it small, write its card.

Two runs are made, or gone on with where they were stopped: one that holds out films, whose figures the card
reports, and one that trains on everything, which is shipped.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from sentiment.cli.guard import guard
from sentiment.config import override, read_config
from sentiment.data.prepare import load_part
from sentiment.evaluation.metrics import Evaluation, evaluate
from sentiment.inference.predictor import Predictor, build_model
from sentiment.models.compact import compact
from sentiment.runs import SHIPPED, FinishedRun, RunFolder
from sentiment.system import storage
from sentiment.system.console import say
from sentiment.system.device import find_machine
from sentiment.training.run import train_or_resume

RECIPE = "imdb"
HUB_NAME = "stanfordnlp/imdb"  # what the shipped configuration names as its source
GOLDEN = (
    "This film is not terrible, it's great!",
    "The plot falls apart and the acting is dull.",
    "Two hours of my life I will never get back.",
    "A quiet, beautifully acted drama that stays with you.",
)
CARD = """# Model card: the shipped sentiment model

| | |
| --- | --- |
| What it is | {kind} |
| Recipe | `configs/imdb.toml`, seed {seed}; epochs: {epochs} |
| Trained on | the {train:,} labelled reviews of the Large Movie Review Dataset (Maas et al. 2011), after \
pretraining on its 50,000 unlabelled ones{taught}{phrases} |
| Made by | `scripts/make_pretrained.py --data FOLDER --seed {seed}`, finished at commit {commit} |
| Training | {minutes:.0f} minutes, {device}, {threads} threads in all, processes: {processes} |
| Size | {megabytes:.1f} MB: embeddings as int8, the rest as float16 |

## What it is worth

The same recipe, trained without {validation:,} reviews{films} and judged on them:

| | accuracy (95%) | loss | calibration error | ROC AUC |
| --- | --- | --- | --- | --- |
{rows}

Seeds differ by a point and this one's films had a say in the recipe: `docs/lab-notebook.md` has the others.

## Meant for

Telling whether an English film review of a paragraph or more is favourable; a sentence or two it
tells less well (`docs/probe.md`). It reads the first {head} and the
last {tail} tokens of a longer review.

## Not meant for

Other languages; texts that are no reviews; irony; short negations ("not dull at all"); opinions
on several things at once; decisions about people.
Reviews of IMDB with a middling score (5 and 6 of 10) are not in the data, so it has never seen a lukewarm
one. Names of films and actors of before 2011 may sway it.
"""


def predictor_of(run: FinishedRun, weights: dict[str, torch.Tensor]) -> Predictor:
    """A predictor with a run's configuration and vocabulary, but these weights."""
    machine = find_machine(run.config.machine)
    model = build_model(run.config, run.vocabulary, weights, run.path)
    return Predictor(run.config, run.vocabulary, model.to(machine.device), machine)


def judge(run: FinishedRun) -> dict[str, Evaluation]:
    """What the run is worth on its validation films, with its own weights and with small ones."""
    part = load_part(run.config, "validation", workers=2)
    reviews, labels_N = part.encode(run.vocabulary, run.config)
    found: dict[str, np.ndarray] = {
        "as trained": predictor_of(run, run.weights).logits(reviews),
        "as shipped": predictor_of(run, compact(run.weights)).logits(reviews),
    }
    moved = np.abs(found["as trained"] - found["as shipped"]).max()
    say(f"storing the weights small moved no logit by more than {moved:.3f}")
    return {name: evaluate(logits_N, labels_N) for name, logits_N in found.items()}


def ship(run: FinishedRun, judged: FinishedRun) -> None:
    """Write the run small, with its card, into the package; the old one goes when the new one is whole."""
    weights = compact(run.weights)
    data = run.config.data.model_copy(update={"source": HUB_NAME})
    facts = run.facts | {"data": run.facts["data"] | {"source": HUB_NAME}}
    golden = predictor_of(run, weights).golden(GOLDEN)
    with storage.new_folder(SHIPPED, replace=True) as folder:
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
    """The model card."""
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
        train=facts["data"]["train"],
        taught=", and then on these, too, with what an earlier classifier said of them"
        if run.config.self_training.epochs
        else "",
        phrases="; its n-grams also on the project's own short texts (`scripts/make_phrases.py`)"
        if run.config.evidence.phrases
        else "",
        commit=facts["git"],
        minutes=facts["result"]["seconds"] / 60,
        device=facts["machine"]["device"],
        threads=facts["machine"]["threads"],
        processes=facts["machine"]["processes"],
        megabytes=size / 1e6,
        validation=judged.facts["data"]["validation"],
        films=" of films that it never met" if judged.facts["data"]["validation_rule"] == "group" else "",
        rows="\n".join(rows),
        head=run.config.text.head,
        tail=run.config.text.tail,
    )


def make(data: str, seed: int, runs: Path) -> None:
    """Make both runs of the reviews `data` in the folder `runs`, ship the second."""
    settings = [override("data.source", data), f"seed={seed}"]
    judged = train_or_resume(read_config(RECIPE, settings), runs / "judged")
    settings.append("data.validation=none")
    everything = train_or_resume(read_config(RECIPE, settings), runs / "everything")
    ship(everything, judged)


def main() -> None:
    """Parse the options, make the model, leave with the exit code of a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=HUB_NAME, help="the reviews")
    parser.add_argument("--seed", type=int, default=3, help="of both runs; 3 made the one that ships")
    parser.add_argument("--runs", type=Path, default=Path("runs/pretrained"), help="where the runs are kept")
    arguments = parser.parse_args()
    sys.exit(guard(lambda: make(arguments.data, arguments.seed, arguments.runs)))


if __name__ == "__main__":
    main()

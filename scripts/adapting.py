"""Measure what a few texts are worth: to adapt the shipped model with, and to train on alone.

Each draw takes some rows of a table to learn from and up to 2,000 others to judge by. The columns are called
`text` and `label`. Example: python scripts/adapting.py reviews.csv --texts 500 --draws 5
"""

import argparse
import csv
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline

import sentiment
from sentiment.config import override
from sentiment.system.console import quiet, say, show

MOST_JUDGED = 2_000
Rows = Sequence[tuple[str, str]]
Answer = Callable[[Rows, list[str]], list[str]]


def main() -> None:
    """Print a table of the accuracies, macro F1 and seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--draws", type=int, default=5)
    given = parser.parse_args()
    with given.table.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    answers = dict(ANSWERS)
    if {label for _, label in rows} != {"negative", "positive"}:
        del answers[SHIPPED]
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in answers}
    for draw in range(given.draws):
        say(f"draw {draw + 1} of {given.draws}")
        shuffled = random.Random(100 + draw).sample(rows, len(rows))
        judged = shuffled[given.texts : given.texts + MOST_JUDGED]
        for name, answer in answers.items():
            found[name].append(_judge(answer, shuffled[: given.texts], judged))
    show(f"{'':<20}{'accuracy':>9}{'lowest':>9}{'macro F1':>9}{'seconds':>9}")
    for name, figures in found.items():
        accuracies, macro, seconds = zip(*figures, strict=True)
        show(
            f"{name:<20}{np.mean(accuracies):>9.1%}{min(accuracies):>9.1%}{np.mean(macro):>9.1%}"
            f"{np.mean(seconds):>9.0f}"
        )


def _judge(answer: Answer, learned: Rows, judged: Rows) -> tuple[float, float, float]:
    """Return accuracy, macro F1 and the seconds for learning and answering."""
    start = time.perf_counter()
    answers = answer(learned, [text for text, _ in judged])
    seconds, labels = time.perf_counter() - start, [label for _, label in judged]
    right = [own == label for own, label in zip(answers, labels, strict=True)]
    return float(np.mean(right)), f1_score(labels, answers, average="macro"), seconds


def _ask_shipped(learned: Rows, texts: list[str]) -> list[str]:
    return [prediction.likeliest for prediction in sentiment.load(threads=1).predict(texts)]


def _ask_linear(learned: Rows, texts: list[str], inverse_penalty: float) -> list[str]:
    """Answer as TF-IDF of 1- and 2-grams with logistic regression does."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = make_pipeline(words, LogisticRegression(C=inverse_penalty, max_iter=2_000))
    model.fit([text for text, _ in learned], [label for _, label in learned])
    return [str(label) for label in model.predict(texts)]


def _ask_trained(learned: Rows, texts: list[str], recipe: str, settings: Sequence[str] = ()) -> list[str]:
    with tempfile.TemporaryDirectory() as folder, quiet():
        table, run = Path(folder) / "learned.csv", Path(folder) / "run"
        with table.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *learned])
        changes = [override("data.source", str(table)), "logging.report=false", *settings]
        sentiment.train_run(sentiment.read_config(recipe, changes), run)
        model = sentiment.load(run, threads=1)
        return [prediction.likeliest for prediction in model.predict(texts)]


SHIPPED = "shipped model"
ANSWERS: dict[str, Answer] = {
    SHIPPED: _ask_shipped,
    "linear, C=1": partial(_ask_linear, inverse_penalty=1.0),
    "linear, C=10": partial(_ask_linear, inverse_penalty=10.0),
    "linear, C=30": partial(_ask_linear, inverse_penalty=30.0),
    "recipe small": partial(_ask_trained, recipe="small"),
    "adapt, from shipped": partial(_ask_trained, recipe="adapt", settings=("start.run=shipped",)),
}

if __name__ == "__main__":
    main()

"""Train every design of the article on the same reviews with the same budget, and print one table.

Finished runs are kept and stopped ones are resumed, so you can run the script again at any time.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from sentiment.cli.guard import guard
from sentiment.config import DataSettings, override, read_config
from sentiment.data.reviews import load_reviews
from sentiment.data.splits import hold_out
from sentiment.runs import read_run
from sentiment.system.console import say
from sentiment.training.run import train_or_resume

CONFIGS = Path(__file__).parents[1] / "configs" / "article"
BUDGET = [
    "training.epochs=3",
    "training.patience=3",
    "training.learning_rate=2e-3",
    "batches.tokens=4096",
    "data.validation_share=0.3",
]
ARTICLE_BUDGET = [setting for setting in BUDGET if not setting.startswith("batches")]  # keeps its own batches


def write_subset(source: str, share: float, path: Path) -> None:
    """Write whole films that have about `share` of the training reviews, half of them positive."""
    settings = DataSettings(source=source, validation_share=share)
    train = load_reviews(settings, ("train",))["train"]
    chosen = hold_out(train, settings, seed=0).validation_N
    texts, groups = np.array(list(train.texts), dtype=object), train.groups
    with path.open("w", encoding="utf-8") as file:
        for position in chosen:
            row = {"text": texts[position], "label": int(train.labels_N[position])}
            if groups is not None:
                row["film"] = groups[position]
            file.write(json.dumps(row) + "\n")


def row_of(name: str, path: Path) -> str:
    """Return one line of the table."""
    run = read_run(path)
    result: dict[str, Any] = run.facts["result"]
    judged = result["validation"]
    parameters = sum(value.numel() for key, value in run.weights.items() if not key.startswith("embeddings."))
    metrics = map(json.loads, (path / "metrics.jsonl").read_text().splitlines())
    tokens = sum(record["tokens"] for record in metrics if record["event"] == "step")
    return (
        f"| {name} | {judged['accuracy']:.1%} "
        f"({judged['accuracy_low']:.1%} to {judged['accuracy_high']:.1%}) "
        f"| {judged['loss']:.3f} | {result['stages'][-1]['best_epoch']} | {parameters:,} "
        f"| {tokens / result['seconds']:,.0f} | {result['seconds']:.0f} s |"
    )


def compare(data: str, share: float, runs: Path) -> None:
    """Train the runs that are missing in the folder `runs`, then print the table."""
    subset = runs / "reviews.jsonl"
    if not subset.exists():
        runs.mkdir(parents=True, exist_ok=True)
        write_subset(data, share, subset)
    names = sorted(path.stem for path in CONFIGS.glob("*.toml"))
    for name in names:
        say(f"--- {name}")
        budget = ARTICLE_BUDGET if name == "article" else BUDGET
        config = read_config(CONFIGS / f"{name}.toml", [*budget, override("data.source", str(subset))])
        train_or_resume(config, runs / name)
    print("| design | validation accuracy (95%) | loss | best epoch | parameters * | tokens/s | time |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in names:
        print(row_of(name, runs / name))
    print("\n* without the embeddings")


def main() -> None:
    """Parse the options, compare the designs, and end with the exit code of a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="stanfordnlp/imdb", help="the reviews: a hub name, folder or file")
    parser.add_argument("--share", type=float, default=0.12, help="share of the training reviews to use")
    parser.add_argument("--runs", type=Path, default=Path("runs/article"), help="the folder for the runs")
    arguments = parser.parse_args()
    sys.exit(guard(lambda: compare(arguments.data, arguments.share, arguments.runs)))


if __name__ == "__main__":
    main()

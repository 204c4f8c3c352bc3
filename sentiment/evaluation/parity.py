"""Check that a review gets the same probability alone, in a batch and from the command line."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentiment.data.text_rules import TextRules, normalise
from sentiment.errors import CheckError, SentimentError
from sentiment.evaluation.judge import Scores
from sentiment.inference.predictor import Predictor, figure_names
from sentiment.inference.scoring import class_probabilities
from sentiment.system.own_command import own_command, own_environment

LARGEST_DIFFERENCE = 1e-5
REVIEWS_TO_COMPARE = 50


@dataclass(frozen=True, kw_only=True)
class Parity:
    """For each way to score a review, the largest difference in probability from `eval`."""

    reviews: int
    alone: float
    """Each review alone, through Python."""
    together: float
    """All of them in one call, through Python."""
    command: float
    """All of them through `sentiment predict`, in another process."""

    @property
    def largest(self) -> float:
        """The largest difference of all ways."""
        return max(self.alone, self.together, self.command)

    def require(self) -> None:
        """Raise CheckError if one way differs by more than 1e-5."""
        if not self.largest <= LARGEST_DIFFERENCE:
            raise CheckError(f"a review's probability depends on how it is asked for: {self}")


def check_parity(predictor: Predictor, run: Path, scores: Scores) -> Parity:
    """Score reviews of all lengths again in every way.

    `scores` are from `predictor`, which was loaded from the folder `run`.
    """
    lengths_N = scores.part.tokens.lengths_N[scores.part.positions_N]
    by_length_N = np.argsort(lengths_N, kind="stable")
    chosen_C = by_length_N[
        np.unique(np.linspace(0, len(by_length_N) - 1, REVIEWS_TO_COMPARE).round().astype(int))
    ]
    texts = scores.part.texts()
    chosen = [texts[position] for position in chosen_C]
    expected_CK = class_probabilities(scores.logits)[chosen_C]

    def largest_difference(found_CK: np.ndarray) -> float:
        return float(np.abs(found_CK - expected_CK).max())

    return Parity(
        reviews=len(chosen),
        alone=largest_difference(np.concatenate([predictor.predict_proba([text]) for text in chosen])),
        together=largest_difference(predictor.predict_proba(chosen)),
        command=largest_difference(_run_predict_command(chosen, predictor, run)),
    )


def _run_predict_command(texts: Sequence[str], predictor: Predictor, run: Path) -> np.ndarray:
    """Return probabilities_CK."""
    machine = predictor.machine
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "reviews.txt"
        rules = TextRules.of(predictor.config.text)
        file.write_text("".join(normalise(text, rules) + "\n" for text in texts), encoding="utf-8")
        # The full path: a bare name could mean the shipped model.
        arguments = ["predict", "--run", str(run.resolve()), "--file", str(file), "--json"]
        machine_arguments = ["--device", str(machine.device), "--threads", str(machine.threads)]
        command = own_command([*arguments, *machine_arguments])
        result = subprocess.run(command, env=own_environment(), capture_output=True, text=True, check=False)
    if result.returncode:
        raise SentimentError(f"sentiment predict failed: {result.stderr.strip()}")
    names = figure_names(predictor.class_names)
    rows = [[record[name] for name in names] for record in map(json.loads, result.stdout.splitlines())]
    found, classes = np.array(rows), len(predictor.class_names)
    return np.hstack([1 - found, found]) if classes == 2 else found[:, :classes]

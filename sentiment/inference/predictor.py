"""Predict with a finished run: what `predict`, `eval` and Python users all call."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sentiment.config import Config, machine_settings
from sentiment.data.batches import AnyReviews, EncodedReviews
from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.text_rules import TextRules
from sentiment.data.tokenizer import shared_tokenizer
from sentiment.data.vocabulary import Vocabulary
from sentiment.data.workers import tokenize_stream
from sentiment.errors import RunError
from sentiment.inference.doubts import find_doubts, is_unreadable, join_doubts
from sentiment.inference.inputs import open_texts
from sentiment.inference.lines import check_lines, number_texts
from sentiment.inference.scoring import probabilities, score
from sentiment.models.compact import expand
from sentiment.models.ensemble import new_model
from sentiment.runs import FinishedRun, read_run
from sentiment.runs.decision import Decision, read_decision
from sentiment.system.device import Machine, find_machine
from sentiment.system.versions import changed_versions

REVIEWS_AT_A_TIME = 1024  # enough for even batches, few enough to answer soon
CLASSES = ("negative", "positive")
UNREADABLE = "unreadable"
GOLDEN_TOLERANCE = 1e-4  # ten times the change that another batch, machine or thread count may cause


@dataclass(frozen=True)
class Prediction:
    """The model's answer for one review."""

    label: str
    """positive or negative; unreadable if the model knows next to none of the words; unsure if asked for."""
    probability: float
    """The probability of positive."""
    tokens: int
    """How many tokens the model has read."""
    unknown: float
    """The share of them that is not in the vocabulary."""
    cut: bool
    """Whether the review was longer than what the model reads."""
    doubt: str = ""
    """Why not to trust the label, in words; empty if there is no reason."""

    @property
    def confidence(self) -> float:
        """Probability of `label`; it is below 0.5 only if another threshold than 0.5 chose the label.

        Of an unsure or unreadable review it is the probability of the likelier class.
        """
        if self.label not in CLASSES:
            return max(self.probability, 1 - self.probability)
        return self.probability if self.label == "positive" else 1 - self.probability


class Predictor:
    """A trained network with its vocabulary; `Predictor.load(path).predict(["..."])`."""

    def __init__(
        self,
        config: Config,
        vocabulary: Vocabulary,
        model: nn.Module,
        machine: Machine,
        facts: Mapping[str, Any] | None = None,
        decision: Decision | None = None,
    ) -> None:
        """Put the parts together; `facts` is the content of run.json, `decision` chooses labels."""
        self.config = config
        self.vocabulary = vocabulary
        self.model = model.eval()
        self.machine = machine
        self.facts = facts or {}
        self.decision = decision or Decision()

    @classmethod
    def load(cls, path: str | Path, device: str = "auto", threads: int = 0) -> "Predictor":
        """Open a finished run folder, in float32 however it was trained, and check its golden predictions.

        The caller's number of torch threads is kept: this one's own `threads` are used while it computes.
        Raises RunError if the run is missing, damaged or no longer predicts the same, UsageError if no device
        is called so, and MachineError if it is not there.
        """
        run = read_run(Path(path))
        machine = find_machine(machine_settings(device, threads))
        model = build_model(run.config, run.vocabulary, run.weights, run.path / "model.safetensors")
        model = model.to(machine.device)
        decision = read_decision(run.path)
        for config in _configurations_to_try(run.config):
            predictor = cls(config, run.vocabulary, model, machine, run.facts, decision)
            moved = predictor._golden_change(run)
            if moved <= GOLDEN_TOLERANCE:
                return predictor
        changes = changed_versions(run.facts["versions"])
        raise RunError(
            f"{run.path} no longer predicts the same (one in golden.json moved by {moved:.2g}); "
            + (f"changed since: {changes}" if changes else "no library has changed since")
        )

    @property
    def _rules(self) -> TextRules:
        return TextRules.of(self.config.text)

    @property
    def temperature(self) -> float:
        """The number by which the logits were divided at the end of the training."""
        temperature: float = self.facts.get("result", {}).get("temperature", 1.0)
        return temperature

    def predict(self, texts: Iterable[str]) -> list[Prediction]:
        """Predict reviews, in their order: a list, tuple, Series, array or any other iterable of texts.

        Raises DataError, which names the first unreadable one, and TypeError for a string, dict or table.
        """
        return list(self._predict_each(list(open_texts(texts, "predict"))))

    def predict_stream(
        self, texts: Iterable[str], is_idle: Callable[[], bool] = lambda: False
    ) -> Iterator[Prediction]:
        """Predict any number of reviews, in their order; memory stays flat.

        `is_idle` is asked after each text: if the next one may take long, those before it are predicted now.
        Raises DataError, which names the first unreadable one, after the predictions of those before it;
        TypeError as `predict` does.
        """
        return self._predict_each(open_texts(texts, "predict_stream"), is_idle)

    def _predict_each(
        self, texts: Iterable[str], is_idle: Callable[[], bool] = lambda: False
    ) -> Iterator[Prediction]:
        chunks = _group_texts((line.text for line in check_lines(number_texts(texts))), is_idle)
        for tokens in tokenize_stream(chunks, self._rules, self.machine.threads):
            yield from self.describe(EncodedReviews(tokens, self.vocabulary, self.config.text))

    def encode(self, texts: Iterable[str]) -> EncodedReviews:
        """Tokenize reviews and look their tokens up; raises DataError and TypeError as `predict` does."""
        checked = [line.text for line in check_lines(number_texts(open_texts(texts, "encode")))]
        tokens = shared_tokenizer(self._rules).tokenize_and_forget(checked)
        return EncodedReviews(tokens, self.vocabulary, self.config.text)

    def describe(self, reviews: AnyReviews) -> list[Prediction]:
        """Predict encoded reviews, in their order."""
        probability_N = probabilities(self.logits(reviews))
        return [
            describe_prediction(reviews, index, probability, self.decision)
            for index, probability in enumerate(probability_N.tolist())
        ]

    def predict_proba(self, texts: Iterable[str]) -> np.ndarray:
        """float64 (N, 2): the probabilities of negative and positive, as scikit-learn's tools expect them.

        Takes and raises what `predict` does.
        """
        predictions = self._predict_each(list(open_texts(texts, "predict_proba")))
        positive_N = np.array([prediction.probability for prediction in predictions])
        return np.stack([1 - positive_N, positive_N], axis=1)

    def logits(self, reviews: AnyReviews) -> np.ndarray:
        """logits_N (float32) of encoded reviews, in their order."""
        return score(self.model, reviews, self.machine)

    def golden(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Record the predictions of today, which `load` checks later."""
        predictions = self.predict(texts)
        return [
            {"text": text, "probability": prediction.probability}
            for text, prediction in zip(texts, predictions, strict=True)
        ]

    def _golden_change(self, run: FinishedRun) -> float:
        """Return the largest difference from a probability that the run recorded when it was finished."""
        now = self.predict([record["text"] for record in run.golden])
        then_G = np.array([record["probability"] for record in run.golden])
        return float(np.abs(np.array([prediction.probability for prediction in now]) - then_G).max())


def _configurations_to_try(config: Config) -> list[Config]:
    """Return the configuration, or for version 1 of `text.rules` two: the preferred one is the first.

    A run of version 1 met plain quotes and composed letters most often, so its texts are read with these; it
    falls back to its own rules if the golden predictions then differ.
    """
    if config.text.rules > 1:
        return [config]
    return [config.with_text(rules=2, tags=False, invisible=False), config]


def describe_prediction(
    reviews: AnyReviews, index: int, probability: float, decision: Decision
) -> Prediction:
    """The prediction of the review at `index`, given its probability."""
    words = reviews.count_words(index)
    unknown = float((reviews[index] == UNKNOWN_ID).mean())
    return Prediction(
        label=UNREADABLE if is_unreadable(words) else decision.label(probability),
        probability=float(probability),
        tokens=int(reviews.lengths_N[index]),
        unknown=unknown,
        cut=bool(reviews.whole_lengths_N[index] > reviews.lengths_N[index]),
        doubt=join_doubts(find_doubts(probability, words, unknown, decision)),
    )


def _group_texts(texts: Iterable[str], is_idle: Callable[[], bool]) -> Iterator[list[str]]:
    """Yield `REVIEWS_AT_A_TIME` texts at a time, fewer before a pause.

    A pause is an empty list. An error in `texts` is raised after the texts before it.
    """
    chunk: list[str] = []
    try:
        for text in texts:
            chunk.append(text)
            pauses = is_idle()
            if pauses or len(chunk) == REVIEWS_AT_A_TIME:
                yield chunk
                chunk = []
            if pauses:
                yield []
    except Exception:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def build_model(
    config: Config, vocabulary: Vocabulary, weights: dict[str, Tensor], origin: Path
) -> nn.Module:
    """Put weights into the network of a configuration; their shapes are checked before memory is taken.

    Raises RunError naming `origin` if they do not fit or are not finite.
    """
    try:
        with torch.device("meta"):
            model = new_model(config, vocabulary.sizes)
        model.load_state_dict(expand(weights), assign=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise RunError(f"{origin} does not fit its configuration: {reason[:200]}") from None
    if not all(bool(torch.isfinite(value).all()) for value in weights.values()):
        raise RunError(f"{origin} holds weights that are not finite numbers")
    return model

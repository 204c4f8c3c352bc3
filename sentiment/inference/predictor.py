"""Predict with a finished run: what `predict`, `eval` and Python users all call."""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sentiment.config import Config, machine_settings
from sentiment.config.classes import class_numbers
from sentiment.data.batches import AnyReviews, EncodedReviews
from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.text_rules import TextRules
from sentiment.data.tokenizer import shared_tokenizer
from sentiment.data.vocabulary import Vocabulary
from sentiment.data.words import WordCount
from sentiment.data.workers import tokenize_stream
from sentiment.errors import RunError
from sentiment.inference.bulk_scoring import score_in_bulk, suits_bulk
from sentiment.inference.doubts import find_doubts, is_unreadable, join_doubts
from sentiment.inference.inputs import open_texts
from sentiment.inference.lines import check_lines, number_texts
from sentiment.inference.scoring import class_probabilities, score
from sentiment.models.compact import expand
from sentiment.models.ensemble import new_model
from sentiment.runs import FinishedRun, read_run
from sentiment.runs.decision import Decision, read_decision
from sentiment.runs.table_settings import class_names
from sentiment.system.device import Machine, find_machine, prefer_bfloat16
from sentiment.system.versions import changed_versions

REVIEWS_AT_A_TIME = 1024  # enough for even batches, few enough to answer soon
UNREADABLE = "unreadable"
GOLDEN_TOLERANCE = 1e-4  # ten times the change that another batch, machine or thread count may cause


@dataclass(frozen=True)
class Prediction:
    """The model's answer for one review."""

    label: str
    """A class; unreadable if the model knows next to none of the words; unsure if asked for."""
    probabilities: Mapping[str, float]
    """The probability of each class by its name, in the order of the classes."""
    tokens: int
    """How many tokens the model has read."""
    unknown: float
    """The share of them that is not in the vocabulary."""
    cut: bool
    """Whether the review was longer than what the model reads."""
    doubt: str = ""
    """Why not to trust the label, in words; empty if there is no reason."""

    @property
    def probability(self) -> float:
        """The probability of the second of two classes, such as positive; of more classes, the highest."""
        found = list(self.probabilities.values())
        return found[1] if len(found) == 2 else max(found)

    @property
    def likeliest(self) -> str:
        """The class with the highest probability; of two equal ones the first."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def confidence(self) -> float:
        """Probability of `label`; of two classes, it is below 0.5 only if another threshold chose the label.

        Of an unsure or unreadable review it is the probability of the likeliest class.
        """
        return self.probabilities.get(self.label, self.probabilities[self.likeliest])

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction as `predict --json` writes it."""
        return {
            "label": self.label,
            **self.figures(),
            "tokens": self.tokens,
            "unknown": self.unknown,
            "cut": self.cut,
            "doubt": self.doubt,
        }

    def figures(self) -> dict[str, float]:
        """Return the values of `figure_names`."""
        values = list(self.probabilities.values())
        if len(values) == 2:
            values = values[1:]
        elif numbers := class_numbers(self.probabilities):
            values.append(sum(map(operator.mul, numbers, values)))
        return dict(zip(figure_names(self.probabilities), values, strict=True))


def figure_names(class_names: Iterable[str]) -> list[str]:
    """Return what JSON and tables call the figures of a prediction.

    It is `probability`, that of the second of two classes. Of more classes it is `probability_NAME` for each,
    and `expected` if all names are numbers, such as stars: the mean of the numbers, weighed by probability.
    """
    names = list(class_names)
    if len(names) == 2:
        return ["probability"]
    return [*(f"probability_{name}" for name in names), *(["expected"] if class_numbers(names) else [])]


class Predictor:
    """A trained network with its vocabulary; `Predictor.load(path).predict(["..."])`."""

    def __init__(
        self,
        config: Config,
        vocabulary: Vocabulary,
        model: nn.Module,
        machine: Machine,
        *,
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
        model = build_model(
            run.config,
            run.vocabulary,
            run.weights,
            run.path / "model.safetensors",
            len(class_names(run.facts)),
        )
        model = model.to(machine.device)
        decision = read_decision(run.path)
        for config in _configurations_to_try(run.config):
            predictor = cls(config, run.vocabulary, model, machine, facts=run.facts, decision=decision)
            moved = predictor._golden_change(run)
            if moved <= GOLDEN_TOLERANCE:
                return predictor
        changes = changed_versions(run.facts["versions"])
        raise RunError(
            f"{run.path} no longer predicts the same (one in golden.json moved by {moved:.2g}); "
            + (f"changed since: {changes}" if changes else "no library has changed since")
        )

    def use_bfloat16(self) -> bool:
        """Score in bfloat16 from now on, and return true, if the device has instructions for it.

        Logits then change by 0.012 on average and 0.1 at most, of many reviews on a CPU by much less
        (docs/results.md).
        """
        self.machine = prefer_bfloat16(self.machine)
        return self.machine.precision is torch.bfloat16

    @property
    def _rules(self) -> TextRules:
        return TextRules.of(self.config.text)

    @property
    def temperature(self) -> float:
        """The number by which the logits were divided at the end of the training."""
        temperature: float = self.facts.get("result", {}).get("temperature", 1.0)
        return temperature

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the columns of `predict_proba`."""
        return class_names(self.facts)

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
        names = self.class_names
        probabilities = [
            dict(zip(names, found, strict=True))
            for found in class_probabilities(self.logits(reviews)).tolist()
        ]
        return describe_predictions(reviews, range(len(reviews)), probabilities, self.decision)

    def predict_proba(self, texts: Iterable[str]) -> np.ndarray:
        """float64 (N, K): the probability of each class, as scikit-learn's tools expect them.

        Takes and raises what `predict` does.
        """
        predictions = self._predict_each(list(open_texts(texts, "predict_proba")))
        found = [list(prediction.probabilities.values()) for prediction in predictions]
        return np.array(found).reshape(-1, len(self.class_names))

    def logits(self, reviews: AnyReviews) -> np.ndarray:
        """logits_N (float32; logits_NK of K > 2 classes) of encoded reviews, in their order."""
        if suits_bulk(self.model, reviews, self.machine):
            return score_in_bulk(self.model, reviews, self.machine)
        # The steps of an LSTM over one review are too small for two cores to share.
        return score(self.model, reviews, self.machine.on_one_core() if len(reviews) == 1 else self.machine)

    def golden(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Record the predictions of today, which `load` checks later."""
        predictions = self.predict(texts)
        return [
            {"text": text, **_golden_figures(prediction)}
            for text, prediction in zip(texts, predictions, strict=True)
        ]

    def _golden_change(self, run: FinishedRun) -> float:
        """Return the largest difference from a probability that the run recorded when it was finished."""
        now = self.golden([record["text"] for record in run.golden])
        key = "probability" if len(self.class_names) == 2 else "probabilities"
        now_G, then_G = (np.array([record[key] for record in side]) for side in (now, run.golden))
        return float(np.abs(now_G - then_G).max())


def _configurations_to_try(config: Config) -> list[Config]:
    """Return the configuration, or for version 1 of `text.rules` two: the preferred one is the first.

    A run of version 1 met plain quotes and composed letters most often, so its texts are read with these; it
    falls back to its own rules if the golden predictions then differ.
    """
    if config.text.rules > 1:
        return [config]
    return [config.with_text(rules=2, tags=False, invisible=False), config]


def _golden_figures(prediction: Prediction) -> dict[str, Any]:
    """Return what golden.json records of a prediction."""
    if len(prediction.probabilities) == 2:
        return {"probability": prediction.probability}
    return {"probabilities": list(prediction.probabilities.values())}


def describe_predictions(
    reviews: AnyReviews,
    indices: Sequence[int],
    probabilities: Iterable[Mapping[str, float]],
    decision: Decision,
) -> list[Prediction]:
    """The predictions of the reviews at `indices`, given the probabilities of the classes of each."""
    words = reviews.count_words(indices)
    return [
        _describe(reviews, index, of_class, of_review, decision)
        for index, of_class, of_review in zip(indices, probabilities, words, strict=True)
    ]


def _describe(
    reviews: AnyReviews, index: int, probabilities: Mapping[str, float], words: WordCount, decision: Decision
) -> Prediction:
    ids = reviews[index]
    unknown = np.count_nonzero(ids == UNKNOWN_ID) / ids.size
    return Prediction(
        label=UNREADABLE if is_unreadable(words) else decision.label(probabilities),
        probabilities=probabilities,
        tokens=int(reviews.lengths_N[index]),
        unknown=unknown,
        cut=bool(reviews.whole_lengths_N[index] > reviews.lengths_N[index]),
        doubt=join_doubts(find_doubts(probabilities, words, unknown, decision)),
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
    config: Config, vocabulary: Vocabulary, weights: dict[str, Tensor], origin: Path, classes: int = 2
) -> nn.Module:
    """Put weights into the network of a configuration; their shapes are checked before memory is taken.

    Raises RunError naming `origin` if they do not fit or are not finite.
    """
    try:
        with torch.device("meta"):
            model = new_model(config, vocabulary.sizes, classes)
        model.load_state_dict(expand(weights), assign=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise RunError(f"{origin} does not fit its configuration: {reason[:200]}") from None
    if not all(bool(torch.isfinite(value).all()) for value in weights.values()):
        raise RunError(f"{origin} holds weights that are not finite numbers")
    return model

"""Explain a prediction: what each token and each sentence adds to the logit, and what to doubt."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from sentiment.data.batches import Batch, cut
from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.text_rules import TextRules
from sentiment.data.tokenizer import shared_tokenizer
from sentiment.explain.attribution import Attribution, ClassScore, attribute
from sentiment.inference.doubts import split_doubt
from sentiment.inference.inputs import open_texts
from sentiment.inference.predictor import Prediction, Predictor
from sentiment.models.classifier import LSTMClassifier, ReadoutDetails
from sentiment.models.ensemble import Ensemble
from sentiment.runs.table_settings import require_known


@dataclass(frozen=True)
class TokenScore:
    """One token of a review."""

    text: str
    """As the model reads it (`text.rules`), with the space that follows it."""
    contribution: float | None
    """What it adds to the logit; None if the token was cut and the model did not read it."""
    known: bool
    """Whether it is in the vocabulary."""


@dataclass(frozen=True)
class SentenceScore:
    """One sentence of a review: `tokens[start:stop]`."""

    start: int
    stop: int
    contribution: float | None
    """Sum over its tokens; None if the model read none of them."""


@dataclass(frozen=True)
class Explanation:
    """A prediction in parts: `base`, the tokens' contributions and `rest` add up to `logit`."""

    prediction: Prediction
    explained_class: str
    """What positive contributions speak for: the second of two classes, the likeliest of more, or another."""
    logit: float
    """Of the explained class; of more classes than two, minus the mean of the others."""
    base: float
    """The logit of the same review with every word unknown."""
    rest: float
    """The error of replacing an integral by a sum over steps."""
    tokens: list[TokenScore]
    sentences: list[SentenceScore]
    doubts: list[str]
    """Reasons not to trust the prediction, in words."""
    tokens_per_position: int
    """How many of the tokens read share one value of `attention` and `position_logits`."""
    attention: list[float] | None
    """The weights of an `attention` readout, which sum to 1; the mean over members."""
    position_logits: list[float] | None
    """The logits of a `tokens` readout; the mean over members."""

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as `predict --explain --json` writes it."""
        return {**asdict(self), "prediction": self.prediction.to_dict()}


def explain_reviews(
    predictor: Predictor, texts: Iterable[str], class_name: str | None = None
) -> list[Explanation]:
    """Explain reviews, in their order; takes and raises what `Predictor.predict` does.

    `class_name` is the class to explain: by default positive, or the second of two; of more the likeliest.
    Raises UsageError if there is no such class.
    """
    if class_name is not None:
        require_known([class_name], predictor.class_names)
    texts = list(open_texts(texts, "explain_reviews"))
    if not texts:
        return []
    reviews = predictor.encode(texts)
    predictions = predictor.describe(reviews)
    device = predictor.machine.device
    return [
        _explain_review(
            predictor,
            text,
            prediction,
            reviews.batch([index]).to(device),
            _choose_class(prediction, class_name),
        )
        for index, (text, prediction) in enumerate(zip(texts, predictions, strict=True))
    ]


def _choose_class(prediction: Prediction, wanted: str | None) -> str:
    names = list(prediction.probabilities)
    return wanted or (names[1] if len(names) == 2 else prediction.likeliest)


def _explain_review(
    predictor: Predictor, text: str, prediction: Prediction, batch: Batch, class_name: str
) -> Explanation:
    names = predictor.class_names
    score = ClassScore(names.index(class_name), len(names))
    attribution = attribute(predictor.model, batch.tokens_BT, score)
    sentences = shared_tokenizer(TextRules.of(predictor.config.text)).sentences(text)
    known_T = (batch.tokens_BT[0] != UNKNOWN_ID).reshape(prediction.tokens, -1).any(dim=1).tolist()
    pieces = [piece for sentence in sentences for piece in sentence]
    scores = [TokenScore(piece, None, True) for piece in pieces]
    read_T = cut(np.arange(len(pieces)), predictor.config.text).tolist()
    for place, known, contribution in zip(read_T, known_T, attribution.contributions_T.tolist(), strict=True):
        scores[place] = TokenScore(pieces[place], contribution, known)
    details = _read_out_members(predictor, batch)
    return Explanation(
        prediction=prediction,
        explained_class=class_name,
        logit=attribution.logit,
        base=attribution.base,
        rest=attribution.rest,
        tokens=scores,
        sentences=_score_sentences(scores, [len(sentence) for sentence in sentences]),
        doubts=_find_doubts(prediction, attribution),
        tokens_per_position=details[0].tokens_per_position,
        attention=_mean_over_members([member.weights_BT for member in details]),
        position_logits=_mean_over_members(
            [None if member.token_logits is None else score.of(member.token_logits) for member in details]
        ),
    )


def _read_out_members(predictor: Predictor, batch: Batch) -> list[ReadoutDetails]:
    """Return what the readout of each member shows about its positions."""
    model = predictor.model
    members = model.members if isinstance(model, Ensemble) else [model]
    with torch.inference_mode():
        return [
            member.readout_details(batch.tokens_BT, batch.lengths_B)
            for member in members
            if isinstance(member, LSTMClassifier)
        ]


def _mean_over_members(members: Sequence[torch.Tensor | None]) -> list[float] | None:
    """Average the members' only row; None if no member has values."""
    rows = [values_1T[0] for values_1T in members if values_1T is not None]
    return torch.stack(rows).mean(dim=0).tolist() if rows else None


def _score_sentences(scores: Sequence[TokenScore], lengths: Sequence[int]) -> list[SentenceScore]:
    """Sum token contributions over sentences of the given numbers of tokens."""
    sentences, start = [], 0
    for length in lengths:
        contributions = [score.contribution for score in scores[start : start + length]]
        read = [contribution for contribution in contributions if contribution is not None]
        sentences.append(SentenceScore(start, start + length, sum(read) if read else None))
        start += length
    return sentences


def _find_doubts(prediction: Prediction, attribution: Attribution) -> list[str]:
    """List the reasons not to trust a prediction, and those not to trust its marks."""
    doubts = split_doubt(prediction.doubt)
    if prediction.cut:
        doubts.append("the review is longer than the model reads; the part left out had no influence")
    if not attribution.is_complete:
        doubts.append(f"the marks miss {attribution.rest:+.2f} of the logit: take them as hints")
    return doubts

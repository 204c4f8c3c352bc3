"""Why a review got its probability: what each token and each sentence adds to the logit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from sentiment.data.batches import Batch, cut
from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.tokenizer import shared_tokenizer
from sentiment.explain.attribution import Attribution, attribute
from sentiment.inference.predictor import Prediction, Predictor
from sentiment.models.classifier import ReadoutDetails, SentimentClassifier
from sentiment.models.ensemble import Ensemble

FEW_WORDS = 5
MUCH_UNKNOWN = 0.2
NEAR_HALF = 0.15


@dataclass(frozen=True)
class TokenScore:
    """One token of a review."""

    text: str
    """As written, with the space that follows it."""
    contribution: float | None
    """What it adds to the logit; None where the review was cut and the model has not read it."""
    known: bool
    """Whether the vocabulary holds it."""


@dataclass(frozen=True)
class SentenceScore:
    """One sentence of a review: `tokens[start:stop]`."""

    start: int
    stop: int
    contribution: float | None
    """Sum over its tokens; None where none of them was read."""


@dataclass(frozen=True)
class Explanation:
    """A prediction broken down: `base`, the tokens' contributions and `rest` add up to `logit`."""

    prediction: Prediction
    logit: float
    base: float
    """The logit of the same review with every word unknown."""
    rest: float
    """What the contributions miss, as they come from a sum in place of an integral."""
    tokens: list[TokenScore]
    sentences: list[SentenceScore]
    doubts: list[str]
    """Why the prediction stands on little, in words."""
    tokens_per_position: int
    """Tokens that one value of the next two stands for, along the tokens that were read."""
    attention: list[float] | None
    """The readout's own weights, which sum to 1, where it is `attention`; the mean over members."""
    position_logits: list[float] | None
    """The readout's own logits where it is `tokens`; the mean over members."""


def explain(predictor: Predictor, texts: Sequence[str]) -> list[Explanation]:
    """Explain reviews, in their order; raises DataError as `Predictor.predict` does."""
    if not texts:
        return []
    reviews = predictor.encode(texts)
    predictions = predictor.describe(reviews)
    return [
        _explain(predictor, text, prediction, reviews.batch([index]).to(predictor.machine.device))
        for index, (text, prediction) in enumerate(zip(texts, predictions, strict=True))
    ]


def _explain(predictor: Predictor, text: str, prediction: Prediction, batch: Batch) -> Explanation:
    attribution = attribute(predictor.model, batch.tokens_BT)
    sentences = shared_tokenizer().sentences(text)
    pieces = [piece for sentence in sentences for piece in sentence]
    known_T = (batch.tokens_BT[0] != UNKNOWN_ID).reshape(prediction.tokens, -1).any(dim=1).tolist()
    scores = [TokenScore(piece, None, True) for piece in pieces]
    read_T = cut(np.arange(len(pieces)), predictor.config.text).tolist()
    for place, known, contribution in zip(read_T, known_T, attribution.contributions_T.tolist(), strict=True):
        scores[place] = TokenScore(pieces[place], contribution, known)
    details = _readout_details(predictor, batch)
    return Explanation(
        prediction=prediction,
        logit=attribution.logit,
        base=attribution.base,
        rest=attribution.rest,
        tokens=scores,
        sentences=_score_sentences(scores, [len(sentence) for sentence in sentences]),
        doubts=_doubts(prediction, sum(known_T), attribution),
        tokens_per_position=details[0].tokens_per_position,
        attention=_mean([member.weights_BT for member in details]),
        position_logits=_mean([member.token_logits_BT for member in details]),
    )


def _readout_details(predictor: Predictor, batch: Batch) -> list[ReadoutDetails]:
    model = predictor.model
    members = model.members if isinstance(model, Ensemble) else [model]
    with torch.inference_mode():
        return [
            member.readout_details(batch.tokens_BT, batch.lengths_B)
            for member in members
            if isinstance(member, SentimentClassifier)
        ]


def _mean(members: Sequence[torch.Tensor | None]) -> list[float] | None:
    """The one row's mean over members; None where they have none."""
    rows = [values_1T[0] for values_1T in members if values_1T is not None]
    return torch.stack(rows).mean(dim=0).tolist() if rows else None


def _score_sentences(scores: Sequence[TokenScore], lengths: Sequence[int]) -> list[SentenceScore]:
    sentences, start = [], 0
    for length in lengths:
        own = [score.contribution for score in scores[start : start + length]]
        read = [contribution for contribution in own if contribution is not None]
        sentences.append(SentenceScore(start, start + length, sum(read) if read else None))
        start += length
    return sentences


def _doubts(prediction: Prediction, known: int, attribution: Attribution) -> list[str]:
    doubts = []
    if known < FEW_WORDS:
        doubts.append(f"it knows {known or 'none'} of the words it read, too few to tell")
    elif prediction.unknown > MUCH_UNKNOWN:
        doubts.append(f"it does not know {prediction.unknown:.0%} of the words it read")
    if abs(prediction.probability - 0.5) < NEAR_HALF:
        doubts.append("the probability is near 0.5: it might as well be the other label")
    if prediction.cut:
        doubts.append("the review is longer than what it reads; the part left out had no say")
    if not attribution.is_complete:
        doubts.append(f"the marks account for the logit but for {attribution.rest:+.2f}: read them as hints")
    return doubts

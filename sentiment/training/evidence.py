"""Fit the n-gram evidence: a logistic regression over the n-grams that weigh most.

Each n-gram's feature is first multiplied by its log-count ratio. Source: Wang & Manning 2012 (NB-SVM).
Unlabelled reviews may count, too, with the labels that a model guesses.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from sentiment.config import Config
from sentiment.data.batches import LabelledReviews
from sentiment.models.evidence import NO_NGRAM, NGramEvidence, distinct_ngrams

LEAST_REVIEWS = 2  # an n-gram of fewer reviews tells nothing that holds elsewhere
# scikit-learn's C, the inverse of a penalty: chosen on IMDB's validation films, see docs/lab-notebook.md.
INVERSE_PENALTY, INVERSE_PENALTY_WITH_GUESSES = 100.0, 20.0


class _Read(NamedTuple):
    """Reviews to fit on."""

    source: LabelledReviews
    chosen_N: np.ndarray
    """int64: which of them."""
    weight: float
    """What one with a certain label counts."""


def fit_evidence(
    train: LabelledReviews,
    words: int,
    config: Config,
    extra: LabelledReviews | None = None,
    phrases: LabelledReviews | None = None,
    guessed: LabelledReviews | None = None,
) -> NGramEvidence:
    """Fit on every n-gram that stands in two reviews, keep the `evidence.size` weightiest, fit on those.

    The weight of an n-gram is its coefficient times the root of the number of reviews it stands in. Of more
    reviews than `evidence.reviews` some are drawn; the texts `extra` and `phrases` are always taken, beside
    them, and one of `phrases` counts `evidence.phrases` times as much as a review. The same reviews and seed
    give the same evidence; without an n-gram of two reviews every weight is zero.

    The labels of `guessed` are a model's probabilities: a review counts for the likelier label, all the more
    the surer the model is, and at most `evidence.unlabelled` times as much as a labelled one. No more of
    them are drawn than of train.
    """
    drawn_N = _draw(train.labels_N, config.evidence.reviews, config.seed)
    read = [_Read(train, drawn_N, 1.0)]
    beside = ((extra, 1.0), (phrases, config.evidence.phrases))
    read += [
        _Read(texts, np.arange(len(texts.labels_N)), weight) for texts, weight in beside if texts is not None
    ]
    if guessed is not None:
        drawn_guesses_N = _draw(guessed.labels_N > 0.5, len(drawn_N), config.seed)
        read.append(_Read(guessed, drawn_guesses_N, config.evidence.unlabelled))
    labels = [part.source.labels_N[part.chosen_N] for part in read]
    probabilities_N = np.concatenate(labels).astype(np.float64)
    most_N = np.repeat([part.weight for part in read], [len(part.chosen_N) for part in read])
    weights_N = np.abs(2 * probabilities_N - 1) * most_N
    inverse_penalty = INVERSE_PENALTY if guessed is None else INVERSE_PENALTY_WITH_GUESSES
    fit = partial(
        _fit,
        labels_N=probabilities_N > 0.5,
        weights_N=weights_N,
        inverse_penalty=inverse_penalty,
        seed=config.seed,
    )

    keys_X, reviews_X = _ngrams(read, words)
    keys_G, frequencies_G = np.unique(keys_X, return_counts=True)
    common = frequencies_G >= LEAST_REVIEWS
    keys_G, frequencies_G = keys_G[common], frequencies_G[common]
    evidence = NGramEvidence(config.evidence.size, words)
    if len(keys_G) == 0:
        return evidence
    if len(keys_G) > config.evidence.size:
        coefficients_G, _ = fit(keys_X, reviews_X, keys_G, frequencies_G)
        importance_G = np.abs(coefficients_G) * np.sqrt(frequencies_G)
        kept = np.sort(np.argsort(-importance_G, kind="stable")[: config.evidence.size])
        keys_G, frequencies_G = keys_G[kept], frequencies_G[kept]
    coefficients_G, bias = fit(keys_X, reviews_X, keys_G, frequencies_G)
    idf_G = _inverse_document_frequency(frequencies_G, len(weights_N))
    evidence.keys_G[: len(keys_G)] = torch.from_numpy(keys_G)
    evidence.weights_G[: len(keys_G)] = torch.from_numpy(coefficients_G * idf_G)
    evidence.squares_G[: len(keys_G)] = torch.from_numpy(idf_G**2)
    evidence.bias.fill_(bias)
    return evidence


def _draw(labels_N: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Positions of `most` reviews (one more or less by rounding), or of all; each class has its share."""
    if len(labels_N) <= most:
        return np.arange(len(labels_N))
    random, chosen = np.random.default_rng(seed), []
    for label in np.unique(labels_N):
        positions = np.flatnonzero(labels_N == label)
        share = max(1, round(most * len(positions) / len(labels_N)))
        chosen.append(random.choice(positions, share, replace=False))
    return np.sort(np.concatenate(chosen))


def _ngrams(read: Sequence[_Read], words: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys of each chosen review's distinct n-grams, end to end, and which of them each belongs to."""
    found = []
    for part in read:
        for index in part.chosen_N.tolist():
            tokens_1T = torch.from_numpy(part.source.reviews[index])[None]
            keys_1N = distinct_ngrams(tokens_1T, words).numpy()
            found.append(keys_1N[keys_1N != NO_NGRAM])
    return np.concatenate(found), np.repeat(np.arange(len(found)), [len(keys) for keys in found])


def _fit(
    keys_X: np.ndarray,
    reviews_X: np.ndarray,
    keys_G: np.ndarray,
    frequencies_G: np.ndarray,
    *,
    labels_N: np.ndarray,
    weights_N: np.ndarray,
    inverse_penalty: float,
    seed: int,
) -> tuple[np.ndarray, float]:
    """Coefficients of the n-grams `keys_G`, their log-count ratios multiplied in, and bias."""
    from scipy.sparse import diags
    from sklearn.linear_model import LogisticRegression

    features = _features(keys_X, reviews_X, keys_G, frequencies_G, len(labels_N))
    ratios_G = _log_count_ratios(features > 0, labels_N, weights_N)
    dual = len(keys_G) > len(labels_N)  # the quicker way to the same weights
    model = LogisticRegression(
        C=inverse_penalty,
        solver="liblinear",
        dual=dual,
        tol=1e-2 if dual else 1e-4,  # it means another thing to either
        max_iter=1000,  # with a few n-grams alone 100 are not always enough
        random_state=seed,
    ).fit(features @ diags(ratios_G), labels_N, sample_weight=weights_N)
    return model.coef_[0] * ratios_G, float(model.intercept_[0])


def _log_count_ratios(presence: Any, labels_N: np.ndarray, weights_N: np.ndarray) -> np.ndarray:
    """ratios_G: logarithm of an n-gram's share of what positive reviews hold over its share in negative ones.

    Reviews count by their weight, and as if one more review of each class held every n-gram.
    """
    positive_G, negative_G = (presence.T @ (weights_N * (labels_N == label)) + 1.0 for label in (True, False))
    ratios_G: np.ndarray = np.log(positive_G / positive_G.sum()) - np.log(negative_G / negative_G.sum())
    return ratios_G


def _features(
    keys_X: np.ndarray, reviews_X: np.ndarray, keys_G: np.ndarray, frequencies_G: np.ndarray, reviews: int
) -> Any:
    """A scipy matrix (reviews, n-grams): inverse document frequencies, each row of L2 norm 1."""
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    places_X = np.minimum(np.searchsorted(keys_G, keys_X), len(keys_G) - 1)
    kept_X = keys_G[places_X] == keys_X
    values = _inverse_document_frequency(frequencies_G, reviews)[places_X[kept_X]]
    cells = (reviews_X[kept_X], places_X[kept_X])
    return normalize(csr_matrix((values, cells), shape=(reviews, len(keys_G))), copy=False)


def _inverse_document_frequency(frequencies_G: np.ndarray, reviews: int) -> np.ndarray:
    """As scikit-learn smooths it: as if one more review held every n-gram."""
    idf_G: np.ndarray = np.log((1 + reviews) / (1 + frequencies_G)) + 1
    return idf_G

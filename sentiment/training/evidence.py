"""Fit the n-gram evidence: a logistic regression over the weightiest n-grams.

Each n-gram's feature is first multiplied by its log-count ratio. Source: Wang & Manning 2012 (NB-SVM).
With more classes than two there is a regression of each class against the others.
Unlabelled reviews can count too, with the labels that a model guesses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from sentiment.config import EvidenceSettings
from sentiment.data.batches import LabelledReviews
from sentiment.models.classifier import drop_single_output
from sentiment.models.evidence import NO_NGRAM, NGramEvidence, distinct_ngrams

MIN_REVIEWS = 2  # an n-gram of a single review says nothing about others
ADDED_REVIEWS = 2.0  # so that the ratio of an n-gram that one class never has is finite
# scikit-learn's C, the inverse of a penalty: chosen on IMDB's validation films, see docs/lab-notebook.md.
INVERSE_PENALTY, INVERSE_PENALTY_WITH_GUESSES = 100.0, 20.0


@dataclass(frozen=True, kw_only=True)
class _ChosenReviews:
    """Some reviews to fit on."""

    source: LabelledReviews
    chosen_N: np.ndarray
    """int64: which of its reviews."""
    weight: float
    """How much a review with a certain label counts."""


@dataclass(frozen=True, kw_only=True)
class _FitData:
    """All reviews to fit on, as n-grams."""

    keys_X: np.ndarray
    """The keys of each review's distinct n-grams, end to end."""
    reviews_X: np.ndarray
    """The review of each of them."""
    labels_N: np.ndarray
    """int64: the class of each review."""
    weights_N: np.ndarray
    """How much each review counts."""
    targets: Sequence[int]
    """The classes that are told from all others: the second of two, or every one."""


class _CountedNGrams(NamedTuple):
    """Some n-grams, ascending by key."""

    keys_G: np.ndarray
    frequencies_G: np.ndarray
    """How many reviews each occurs in."""


def fit_evidence(
    train: LabelledReviews,
    words: int,
    settings: EvidenceSettings,
    *,
    seed: int,
    extra: LabelledReviews | None = None,
    phrases: LabelledReviews | None = None,
    guessed: LabelledReviews | None = None,
    classes: int = 2,
) -> NGramEvidence:
    """Fit on every n-gram of at least two reviews, keep the `size` weightiest, fit again on those.

    The weight of an n-gram is its coefficient, the largest of all classes, times the square root of the
    number of its reviews. If train has more than `settings.reviews` reviews, some are drawn. All texts of
    `extra` and `phrases` are added; a phrase counts `settings.phrases` times as much as a review.

    The labels of `guessed` are a model's probabilities. A review counts for its likelier label: the surer the
    model, the more, and at most `settings.unlabelled` times as much as a labelled review. At most as many
    guessed reviews are drawn as reviews of train.

    The same reviews and seed give the same evidence. Without an n-gram of two reviews every weight is zero.
    """
    parts = [_draw_reviews(train, settings.reviews, weight=1.0, seed=seed)]
    for texts, weight in ((extra, 1.0), (phrases, settings.phrases)):
        if texts is not None:
            parts.append(_ChosenReviews(source=texts, chosen_N=np.arange(len(texts.labels_N)), weight=weight))
    if guessed is not None:
        most = len(parts[0].chosen_N)
        parts.append(_draw_reviews(guessed, most, weight=settings.unlabelled, seed=seed))
    data = _read_ngrams(parts, words, classes)
    inverse_penalty = INVERSE_PENALTY if guessed is None else INVERSE_PENALTY_WITH_GUESSES
    fit = partial(_fit_classes, data, inverse_penalty=inverse_penalty, seed=seed)

    ngrams = _find_common_ngrams(data)
    evidence = NGramEvidence(settings.size, words, classes)
    if len(ngrams.keys_G) == 0:
        return evidence
    if len(ngrams.keys_G) > settings.size:
        coefficients_GO, _ = fit(ngrams)
        ngrams = _keep_weightiest(ngrams, np.abs(coefficients_GO).max(axis=1), settings.size)
    coefficients_GO, bias_O = fit(ngrams)
    idf_G = _inverse_document_frequency(ngrams.frequencies_G, len(data.labels_N))
    kept = len(ngrams.keys_G)
    evidence.keys_G[:kept] = torch.from_numpy(ngrams.keys_G)
    weights_GO = torch.from_numpy(coefficients_GO * idf_G[:, None])
    evidence.weights_G[:kept] = drop_single_output(weights_GO)
    evidence.squares_G[:kept] = torch.from_numpy(idf_G**2)
    evidence.bias.copy_(drop_single_output(torch.from_numpy(bias_O)))
    return evidence


def _draw_reviews(source: LabelledReviews, most: int, *, weight: float, seed: int) -> _ChosenReviews:
    """Draw `most` reviews (one more or less by rounding), or take all; each class has its share."""
    classes_N, _ = _read_labels(source.labels_N)
    if len(classes_N) <= most:
        return _ChosenReviews(source=source, chosen_N=np.arange(len(classes_N)), weight=weight)
    random, chosen = np.random.default_rng(seed), []
    for label in np.unique(classes_N):
        positions = np.flatnonzero(classes_N == label)
        share = max(1, round(most * len(positions) / len(classes_N)))
        chosen.append(random.choice(positions, share, replace=False))
    return _ChosenReviews(source=source, chosen_N=np.sort(np.concatenate(chosen)), weight=weight)


def _read_labels(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the likeliest class of each review (int64), and how sure the labels are of it, from 0 to 1.

    `labels` are the numbers of classes, or probabilities as `LabelledReviews` has them.
    """
    if labels.ndim > 1:
        classes = labels.shape[1]
        return labels.argmax(axis=1), (classes * labels.max(axis=1) - 1) / (classes - 1)
    if np.issubdtype(labels.dtype, np.integer):
        return labels.astype(np.int64), np.ones(len(labels))
    return (labels > 0.5).astype(np.int64), np.abs(2 * labels.astype(np.float64) - 1)


def _read_ngrams(parts: Sequence[_ChosenReviews], words: int, classes: int) -> _FitData:
    """Find the n-grams, the label and the weight of each chosen review."""
    keys = []
    for part in parts:
        for index in part.chosen_N.tolist():
            tokens_1T = torch.from_numpy(part.source.reviews[index])[None]
            keys_1N = distinct_ngrams(tokens_1T, words).numpy()
            keys.append(keys_1N[keys_1N != NO_NGRAM])
    labels = [_read_labels(part.source.labels_N[part.chosen_N]) for part in parts]
    classes_N, sureness_N = (np.concatenate(column) for column in zip(*labels, strict=True))
    most_N = np.repeat([part.weight for part in parts], [len(part.chosen_N) for part in parts])
    return _FitData(
        keys_X=np.concatenate(keys),
        reviews_X=np.repeat(np.arange(len(keys)), [len(own) for own in keys]),
        labels_N=classes_N,
        weights_N=sureness_N * most_N,
        targets=[1] if classes == 2 else range(classes),
    )


def _find_common_ngrams(data: _FitData) -> _CountedNGrams:
    """Return the n-grams of at least two reviews."""
    keys_G, frequencies_G = np.unique(data.keys_X, return_counts=True)
    common = frequencies_G >= MIN_REVIEWS
    return _CountedNGrams(keys_G[common], frequencies_G[common])


def _keep_weightiest(ngrams: _CountedNGrams, sizes_G: np.ndarray, size: int) -> _CountedNGrams:
    """Return the `size` n-grams of the largest coefficients, weighed by how many reviews they occur in."""
    importance_G = sizes_G * np.sqrt(ngrams.frequencies_G)
    kept = np.sort(np.argsort(-importance_G, kind="stable")[:size])
    return _CountedNGrams(ngrams.keys_G[kept], ngrams.frequencies_G[kept])


def _fit_classes(
    data: _FitData, ngrams: _CountedNGrams, *, inverse_penalty: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients_GO and bias_O: a regression for each class that is told from the others."""
    features = _build_features(data, ngrams)
    found = [
        _fit_regression(features, data.labels_N == target, data.weights_N, inverse_penalty, seed)
        for target in data.targets
    ]
    return np.stack([own_G for own_G, _ in found], axis=1), np.array([bias for _, bias in found])


def _fit_regression(
    features: Any, is_target_N: np.ndarray, weights_N: np.ndarray, inverse_penalty: float, seed: int
) -> tuple[np.ndarray, float]:
    """Return the coefficients of the n-grams, multiplied by their log-count ratios, and the bias."""
    from scipy.sparse import diags
    from sklearn.linear_model import LogisticRegression

    ratios_G = _log_count_ratios(features > 0, is_target_N, weights_N)
    reviews, ngrams = features.shape
    dual = ngrams > reviews  # the faster way to the same weights
    model = LogisticRegression(
        C=inverse_penalty,
        solver="liblinear",
        dual=dual,
        tol=1e-2 if dual else 1e-4,  # the two solvers measure it differently
        max_iter=1000,  # 100 are not always enough for a few n-grams
        random_state=seed,
    ).fit(features @ diags(ratios_G), is_target_N, sample_weight=weights_N)
    return model.coef_[0] * ratios_G, float(model.intercept_[0])


def _log_count_ratios(presence: Any, is_target_N: np.ndarray, weights_N: np.ndarray) -> np.ndarray:
    """Return ratios_G: the log of an n-gram's share in reviews of the class over its share in the others.

    Reviews count by their weight. Two more, which hold every n-gram, are added: each class has its share of
    them. With one of each class, the rare n-grams of the larger class would have a ratio near 0.
    """
    of_class = [weights_N * (is_target_N == label) for label in (True, False)]
    target_G, others_G = (
        presence.T @ own_N + ADDED_REVIEWS * own_N.sum() / weights_N.sum() for own_N in of_class
    )
    ratios_G: np.ndarray = np.log(target_G / target_G.sum()) - np.log(others_G / others_G.sum())
    return ratios_G


def _build_features(data: _FitData, ngrams: _CountedNGrams) -> Any:
    """Return a scipy matrix (reviews, n-grams) of inverse document frequencies; each row has L2 norm 1."""
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    reviews, keys_G = len(data.labels_N), ngrams.keys_G
    places_X = np.minimum(np.searchsorted(keys_G, data.keys_X), len(keys_G) - 1)
    kept_X = keys_G[places_X] == data.keys_X
    values = _inverse_document_frequency(ngrams.frequencies_G, reviews)[places_X[kept_X]]
    cells = (data.reviews_X[kept_X], places_X[kept_X])
    return normalize(csr_matrix((values, cells), shape=(reviews, len(keys_G))), copy=False)


def _inverse_document_frequency(frequencies_G: np.ndarray, reviews: int) -> np.ndarray:
    """Return idf_G, smoothed as in scikit-learn: as if one more review held every n-gram."""
    idf_G: np.ndarray = np.log((1 + reviews) / (1 + frequencies_G)) + 1
    return idf_G

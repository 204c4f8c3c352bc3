"""Fit the n-gram evidence: a logistic regression over the weightiest n-grams.

Each n-gram's feature is first multiplied by its log-count ratio. Source: Wang & Manning 2012 (NB-SVM).
With more classes than two there is a regression of each class against the others.
Unlabelled reviews can count too, with the labels that a model guesses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from sentiment.config import ENOUGH_ROWS, EvidenceSettings
from sentiment.data.batches import LabelledReviews
from sentiment.models.classifier import drop_single_output
from sentiment.models.evidence import NGramEvidence
from sentiment.system import memory
from sentiment.training.ngram_cells import CountedNGrams, NGramCells, count_common, number_cells, read_keys
from sentiment.training.regression import fit_regression

MIN_REVIEWS = 2  # an n-gram of a single review says nothing about others
LESSONS_FOR_A_REVIEW = 4  # more take memory and time, and teach n-grams nothing new
# scikit-learn's C, the inverse of a penalty: chosen on IMDB's validation films, see docs/lab-notebook.md.
INVERSE_PENALTY, INVERSE_PENALTY_WITH_GUESSES = 100.0, 20.0
INVERSE_PENALTY_OF_FEW = 30.0  # better for small sets of short texts, see there


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
    """All reviews to fit on."""

    keys_G: np.ndarray
    """The n-grams of the fit, own ones and a parent's, ascending."""
    cells: NGramCells
    """Which of them each review has."""
    labels_N: np.ndarray
    """int64: the class of each review."""
    weights_N: np.ndarray
    """How much each review counts."""
    targets: Sequence[int]
    """The classes that are told from all others: the second of two, or every one."""

    def keep(self, keys_G: np.ndarray) -> "_FitData":
        """Return the same reviews with only these of the n-grams."""
        return replace(self, keys_G=keys_G, cells=self.cells.keep(np.isin(self.keys_G, keys_G)))


class _InheritedNGrams(NamedTuple):
    """The n-grams of a parent, ascending by key; none without a parent."""

    keys_H: np.ndarray
    idf_H: np.ndarray
    """Inverse document frequencies."""
    weights_HP: np.ndarray
    """Their weights in each of the parent's logits."""


class _Fit(NamedTuple):
    """What was found for some n-grams, ascending by key."""

    keys_G: np.ndarray
    idf_G: np.ndarray
    weights_GO: np.ndarray
    bias_O: np.ndarray
    importance_G: np.ndarray
    """The largest coefficient of each n-gram in the reviews of the fit; 0 for one that only a parent has."""


def fit_evidence(
    train: LabelledReviews,
    words: int,
    settings: EvidenceSettings,
    *,
    seed: int,
    extra: LabelledReviews | None = None,
    phrases: LabelledReviews | None = None,
    lessons: LabelledReviews | None = None,
    guessed: LabelledReviews | None = None,
    classes: int = 2,
    parent: NGramEvidence | None = None,
) -> NGramEvidence:
    """Fit on every n-gram of at least two reviews, keep the `size` weightiest, fit again on those.

    The weight of an n-gram is its coefficient, the largest of all classes, times the square root of the
    number of its reviews. If train has more than `settings.reviews` reviews, some are drawn. All texts of
    `extra` and `phrases` are added, and at most four lessons for each review, which are drawn. A phrase
    counts `settings.phrases` times as much as a review, a lesson `settings.lessons` times.

    The labels of `guessed` are a model's probabilities. A review counts for its likelier label: the surer the
    model, the more, and at most `settings.unlabelled` times as much as a labelled review. At most as many
    guessed reviews are drawn as reviews of train.

    All n-grams of a `parent`, whose words have the same ids, are kept. Its logits are further features: the
    new weights are what the reviews add to a multiple of its own.

    The same reviews and seed give the same evidence. Without an n-gram of two reviews every weight is zero.
    """
    labelled = [_draw_reviews(train, settings.reviews, weight=1.0, seed=seed)]
    reviews = len(labelled[0].chosen_N)
    for texts, weight in ((extra, 1.0), (phrases, settings.phrases)):
        if texts is not None:
            every_N = np.arange(len(texts.labels_N))
            labelled.append(_ChosenReviews(source=texts, chosen_N=every_N, weight=weight))
    drawn = [
        _draw_reviews(texts, most, weight=weight, seed=seed)
        for texts, most, weight in (
            (lessons, LESSONS_FOR_A_REVIEW * reviews, settings.lessons),
            (guessed, reviews, settings.unlabelled),
        )
        if texts is not None
    ]
    inverse_penalty = _choose_penalty(
        sum(len(part.chosen_N) for part in labelled), with_guesses=guessed is not None
    )
    memory.release()  # of the stages: the fit takes the most memory of a training
    inherited = _inherit_ngrams(parent, words)
    own, data = _read_data([*labelled, *drawn], inherited, words, classes)
    evidence = NGramEvidence(settings.size, words, classes)
    if len(data.keys_G) == 0:
        return evidence
    fit = partial(_fit_classes, inherited=inherited, inverse_penalty=inverse_penalty, seed=seed)
    room = settings.size - len(inherited.keys_H)
    if len(own.keys_G) > room:
        own = _keep_weightiest(own, fit(data, own), room)
        data = data.keep(np.union1d(own.keys_G, inherited.keys_H))
    _fill_evidence(evidence, fit(data, own))
    return evidence


def _choose_penalty(reviews: int, *, with_guesses: bool) -> float:
    """Return the inverse penalty for a fit on so many reviews."""
    if with_guesses:
        return INVERSE_PENALTY_WITH_GUESSES
    return INVERSE_PENALTY if reviews >= ENOUGH_ROWS else INVERSE_PENALTY_OF_FEW


def _fill_evidence(evidence: NGramEvidence, found: _Fit) -> None:
    """Put n-grams and their weights into the evidence."""
    kept = len(found.keys_G)
    evidence.keys_G[:kept] = torch.from_numpy(found.keys_G)
    evidence.weights_G[:kept] = drop_single_output(torch.from_numpy(found.weights_GO))
    evidence.squares_G[:kept] = torch.from_numpy(found.idf_G**2)
    evidence.bias.copy_(drop_single_output(torch.from_numpy(found.bias_O)))


def _draw_reviews(source: LabelledReviews, most: int, *, weight: float, seed: int) -> _ChosenReviews:
    """Draw `most` reviews (one more or less by rounding), or take all; each class has its share."""
    classes_N, sureness_N = _read_labels(source.labels_N)
    sure = np.flatnonzero(sureness_N > 0)  # a fact, as likely positive as negative, teaches n-grams nothing
    if len(sure) <= most:
        return _ChosenReviews(source=source, chosen_N=sure, weight=weight)
    random, chosen = np.random.default_rng(seed), []
    for label in np.unique(classes_N[sure]):
        positions = sure[classes_N[sure] == label]
        share = max(1, round(most * len(positions) / len(sure)))
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


def _read_reviews(parts: Sequence[_ChosenReviews]) -> Iterator[np.ndarray]:
    for part in parts:
        for index in part.chosen_N.tolist():
            yield part.source.reviews[index]


def _weigh_reviews(parts: Sequence[_ChosenReviews]) -> tuple[np.ndarray, np.ndarray]:
    """Return the class of each review, and how much it counts."""
    labels = [_read_labels(part.source.labels_N[part.chosen_N]) for part in parts]
    classes_N, sureness_N = (np.concatenate(column) for column in zip(*labels, strict=True))
    most_N = np.repeat([part.weight for part in parts], [len(part.chosen_N) for part in parts])
    return classes_N, sureness_N * most_N


def _read_data(
    parts: Sequence[_ChosenReviews], inherited: _InheritedNGrams, words: int, classes: int
) -> tuple[CountedNGrams, _FitData]:
    """Return the n-grams of at least two reviews, and the reviews as cells of these and a parent's."""
    pieces = read_keys(_read_reviews(parts), words)
    own = count_common(pieces, MIN_REVIEWS)
    keys_G = np.union1d(own.keys_G, inherited.keys_H)
    labels_N, weights_N = _weigh_reviews(parts)
    data = _FitData(
        keys_G=keys_G,
        cells=number_cells(pieces, keys_G),
        labels_N=labels_N,
        weights_N=weights_N,
        targets=[1] if classes == 2 else range(classes),
    )
    memory.release()  # of the keys
    return own, data


def _keep_weightiest(ngrams: CountedNGrams, found: _Fit, size: int) -> CountedNGrams:
    """Return the `size` n-grams of the largest coefficients, weighed by how many reviews they occur in."""
    importance_G = found.importance_G[np.isin(found.keys_G, ngrams.keys_G)] * np.sqrt(ngrams.frequencies_G)
    kept = np.sort(np.argsort(-importance_G, kind="stable")[:size])
    return CountedNGrams(ngrams.keys_G[kept], ngrams.frequencies_G[kept])


def _inherit_ngrams(parent: NGramEvidence | None, words: int) -> _InheritedNGrams:
    """Return the n-grams of a parent with their keys in a vocabulary of `words` ids."""
    if parent is None:
        return _InheritedNGrams(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros((0, 0)))
    keys_H = parent.keys_with(words).numpy()
    weights_HP = parent.weights_G[: len(keys_H)].double().reshape(len(keys_H), -1).numpy()
    return _InheritedNGrams(keys_H, parent.squares_G[: len(keys_H)].double().sqrt().numpy(), weights_HP)


def _fit_classes(
    data: _FitData, own: CountedNGrams, *, inherited: _InheritedNGrams, inverse_penalty: float, seed: int
) -> _Fit:
    """Fit a regression for each class that is told from the others, on own n-grams and a parent's logits."""
    keys_G = data.keys_G
    of_own, of_parent = np.searchsorted(keys_G, own.keys_G), np.searchsorted(keys_G, inherited.keys_H)
    idf_G = np.zeros(len(keys_G))
    idf_G[of_own] = _inverse_document_frequency(own.frequencies_G, len(data.labels_N))
    idf_G[of_parent] = inherited.idf_H
    parent_GP = np.zeros((len(keys_G), inherited.weights_HP.shape[1]))
    parent_GP[of_parent] = inherited.weights_HP

    parent_NP = np.zeros((len(data.labels_N), parent_GP.shape[1]))
    if len(inherited.keys_H):
        parent_NP = _build_features(data.cells, idf_G) @ (parent_GP / idf_G[:, None])
    found = [
        fit_regression(
            _build_features(data.cells, idf_G, of_own),
            parent_NP,
            data.labels_N == target,
            data.weights_N,
            inverse_penalty,
            seed,
        )
        for target in data.targets
    ]
    coefficients_GO = np.zeros((len(keys_G), len(found)))
    coefficients_GO[of_own] = np.stack([one.coefficients_G for one in found], axis=1)
    factors_PO = np.stack([one.factors_P for one in found], axis=1)
    return _Fit(
        keys_G=keys_G,
        idf_G=idf_G,
        weights_GO=coefficients_GO * idf_G[:, None] + parent_GP @ factors_PO,
        bias_O=np.array([one.bias for one in found]),
        importance_G=np.abs(coefficients_GO).max(axis=1),
    )


def _build_features(cells: NGramCells, idf_G: np.ndarray, columns: np.ndarray | None = None) -> Any:
    """Return a new scipy matrix (reviews, n-grams) of inverse document frequencies; each row has L2 norm 1.

    If `columns` are some of the n-grams, the matrix has only those.
    """
    from sklearn.preprocessing import normalize

    features = normalize(cells.matrix(idf_G[cells.columns_X]), copy=False)
    return features if columns is None or len(columns) == len(idf_G) else features[:, columns]


def _inverse_document_frequency(frequencies_G: np.ndarray, reviews: int) -> np.ndarray:
    """Return idf_G, smoothed as in scikit-learn: as if one more review held every n-gram."""
    idf_G: np.ndarray = np.log((1 + reviews) / (1 + frequencies_G)) + 1
    return idf_G

"""Fit a logistic regression that tells one class from the others, over n-grams and a parent's logits."""

from typing import Any, NamedTuple

import numpy as np

ADDED_REVIEWS = 2.0  # so that the ratio of an n-gram that one class never has is finite
TINY = 1e-12  # a parent whose logits are all zero is not divided by zero


class Regression(NamedTuple):
    """What tells one class from the others."""

    coefficients_G: np.ndarray
    """Those of the n-grams, multiplied by their log-count ratios."""
    factors_P: np.ndarray
    """Those of the parent's logits."""
    bias: float


def fit_regression(
    features: Any,
    parent_NP: np.ndarray,
    is_target_N: np.ndarray,
    weights_N: np.ndarray,
    inverse_penalty: float,
    seed: int,
) -> Regression:
    """Fit to scipy's sparse `features`, which are changed in place.

    liblinear copies them, 16 bytes a cell to their 12, so nothing else of that size may be in memory then.
    """
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression
    from sklearn.utils.sparsefuncs import inplace_csr_column_scale

    ratios_G = _log_count_ratios(features, is_target_N, weights_N)
    inplace_csr_column_scale(features, ratios_G)
    largest_P = np.maximum(np.abs(parent_NP).max(axis=0, initial=0), TINY)  # beyond 1 the solver is slow
    if parent_NP.shape[1]:
        features = hstack([features, csr_matrix(parent_NP / largest_P)], format="csr")
    reviews, columns = features.shape
    dual = columns > reviews  # the faster way to the same weights
    model = LogisticRegression(
        C=inverse_penalty,
        solver="liblinear",
        dual=dual,
        tol=1e-2 if dual else 1e-4,  # the two solvers measure it differently
        max_iter=1000,  # 100 are not always enough for a few n-grams
        random_state=seed,
    ).fit(features, is_target_N, sample_weight=weights_N)
    own_G, parent_P = np.split(model.coef_[0], [len(ratios_G)])
    return Regression(own_G * ratios_G, parent_P / largest_P, float(model.intercept_[0]))


def _log_count_ratios(features: Any, is_target_N: np.ndarray, weights_N: np.ndarray) -> np.ndarray:
    """Return ratios_G: the log of an n-gram's share in reviews of the class over its share in the others.

    Reviews count by their weight. Two more, which hold every n-gram, are added: each class has its share of
    them. With one of each class, the rare n-grams of the larger class would have a ratio near 0.
    """
    from scipy.sparse import csr_matrix

    presence = csr_matrix((np.ones(features.nnz), features.indices, features.indptr), shape=features.shape)
    of_class = [weights_N * (is_target_N == label) for label in (True, False)]
    target_G, others_G = (
        presence.T @ own_N + ADDED_REVIEWS * own_N.sum() / weights_N.sum() for own_N in of_class
    )
    ratios_G: np.ndarray = np.log(target_G / target_G.sum()) - np.log(others_G / others_G.sum())
    return ratios_G

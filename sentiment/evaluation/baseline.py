"""The linear n-gram model that every network is compared with: TF-IDF and logistic regression.

It reads every review whole, as the weighted set of its 1- to 3-grams. Wang & Manning (2012), "Baselines and
Bigrams: Simple, Good Sentiment and Topic Classification", showed how hard such models are to beat. The idea
that rare terms weigh more (idf) is from Sparck Jones (1972), "A Statistical Interpretation of Term
Specificity and Its Application in Retrieval".
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from sentiment.data.parts import Part
from sentiment.errors import DataError
from sentiment.models.evidence import LONGEST_NGRAM

UNCOUNTED = -1  # the number of words and n-grams that do not count


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A fitted linear model; `fit_baseline` makes it."""

    ngrams: "NGrams"
    weighting: Any
    """scikit-learn's TfidfTransformer."""
    classifier: Any
    """scikit-learn's LogisticRegression with one coefficient for each n-gram; of more classes than two, one
    regression for each against the others."""
    reviews: int
    """The number of reviews it was fitted on."""
    seconds: float
    """How long the fit took, without tokenizing."""

    def logits(self, part: Part) -> np.ndarray:
        """Return logits_N (float32; logits_NK of K > 2 classes) of the part's reviews.

        N-grams that it does not know do not count.
        """
        features = self.weighting.transform(self.ngrams.count(part), copy=False)
        logits: np.ndarray = self.classifier.decision_function(features).astype(np.float32)
        return logits


def fit_baseline(part: Part, seed: int) -> Baseline:
    """Fit the model on the reviews of `part`; the same part and seed give the same model.

    Raises DataError if the reviews are of one class or have no word in common.
    """
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    if len(np.unique(part.labels_N)) < 2:
        raise DataError("the baseline cannot be fitted: the train split has reviews of one class only")
    start = time.perf_counter()
    ngrams = NGrams(part)
    if len(ngrams) == 0:
        raise DataError("the baseline cannot be fitted: no word occurs in two reviews of the train split")
    counts = ngrams.count(part)
    weighting = TfidfTransformer(sublinear_tf=True).fit(counts)
    # The dual solver is quick with more n-grams than reviews. With a tenth of this tolerance no logit of
    # IMDB's validation reviews changes by more than 0.0003.
    classifier = LogisticRegression(C=30, solver="liblinear", dual=True, tol=1e-2, random_state=seed)
    if len(part.class_names) > 2:
        classifier = OneVsRestClassifier(classifier)
    classifier.fit(weighting.transform(counts, copy=False), part.labels_N)
    return Baseline(
        ngrams=ngrams,
        weighting=weighting,
        classifier=classifier,
        reviews=len(part.positions_N),
        seconds=time.perf_counter() - start,
    )


class NGrams:
    """The 1- to 3-grams of lower-cased tokens that occur in at least two reviews.

    Words are numbered. A longer n-gram is a pair: its words without the last one, as their place in the
    sorted table of shorter n-grams, and its last word. Its key is one number for this pair. An n-gram that
    begins with a rare one is itself rare and takes no memory.
    """

    def __init__(self, part: Part) -> None:
        """Find the n-grams of `part`; there are none if no word occurs in two of its reviews."""
        words = dict.fromkeys(form.lower() for form in part.tokens.forms)
        self._id_of_word = {word: index for index, word in enumerate(words)}
        self._tables: list[np.ndarray] = []
        words_T, reviews_T = self._number_words(part)
        places_T = None
        for _ in range(LONGEST_NGRAM):
            keys_T = self._make_keys(places_T, words_T, reviews_T)
            self._tables.append(_select_common_keys(keys_T, reviews_T))
            places_T = _find_places(keys_T, self._tables[-1])

    def __len__(self) -> int:
        return sum(len(table) for table in self._tables)

    def count(self, part: Part) -> Any:
        """Count each n-gram in each review: a scipy CSR matrix (reviews, n-grams), float32."""
        from scipy.sparse import csr_matrix, hstack

        words_T, reviews_T = self._number_words(part)
        blocks, places_T = [], None
        for table in self._tables:
            places_T = _find_places(self._make_keys(places_T, words_T, reviews_T), table)
            found = places_T != UNCOUNTED
            cells = (reviews_T[found], places_T[found])
            ones = np.ones(len(cells[0]), dtype=np.float32)
            blocks.append(csr_matrix((ones, cells), shape=(len(part.positions_N), len(table))))
        return hstack(blocks, format="csr")

    def _number_words(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """Return the word and the review of each token, with the reviews end to end."""
        find = self._id_of_word.get
        word_of_form = np.array([find(form.lower(), UNCOUNTED) for form in part.tokens.forms], dtype=np.int64)
        words_T = np.concatenate([word_of_form[part.tokens[position]] for position in part.positions_N])
        lengths_N = part.tokens.lengths_N[part.positions_N]
        return words_T, np.repeat(np.arange(len(lengths_N), dtype=np.int32), lengths_N)

    def _make_keys(
        self, places_T: np.ndarray | None, words_T: np.ndarray, reviews_T: np.ndarray
    ) -> np.ndarray:
        """Make the keys of the n-grams that end at each token from the places of those one word shorter."""
        if places_T is None:
            return words_T
        before_T = np.full_like(words_T, UNCOUNTED)
        before_T[1:] = np.where(reviews_T[1:] == reviews_T[:-1], places_T[:-1], UNCOUNTED)
        known = (before_T != UNCOUNTED) & (words_T != UNCOUNTED)
        return np.where(known, before_T * len(self._id_of_word) + words_T, UNCOUNTED)


def _select_common_keys(keys_T: np.ndarray, reviews_T: np.ndarray) -> np.ndarray:
    """Return the distinct keys that occur in at least two reviews, sorted."""
    known = keys_T != UNCOUNTED
    keys_T, reviews_T = keys_T[known], reviews_T[known]
    keys, first = np.unique(keys_T, return_index=True)
    _, last = np.unique(keys_T[::-1], return_index=True)
    kept: np.ndarray = keys[reviews_T[first] != reviews_T[::-1][last]]
    return kept


def _find_places(keys_T: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return the place of each key in a sorted table, UNCOUNTED if it is not there."""
    places_T = np.searchsorted(table, keys_T)
    found = np.append(table, UNCOUNTED)[places_T] == keys_T
    return np.where(found & (keys_T != UNCOUNTED), places_T, UNCOUNTED)

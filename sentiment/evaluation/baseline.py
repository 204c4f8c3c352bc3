"""The linear n-gram model every network is measured against: TF-IDF and logistic regression.

A review is the weighted set of its 1- to 3-grams, read whole. Wang & Manning (2012), "Baselines and
Bigrams: Simple, Good Sentiment and Topic Classification", showed how hard such models are to beat. That a
rare term weighs more (idf) is from Sparck Jones (1972), "A Statistical Interpretation of Term Specificity and
Its Application in Retrieval".
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from sentiment.data.parts import Part
from sentiment.errors import DataError

LONGEST = 3  # words of an n-gram
NONE = -1  # stands for a word or an n-gram that is not counted


@dataclass(frozen=True)
class Baseline:
    """A fitted linear model; `fit_baseline` makes one."""

    ngrams: "NGrams"
    weighting: Any
    """scikit-learn's TfidfTransformer."""
    classifier: Any
    """scikit-learn's LogisticRegression; a coefficient an n-gram."""
    reviews: int
    """Reviews it was fitted on."""
    seconds: float
    """Time the fit took, tokenizing not counted."""

    def logits(self, part: Part) -> np.ndarray:
        """logits_N (float32) of the part's reviews, in their order; n-grams new to the model do not count."""
        features = self.weighting.transform(self.ngrams.count(part), copy=False)
        logits_N: np.ndarray = self.classifier.decision_function(features).astype(np.float32)
        return logits_N


def fit_baseline(part: Part, seed: int) -> Baseline:
    """Fit the model on the reviews of `part`; the same part and seed give the same model.

    Raises DataError if the reviews are of one class or have no word in common.
    """
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(part.labels_N)) < 2:
        raise DataError("the baseline cannot be fitted: the train split has reviews of one class only")
    start = time.perf_counter()
    ngrams = NGrams(part)
    if len(ngrams) == 0:
        raise DataError("the baseline cannot be fitted: no word stands in two reviews of the train split")
    counts = ngrams.count(part)
    weighting = TfidfTransformer(sublinear_tf=True).fit(counts)
    # The dual solver is quick where n-grams outnumber reviews. A tenth of this tolerance moves no logit of
    # IMDB's validation reviews by more than 0.0003.
    classifier = LogisticRegression(C=30, solver="liblinear", dual=True, tol=1e-2, random_state=seed)
    classifier.fit(weighting.transform(counts, copy=False), part.labels_N)
    return Baseline(ngrams, weighting, classifier, len(part.positions_N), time.perf_counter() - start)


class NGrams:
    """The 1- to 3-grams of lower-cased tokens that stand in at least two reviews.

    Words are numbered. A longer n-gram's key is one number for a pair: the place, in the sorted table of
    shorter n-grams, of all its words but the last, and that last word. So nothing is hashed, and an n-gram
    that begins with one that is too rare, hence too rare itself, takes no memory.
    """

    def __init__(self, part: Part) -> None:
        """Find the n-grams of `part`; there are none if no word stands in two of its reviews."""
        words = dict.fromkeys(form.lower() for form in part.tokens.forms)
        self._id_of_word = {word: index for index, word in enumerate(words)}
        self._tables: list[np.ndarray] = []
        words_T, reviews_T = self._read(part)
        places_T = None
        for _ in range(LONGEST):
            keys_T = self._keys(places_T, words_T, reviews_T)
            self._tables.append(_in_two_reviews(keys_T, reviews_T))
            places_T = _places(keys_T, self._tables[-1])

    def __len__(self) -> int:
        return sum(len(table) for table in self._tables)

    def count(self, part: Part) -> Any:
        """How often each n-gram stands in each review: a scipy CSR matrix (reviews, n-grams), float32."""
        from scipy.sparse import csr_matrix, hstack

        words_T, reviews_T = self._read(part)
        blocks, places_T = [], None
        for table in self._tables:
            places_T = _places(self._keys(places_T, words_T, reviews_T), table)
            found = places_T != NONE
            cells = (reviews_T[found], places_T[found])
            ones = np.ones(len(cells[0]), dtype=np.float32)
            blocks.append(csr_matrix((ones, cells), shape=(len(part.positions_N), len(table))))
        return hstack(blocks, format="csr")

    def _read(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """The word and the review of each token, the reviews end to end."""
        find = self._id_of_word.get
        word_of_form = np.array([find(form.lower(), NONE) for form in part.tokens.forms], dtype=np.int64)
        words_T = np.concatenate([word_of_form[part.tokens[position]] for position in part.positions_N])
        lengths_N = part.tokens.lengths_N[part.positions_N]
        return words_T, np.repeat(np.arange(len(lengths_N), dtype=np.int32), lengths_N)

    def _keys(self, places_T: np.ndarray | None, words_T: np.ndarray, reviews_T: np.ndarray) -> np.ndarray:
        """Keys of the n-grams that end at each token, from the places of those one word shorter."""
        if places_T is None:
            return words_T
        before_T = np.full_like(words_T, NONE)
        before_T[1:] = np.where(reviews_T[1:] == reviews_T[:-1], places_T[:-1], NONE)
        known = (before_T != NONE) & (words_T != NONE)
        return np.where(known, before_T * len(self._id_of_word) + words_T, NONE)


def _in_two_reviews(keys_T: np.ndarray, reviews_T: np.ndarray) -> np.ndarray:
    """The distinct keys whose first and last review differ, sorted."""
    known = keys_T != NONE
    keys_T, reviews_T = keys_T[known], reviews_T[known]
    keys, first = np.unique(keys_T, return_index=True)
    _, last = np.unique(keys_T[::-1], return_index=True)
    kept: np.ndarray = keys[reviews_T[first] != reviews_T[::-1][last]]
    return kept


def _places(keys_T: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Where each key stands in a sorted table, NONE if it does not."""
    places_T = np.searchsorted(table, keys_T)
    found = np.append(table, NONE)[places_T] == keys_T
    return np.where(found & (keys_T != NONE), places_T, NONE)

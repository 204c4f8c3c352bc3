"""The n-gram baseline: the same results as scikit-learn's text classes, in every batch."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from sentiment.config import parse_config
from sentiment.data.parts import Part, load_part
from sentiment.data.reviews import Reviews
from sentiment.data.text_rules import TextRules
from sentiment.data.tokenizer import shared_tokenizer
from sentiment.errors import DataError
from sentiment.evaluation.baseline import NGrams, fit_baseline
from sentiment.evaluation.metrics import evaluate

SETTINGS = {"tokenizer": str.split, "token_pattern": None, "ngram_range": (1, 3), "min_df": 2}
SOME_TEXTS = st.lists(
    st.lists(st.sampled_from(["good", "Good", "GOOD", "bad", "film", "plot", "!"]), min_size=1, max_size=9),
    min_size=2,
    max_size=9,
)


def part_of(texts, labels=None):
    """Return a part with all these texts."""
    labels_N = np.array(labels or [0] * len(texts), dtype=np.int8)
    tokens = shared_tokenizer(TextRules()).tokenize(texts)
    return Part("train", Reviews("train", texts, labels_N), tokens, np.arange(len(texts)))


def chosen(part, positions):
    """Return a part with the reviews at `positions` of a whole part."""
    return replace(part, positions_N=np.asarray(positions))


def spaced(part):
    """The tokens of each review, joined by spaces."""
    return [
        " ".join(part.tokens.forms[form] for form in part.tokens[position]) for position in part.positions_N
    ]


def labels_of(part):
    return part.reviews.labels_N[part.positions_N]


def columns(counts):
    """The columns of a matrix of counts, in any order."""
    return Counter(map(tuple, counts.toarray().T.astype(int).tolist()))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The bundled sample: a fitted baseline, the part it was fitted on, and the test part."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        config = parse_config("data.source = 'sample'", "test")
        train, test = load_part(config, "train", 1), load_part(config, "test", 1)
    return fit_baseline(train, config.seed), train, test


@pytest.fixture(scope="module")
def whole_logits_N(sample):
    """Logits of the test part, scored in one go."""
    baseline, _, test = sample
    return baseline.logits(test)


# --- n-grams -------------------------------------------------------------------------------------------


def test_counts_by_hand():
    part = part_of(["Good film, good film!", "a good film !", "film"])
    # In two reviews: good, film, ! and "good film", "film !", "good film !".
    counts = NGrams(part).count(part).toarray()
    assert sorted(map(tuple, counts.T.tolist())) == sorted(
        [(2, 1, 0), (2, 1, 1), (1, 1, 0), (2, 1, 0), (1, 1, 0), (1, 1, 0)]
    )


@given(SOME_TEXTS)
def test_counts_are_those_of_scikit_learn(reviews):
    part = part_of([" ".join(words) for words in reviews])
    ngrams = NGrams(part)
    try:
        expected = CountVectorizer(**SETTINGS).fit_transform(spaced(part))
    except ValueError:  # no word occurs in two reviews
        assert len(ngrams) == 0
        return
    assert columns(ngrams.count(part)) == columns(expected)
    assert len(ngrams) == expected.shape[1]


@given(SOME_TEXTS, SOME_TEXTS)
def test_counts_of_other_texts_are_those_of_scikit_learn(known, new):
    known, new = ([" ".join(words) for words in texts] for texts in (known, new))
    part = part_of([*known, "good film", "Good film"])
    other = part_of(new)
    vectorizer = CountVectorizer(**SETTINGS).fit(spaced(part))
    assert columns(NGrams(part).count(other)) == columns(vectorizer.transform(spaced(other)))


def test_reviews_outside_the_part_have_no_influence():
    texts = ["a good film", "a good plot", "a bad film", "a bad plot"]
    whole = part_of(texts)
    some = chosen(whole, [1, 3])
    assert len(NGrams(some)) == len(NGrams(part_of([texts[1], texts[3]]))) == 2  # a, plot


# --- the model -----------------------------------------------------------------------------------------


def test_the_baseline_learns_the_sample(sample):
    baseline, train, test = sample
    assert evaluate(baseline.logits(test), labels_of(test)).accuracy > 0.9
    assert baseline.reviews == len(train.positions_N) < 2400
    assert len(baseline.ngrams) > 10_000 and baseline.seconds > 0


def test_logits_are_those_of_scikit_learn(sample):
    baseline, train, test = sample
    vectorizer = TfidfVectorizer(**SETTINGS, sublinear_tf=True)
    classifier = LogisticRegression(C=30, solver="liblinear", dual=True, tol=1e-2, random_state=1)
    classifier.fit(vectorizer.fit_transform(spaced(train)), labels_of(train))
    expected_N = classifier.decision_function(vectorizer.transform(spaced(test)))
    assert baseline.logits(test) == pytest.approx(expected_N, abs=1e-3)


@given(st.lists(st.integers(0, 599), min_size=1, max_size=20))
def test_a_logit_does_not_depend_on_other_reviews(sample, whole_logits_N, positions):
    baseline, _, test = sample
    logits_N = baseline.logits(chosen(test, positions))
    assert logits_N.dtype == np.float32
    assert (logits_N == whole_logits_N[positions]).all()


def test_a_logit_does_not_depend_on_the_table_of_tokens(sample):
    baseline, _, test = sample
    alone = [float(baseline.logits(part_of([text]))[0]) for text in test.texts()[:20]]
    assert alone == baseline.logits(test)[:20].tolist()


def test_a_review_of_unknown_words_gets_the_same_logit_as_any_other_such(sample):
    baseline, _, _ = sample
    first, second = baseline.logits(part_of(["zyzzyva", "qwxy vlkj zzyq"]))
    assert np.isfinite(first) and first == second


def test_the_same_part_and_seed_give_the_same_model(sample):
    _, train, test = sample
    few = chosen(train, train.positions_N[::10])
    first, second = (fit_baseline(few, 7).logits(test) for _ in range(2))
    assert (first == second).all()


@pytest.mark.parametrize(
    ("texts", "labels", "words"),
    [
        (["a good film", "a good plot"], [1, 1], "one class"),
        (["superb", "awful"], [1, 0], "no word occurs in two reviews"),
    ],
)
def test_a_part_without_two_classes_or_a_common_word_is_refused(texts, labels, words):
    with pytest.raises(DataError, match=words):
        fit_baseline(part_of(texts, labels), 1)

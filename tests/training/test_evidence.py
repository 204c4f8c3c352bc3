"""Fitting the n-gram evidence, compared with a pipeline of scikit-learn."""

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB

from sentiment.config import EvidenceSettings, parse_config
from sentiment.data.batches import LabelledReviews
from sentiment.data.prepare import prepare
from sentiment.data.vocabulary import Vocabulary
from sentiment.models.evidence import NO_NGRAM, NGramEvidence, distinct_ngrams
from sentiment.system.processes import Processes
from sentiment.training.evidence import fit_evidence
from sentiment.training.stages import _share_evidence

UNUSED = torch.iinfo(torch.int64).max


def write_texts(count: int = 120) -> tuple[list[list[str]], np.ndarray]:
    """Return reviews of common words, rare words and words of one class, with labels."""
    generator = np.random.default_rng(9)
    labels_N = generator.integers(0, 2, size=count).astype(np.int8)
    reviews = []
    for number, label in enumerate(labels_N):
        words = [f"w{word}" for word in generator.zipf(1.6, size=generator.integers(3, 25)) if word < 40]
        leaning = ["good", "bad"] if generator.random() < 0.75 else ["bad", "good"]
        words.insert(generator.integers(len(words) + 1), leaning[1 - label])
        words.insert(generator.integers(len(words) + 1), f"only-{number}")
        reviews.append(words)
    return reviews, labels_N


TEXTS, LABELS_N = write_texts()


def configure(size: int, reviews: int = 25_000, unlabelled: float = 0.0) -> EvidenceSettings:
    return EvidenceSettings(weight=0.5, size=size, reviews=reviews, unlabelled=unlabelled)


@pytest.fixture(scope="module")
def train(encode) -> tuple[LabelledReviews, Vocabulary]:
    """Return labelled reviews and a vocabulary; words of a single review are unknown."""
    reviews, vocabulary = encode(TEXTS, min_frequency=2)
    return LabelledReviews(reviews, LABELS_N), vocabulary


def fit(train: tuple[LabelledReviews, Vocabulary], size: int, seed: int = 1) -> NGramEvidence:
    reviews, vocabulary = train
    return fit_evidence(reviews, *vocabulary.sizes, configure(size), seed=seed)


def logits_of(evidence: NGramEvidence, reviews: LabelledReviews) -> np.ndarray:
    batch = reviews.reviews.batch(range(len(reviews.reviews)))
    return evidence(batch.tokens_BT).numpy()


def known_ngrams(known: set[str]):
    """Return an analyzer for scikit-learn: sequences of one to three known words."""

    def analyze(review: list[str]) -> list[str]:
        runs = [review[i : i + n] for n in (1, 2, 3) for i in range(len(review) - n + 1)]
        return [" ".join(run) for run in runs if known.issuperset(run)]

    return analyze


class Pipeline(NamedTuple):
    """Fit the same with classes of scikit-learn."""

    logits_N: np.ndarray
    importance: dict[str, float]
    """|coefficient times log-count ratio| times the root of the number of reviews, n-gram by n-gram."""


def log_count_ratios(presence: np.ndarray, labels_N: np.ndarray, weights_N: np.ndarray | None) -> np.ndarray:
    """Those of scikit-learn's naive Bayes, with two more reviews that hold every n-gram.

    Each class has its share of them.
    """
    weights_N = np.ones(len(labels_N)) if weights_N is None else weights_N
    positive = np.average(labels_N, weights=weights_N)
    bayes = MultinomialNB(alpha=0, force_alpha=True).fit(
        np.vstack([presence, np.ones((2, presence.shape[1]))]),
        np.concatenate([labels_N.astype(np.int64), [0, 1]]),  # it counts in the labels' type
        np.concatenate([weights_N, [2 * (1 - positive), 2 * positive]]),
    )
    negative_G, positive_G = bayes.feature_log_prob_
    return positive_G - negative_G


def fit_pipeline(
    vocabulary: Vocabulary,
    texts: Sequence[Sequence[str]] = TEXTS,
    labels_N: np.ndarray = LABELS_N,
    weights_N: np.ndarray | None = None,
    **settings: float,
) -> Pipeline:
    vectorizer = TfidfVectorizer(
        analyzer=known_ngrams(set(vocabulary.channels[0].words)),
        binary=True,
        min_df=2,
        norm="l2",
        smooth_idf=True,
        sublinear_tf=False,
    )
    features = vectorizer.fit_transform(texts)
    frequencies_G = np.asarray((features > 0).sum(axis=0)).ravel()
    ratios_G = log_count_ratios((features > 0).toarray(), labels_N, weights_N)
    features = features.multiply(ratios_G).tocsr()
    settings = {"C": 30, "tol": 1e-2, "dual": True, "random_state": 1} | settings
    model = LogisticRegression(solver="liblinear", **settings).fit(features, labels_N, weights_N)
    importance_G = np.abs(model.coef_[0] * ratios_G) * np.sqrt(frequencies_G)
    names = vectorizer.get_feature_names_out()
    return Pipeline(model.decision_function(features), dict(zip(names, importance_G, strict=True)))


def test_the_logits_are_those_of_scikit_learns_pipeline(train) -> None:
    """Where no n-gram has to go: those of two reviews, weighed by smoothed idf, each review of norm 1.

    And each n-gram multiplied by its log-count ratio, as scikit-learn's naive Bayes finds it.
    """
    reviews, vocabulary = train
    expected = fit_pipeline(vocabulary)
    evidence = fit(train, size=5000)
    assert int((evidence.keys_G != UNUSED).sum()) == len(expected.importance) > 200
    np.testing.assert_allclose(logits_of(evidence, reviews), expected.logits_N, atol=1e-4)
    assert np.ptp(expected.logits_N) > 2


def test_unlabelled_reviews_count_for_the_label_that_is_guessed_as_much_as_the_guess_is_sure(train) -> None:
    """The unlabelled texts are the same as the labelled ones, so they need no vocabulary."""
    reviews, vocabulary = train
    probabilities_N = np.random.default_rng(4).uniform(size=len(TEXTS))
    guessed = LabelledReviews(reviews.reviews, probabilities_N)
    expected = fit_pipeline(
        vocabulary,
        [*TEXTS, *TEXTS],
        np.concatenate([LABELS_N, probabilities_N > 0.5]),
        np.concatenate([np.ones(len(TEXTS)), 0.3 * np.abs(2 * probabilities_N - 1)]),
        C=20,
        tol=1e-4,
        dual=False,
    )
    settings = configure(size=5000, unlabelled=0.3)
    evidence = fit_evidence(reviews, *vocabulary.sizes, settings, seed=1, guessed=guessed)
    np.testing.assert_allclose(logits_of(evidence, reviews), expected.logits_N[: len(TEXTS)], atol=1e-2)
    alone = logits_of(fit(train, size=5000), reviews)
    assert np.abs(alone - expected.logits_N[: len(TEXTS)]).max() > 0.5


def test_as_many_unlabelled_reviews_are_drawn_as_labelled_ones(train) -> None:
    reviews, vocabulary = train
    words = vocabulary.sizes[0]
    few = configure(size=5000, reviews=30, unlabelled=1.0)
    guessed = LabelledReviews(reviews.reviews, LABELS_N.astype(np.float64))
    evidence = fit_evidence(reviews, words, few, seed=1, guessed=guessed)
    # Both draws are the same here, so each n-gram of a drawn review occurs in two.
    drawn = fit_evidence(reviews, words, few, seed=1)
    assert set(drawn.keys_G.tolist()) < set(evidence.keys_G.tolist())
    everything = fit_evidence(reviews, words, configure(size=5000, unlabelled=1.0), seed=1, guessed=guessed)
    assert (evidence.keys_G != UNUSED).sum() < 0.6 * (everything.keys_G != UNUSED).sum()


@pytest.mark.parametrize("guess", [0.1, 0.9])
def test_guesses_are_never_more_than_labels_and_may_all_be_the_same(train, guess: float, monkeypatch) -> None:
    reviews, vocabulary = train
    many = reviews.joined(reviews).joined(reviews).reviews
    guessed = LabelledReviews(many, np.full(len(many), guess))
    labels = []

    def record_labels(model, features, labels_N, **settings):
        labels.append(labels_N)
        return fit_regression(model, features, labels_N, **settings)

    fit_regression = LogisticRegression.fit
    monkeypatch.setattr(LogisticRegression, "fit", record_labels)
    fit_evidence(reviews, *vocabulary.sizes, configure(size=5000, unlabelled=0.5), seed=1, guessed=guessed)
    (labels_N,) = labels
    np.testing.assert_array_equal(labels_N, [*LABELS_N, *[guess > 0.5] * len(TEXTS)])


def test_evidence_separates_the_training_reviews(train) -> None:
    reviews, _ = train
    for size in (5000, 100):
        assert ((logits_of(fit(train, size), reviews) > 0) == (LABELS_N == 1)).mean() > 0.9


@pytest.mark.parametrize("size", [1, 2, 50])
def test_exactly_size_ngrams_are_kept(train, size: int) -> None:
    keys_G = fit(train, size).keys_G
    assert len(keys_G) == size and (keys_G != UNUSED).all()
    assert (keys_G.diff() > 0).all()
    everything = fit(train, size=5000).keys_G
    assert set(keys_G.tolist()) < set(everything.tolist())


@pytest.mark.parametrize("size", [2, 40])
def test_the_weightiest_ngrams_are_kept(train, size: int) -> None:
    _, vocabulary = train
    importance, words = fit_pipeline(vocabulary).importance, vocabulary.channels[0].words
    weightiest = sorted(importance, key=importance.__getitem__, reverse=True)
    # Without a tie at this place, the kept n-grams are unique.
    assert importance[weightiest[size - 1]] > 1.0001 * importance[weightiest[size]]
    expected = set()
    for ngram in weightiest[:size]:
        key = 0
        for word in ngram.split():
            key = key * len(words) + words.index(word)
        expected.add(key)
    assert set(fit(train, size).keys_G.tolist()) == expected


def test_fewer_ngrams_than_places(train) -> None:
    """Unused places are at the end and change no logit."""
    reviews, _ = train
    many = fit(train, size=5000)
    kept = int((many.keys_G != UNUSED).sum())
    assert kept < 5000 and (many.keys_G[kept:] == UNUSED).all()
    assert (many.keys_G[:kept].diff() > 0).all()
    exact = fit(train, size=kept)
    np.testing.assert_array_equal(logits_of(exact, reviews), logits_of(many, reviews))


def test_an_ngram_of_a_single_review_does_not_count(train) -> None:
    reviews, vocabulary = train
    words = vocabulary.sizes[0]
    rows = [reviews.reviews[index] for index in range(len(reviews.reviews))]
    found = [
        set(distinct_ngrams(torch.from_numpy(row)[None], words)[0].tolist()) - {NO_NGRAM} for row in rows
    ]
    frequency = {key: sum(key in keys for keys in found) for key in set().union(*found)}
    kept = set(fit(train, size=5000).keys_G.tolist()) - {UNUSED}
    assert kept == {key for key, reviews_with_it in frequency.items() if reviews_with_it >= 2}
    assert min(frequency.values()) == 1


@pytest.mark.parametrize("size", [5000, 60])
def test_the_same_reviews_and_seed_give_the_same_evidence(train, size: int) -> None:
    first, second = fit(train, size), fit(train, size)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_reviews_without_a_common_ngram_give_no_evidence(encode) -> None:
    reviews, vocabulary = encode([[f"a{index}", f"b{index}"] for index in range(6)])
    train = LabelledReviews(reviews, np.array([0, 1] * 3, dtype=np.int8))
    evidence = fit((train, vocabulary), size=5)
    assert not evidence.weights_G.any() and float(evidence.bias) == 0


def test_the_same_seed_draws_the_same_reviews(config_for, rows, tmp_path, write_rows):
    source = write_rows(tmp_path / "reviews.jsonl", rows)
    config = config_for(source, "evidence.weight = 0.5", "evidence.reviews = 20", "data.validation = 'none'")
    prepared = prepare(config, 1)
    (words,) = prepared.vocabulary.sizes
    first, second = (fit_evidence(prepared.train, words, config.evidence, seed=config.seed) for _ in range(2))
    assert torch.equal(first.keys_G, second.keys_G) and torch.equal(first.weights_G, second.weights_G)
    whole = fit_evidence(prepared.train, words, EvidenceSettings(weight=0.5), seed=config.seed)
    assert (first.keys_G != UNUSED).sum() < (whole.keys_G != UNUSED).sum()
    logits_B = first(prepared.train.reviews.batch(range(len(rows))).tokens_BT)
    assert ((logits_B > 0).numpy() == (prepared.train.labels_N == 1)).mean() > 0.9


def drawn_with(word: str, evidence: NGramEvidence, vocabulary: Vocabulary, drawn: int) -> int:
    """Compute how many of `drawn` texts have a word, from its inverse document frequency."""
    place = (evidence.keys_G == vocabulary.channels[0].words.index(word)).nonzero().item()
    return round((1 + drawn) / math.exp(math.sqrt(float(evidence.squares_G[place])) - 1) - 1)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_the_draw_gives_each_class_its_share_and_takes_every_extra_text(encode, seed: int) -> None:
    """20 of 50 reviews are drawn. 10 of the 50 are negative. There are two extra texts."""
    own = [["bad", f"n{index % 2}"] for index in range(10)] + [
        ["good", f"p{index % 3}"] for index in range(40)
    ]
    reviews, vocabulary = encode([*own, ["further", "bad"], ["further", "good"]])
    texts, labels_N = list(map(reviews.__getitem__, range(52))), np.array([0] * 10 + [1] * 40 + [0, 1])
    train, extra = LabelledReviews(texts[:50], labels_N[:50]), LabelledReviews(texts[50:], labels_N[50:])
    settings = configure(size=100, reviews=20)
    evidence = fit_evidence(train, *vocabulary.sizes, settings, seed=seed, extra=extra)
    found = {word: drawn_with(word, evidence, vocabulary, 22) for word in ("bad", "good", "further")}
    assert found == {"bad": 4 + 1, "good": 16 + 1, "further": 2}


@pytest.mark.parametrize("kind", ["phrases", "lessons"])
def test_phrases_and_lessons_count_as_much_as_their_weight(kind: str, encode) -> None:
    """Only the eight phrases teach that "dire" is negative."""
    own = [["bad", "it"], ["good", "it"]] * 20
    encoded, vocabulary = encode([*own, *[["dire"]] * 8])
    texts, labels_N = list(map(encoded.__getitem__, range(48))), np.array([0, 1] * 20 + [0] * 8)
    train, phrases = (LabelledReviews(texts[part], labels_N[part]) for part in np.s_[:40, 40:])

    def logit(weight: float, **more_texts: LabelledReviews) -> float:
        settings = EvidenceSettings(weight=0.5, **{kind: weight})
        fitted = fit_evidence(train, *vocabulary.sizes, settings, seed=1, **more_texts)
        return float(fitted(torch.from_numpy(texts[-1])[None]))

    without, little, fully = logit(0), logit(0.1, **{kind: phrases}), logit(1, **{kind: phrases})
    assert abs(without) < 1e-9 and without > little > fully == logit(0, extra=phrases)


def test_of_many_lessons_four_for_each_review_are_drawn(encode) -> None:
    own = [["bad", "it"], ["good", "it"]] * 5
    encoded, vocabulary = encode([*own, *[["dull", "thing"], ["fine", "thing"]] * 30])
    texts, labels_N = list(map(encoded.__getitem__, range(70))), np.array([0, 1] * 35)
    train, lessons = (LabelledReviews(texts[part], labels_N[part]) for part in np.s_[:10, 10:])
    evidence = fit_evidence(
        train, *vocabulary.sizes, EvidenceSettings(weight=0.5, size=100, lessons=1.0), seed=1, lessons=lessons
    )
    assert drawn_with("thing", evidence, vocabulary, 50) == 40
    assert drawn_with("dull", evidence, vocabulary, 50) == 20


def test_facts_are_not_among_the_lessons_that_are_drawn(encode) -> None:
    own = [["bad", "it"], ["good", "it"]] * 5
    encoded, vocabulary = encode(
        [*own, *[["dull", "thing"], ["fine", "thing"]] * 20, *[["mere", "fact"]] * 40]
    )
    texts, labels_N = list(map(encoded.__getitem__, range(90))), np.array([0.0, 1.0] * 25 + [0.5] * 40)
    train = LabelledReviews(texts[:10], np.array([0, 1] * 5))
    lessons = LabelledReviews(texts[10:], labels_N[10:])
    settings = EvidenceSettings(weight=0.5, size=100, lessons=1.0)
    evidence = fit_evidence(train, *vocabulary.sizes, settings, seed=1, lessons=lessons)
    assert drawn_with("thing", evidence, vocabulary, 50) == 40
    assert vocabulary.channels[0].words.index("fact") not in evidence.keys_G.tolist()


def test_fewer_ngrams_than_reviews_are_fitted_to_the_same_weights(encode) -> None:
    """Few n-grams use another solver, which is faster for them."""
    random = np.random.default_rng(3)
    labels_N = np.arange(400, dtype=np.int8) % 2
    texts = [
        [*random.choice(["it", "was", "so", "this"], 3), random.choice(["bad", "good"], p=[share, 1 - share])]
        for share in np.where(labels_N, 0.1, 0.9)
    ]
    reviews, vocabulary = encode(texts)
    expected = fit_pipeline(vocabulary, texts, labels_N, tol=1e-8, max_iter=100_000)
    assert 50 < len(expected.importance) < len(labels_N)
    train = LabelledReviews(reviews, labels_N)
    found_N = logits_of(fit_evidence(train, *vocabulary.sizes, configure(size=5000), seed=1), train)
    np.testing.assert_allclose(found_N, expected.logits_N, atol=0.05)
    assert np.ptp(expected.logits_N) > 2


def test_rare_ngrams_of_the_larger_class_count_though_the_classes_are_lopsided(encode) -> None:
    """With as much added to each class, a word of two reviews of the larger one would have a ratio near 0."""
    negative = [["it", "is"]] * 78 + [["it", "is", "awful"]] * 2
    reviews, vocabulary = encode([*negative, *[["it", "is", "lovely"]] * 20])
    train = LabelledReviews(reviews, np.repeat([0, 1], [80, 20]).astype(np.int8))
    evidence = fit_evidence(train, *vocabulary.sizes, configure(size=100), seed=1)
    weights = dict(zip(evidence.keys_G.tolist(), evidence.weights_G.tolist(), strict=True))
    assert weights[int(vocabulary.ids(["awful"])[0])] < -1.5


def test_many_reviews_are_fitted_with_a_lower_penalty(train, monkeypatch):
    monkeypatch.setattr("sentiment.training.evidence.ENOUGH_ROWS", len(TEXTS))
    reviews, vocabulary = train
    expected = fit_pipeline(vocabulary, C=100).logits_N
    np.testing.assert_allclose(logits_of(fit(train, size=5000), reviews), expected, atol=1e-4)


def test_of_many_processes_only_the_first_fits(train):
    """The others get its evidence."""
    fitted, sent = fit(train, size=50), []

    class Together(Processes):
        def sum(self, values_X):
            if self.rank == 0:
                sent.append(values_X.clone())
            else:
                values_X += sent.pop(0)

    config = parse_config("", "test", ["evidence.weight=0.5", "evidence.size=50"])
    prepared = SimpleNamespace(vocabulary=train[1], classes=("negative", "positive"))
    first, second = (
        _share_evidence({0: lambda: fitted}.get(rank), config, prepared, Together(rank, 2)).state_dict()
        for rank in (0, 1)
    )
    assert first.keys() == second.keys() == fitted.state_dict().keys()
    for name, values in fitted.state_dict().items():
        assert torch.equal(values, first[name]) and torch.equal(values, second[name])


# --- a parent's evidence --------------------------------------------------------------------------------


def test_keys_in_a_larger_vocabulary_stand_for_the_same_ngrams(train):
    reviews, vocabulary = train
    (words,) = vocabulary.sizes
    evidence = fit(train, size=50)
    larger = NGramEvidence(60, words + 7)
    keys = evidence.keys_with(words + 7)
    larger.keys_G[: len(keys)] = keys
    larger.weights_G[: len(keys)] = evidence.weights_G[: len(keys)]
    larger.squares_G[: len(keys)] = evidence.squares_G[: len(keys)]
    larger.bias.copy_(evidence.bias)
    assert (keys[1:] > keys[:-1]).all()
    np.testing.assert_allclose(logits_of(larger, reviews), logits_of(evidence, reviews), atol=1e-6)


def test_a_parent_that_is_right_is_trusted_and_its_ngrams_stay(train):
    """Ten reviews alone teach little; with the parent's logits they are nearly as good as all."""
    reviews, vocabulary = train
    (words,) = vocabulary.sizes
    parent = fit(train, size=200)
    few = LabelledReviews([reviews.reviews[index] for index in range(10)], LABELS_N[:10])

    def accuracy(evidence):
        return ((logits_of(evidence, reviews) > 0) == (LABELS_N > 0))[10:].mean()

    alone = fit_evidence(few, words, configure(200), seed=1)
    child = fit_evidence(few, words, configure(300), seed=1, parent=parent)
    assert accuracy(child) > accuracy(alone) + 0.1
    assert accuracy(child) > accuracy(parent) - 0.05
    kept = set(parent.keys_with(words).tolist())
    assert kept <= set(child.keys_with(words).tolist())


def test_a_parent_that_is_always_wrong_is_turned_round(train):
    reviews, vocabulary = train
    (words,) = vocabulary.sizes
    parent = fit(train, size=200)
    parent.scale_logits(-1.0)
    child = fit_evidence(reviews, words, configure(400), seed=1, parent=parent)
    assert ((logits_of(child, reviews) > 0) == (LABELS_N > 0)).mean() > 0.9


def test_a_parent_of_other_classes_helps_each_class(train):
    reviews, vocabulary = train
    (words,) = vocabulary.sizes
    parent = fit(train, size=200)
    three = LabelledReviews(
        reviews.reviews, np.where(np.arange(len(LABELS_N)) % 5 == 0, 2, LABELS_N).astype(np.int8)
    )
    child = fit_evidence(three, words, configure(400), seed=1, parent=parent, classes=3)
    assert child.weights_G.shape[1] == 3 and torch.isfinite(child.weights_G).all()
    again = fit_evidence(reviews, words, configure(900), seed=1, parent=child)
    assert ((logits_of(again, reviews) > 0) == (LABELS_N > 0)).mean() > 0.9

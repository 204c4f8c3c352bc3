"""Holding out validation: whole groups, copies on one side, both classes, and the same cut for one seed."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sentiment.config import DataSettings
from sentiment.data.reviews import Reviews, ReviewSource
from sentiment.data.selection import select_reviews
from sentiment.data.splits import count_shared_groups, hold_out
from sentiment.errors import DataError


def reviews_of(labels, groups=None, texts=None):
    texts = texts or [f"review {position}" for position in range(len(labels))]
    return Reviews("train", texts, np.array(labels, dtype=np.int8), groups)


def hold(reviews, rule="auto", share=0.1, seed=1):
    return hold_out(reviews, DataSettings(validation=rule, validation_share=share), seed)


def sides(reviews, holdout):
    """Each review is on exactly one side; returns both as lists of positions."""
    train, validation = holdout.train_N.tolist(), holdout.validation_N.tolist()
    assert train == sorted(train) and validation == sorted(validation)
    assert sorted(train + validation) == list(range(len(reviews)))
    return train, validation


@pytest.fixture
def films():
    """2,000 reviews sorted by label, as IMDB is, of 400 films with 1 to 10 reviews a class."""
    random = np.random.default_rng(7)
    labels, groups = [], []
    for label in (0, 1):
        while labels.count(label) < 1_000:
            count = min(int(random.integers(1, 11)), 1_000 - labels.count(label))
            labels += [label] * count
            groups += [f"film {random.integers(400)}"] * count
    return reviews_of(labels, groups)


small_sets = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 9), st.integers(0, 12)), min_size=4, max_size=80
)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    rows=small_sets,
    share=st.floats(0.05, 0.6),
    seed=st.integers(0, 5),
    rule=st.sampled_from(["group", "blocks", "random"]),
)
def test_whatever_the_reviews_copies_and_groups_stay_on_one_side(rows, share, seed, rule):
    labels, groups, texts = (list(column) for column in zip(*rows, strict=True))
    reviews = reviews_of(labels, [f"film {group}" for group in groups], [f"text {text}" for text in texts])
    try:
        holdout = hold(reviews, rule, share, seed)
    except DataError as error:
        message = str(error)
        if "nothing can be held out" in message:
            counts = {label: labels.count(label) for label in (0, 1)}
            most = {label: min(np.ceil(count * share), count - 1) for label, count in counts.items()}
            kept_whole = groups if rule == "group" else texts
            for key in set(kept_whole):  # each is too large
                members = [label for label, own in zip(labels, kept_whole, strict=True) if own == key]
                tied = rule == "blocks" or any(members.count(label) > most[label] for label in (0, 1))
                assert tied or rule == "group"  # a small group may be tied to others by copies
        else:
            assert "one class only" in message
        assume(False)
    train, validation = sides(reviews, holdout)
    assert not {texts[i] for i in train} & {texts[i] for i in validation}
    shared = {groups[i] for i in train} & {groups[i] for i in validation}
    assert holdout.shared_groups == len(shared)
    if rule == "group":
        assert not shared
    for side in (train, validation):
        assert {labels[i] for i in side} == {0, 1}
    for label, count in Counter(labels[i] for i in validation).items():
        assert count <= np.ceil(labels.count(label) * share)


@pytest.mark.parametrize("rule", ["group", "blocks", "random"])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.3])
def test_the_share_and_the_balance_are_met(films, rule, share):
    _, validation = sides(films, hold(films, rule, share))
    assert len(validation) == pytest.approx(share * 2_000, rel=0.1)
    assert films.labels_N[validation].mean() == pytest.approx(0.5, abs=0.04)


def test_unbalanced_reviews_keep_their_balance():
    reviews = reviews_of([1] * 900 + [0] * 100)
    _, validation = sides(reviews, hold(reviews, "random", 0.2))
    assert reviews.labels_N[validation].mean() == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("rule", ["group", "blocks", "random"])
def test_the_cut_is_a_function_of_the_seed(films, rule):
    cuts = {seed: hold(films, rule, seed=seed).validation_N.tolist() for seed in (1, 2, 3)}
    assert hold(films, rule, seed=2).validation_N.tolist() == cuts[2]
    assert cuts[1] != cuts[2] != cuts[3] != cuts[1]


def test_auto_takes_groups_where_there_are_some_and_blocks_elsewhere(films):
    assert hold(films).rule == "group"
    assert hold(films).shared_groups == 0
    ungrouped = reviews_of(films.labels_N)
    assert hold(ungrouped).rule == "blocks"
    assert hold(ungrouped).shared_groups is None


def test_a_random_split_shares_groups_and_says_so(films):
    holdout = hold(films, "random")
    train, validation = sides(films, holdout)
    counted = {films.groups[i] for i in train} & {films.groups[i] for i in validation}
    assert holdout.shared_groups == len(counted) > 20


def test_blocks_are_runs_of_neighbours():
    reviews = reviews_of([0] * 12_500 + [1] * 12_500)  # as IMDB is
    _, validation = sides(reviews, hold(reviews, "blocks", 0.1))
    runs = np.split(validation, np.flatnonzero(np.diff(validation) > 1) + 1)
    assert len(validation) == 2_500 and all(len(run) % 250 == 0 for run in runs)


def test_copies_tie_their_groups_together():
    # The one text that both films share leaves no way to separate them.
    groups = ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    texts = ["same", "1", "2", "3", "same", "4", "5", "6", "7", "8", "9", "10"]
    reviews = reviews_of([0, 1] * 6, groups, texts)
    for seed in range(8):
        _, validation = sides(reviews, hold(reviews, "group", 0.4, seed))
        assert {groups[i] for i in validation} == {"c"}


def test_copies_of_opposite_labels_stay_together_too():
    reviews = reviews_of([0, 1] * 10, texts=["twin", "twin"] + [str(i) for i in range(18)])
    for seed in range(8):
        train, _ = sides(reviews, hold(reviews, "random", 0.5, seed))
        assert (0 in train) == (1 in train)


def test_rules_that_cannot_be_followed_are_refused_with_a_remedy():
    reviews = reviews_of([0, 1] * 10)
    with pytest.raises(DataError, match=r"no validation split; cut one .* --set data\.validation=auto"):
        hold(reviews, "own")
    with pytest.raises(
        DataError,
        match=r"no column film; .*--set data\.group_column=NAME, or use --set data\.validation=blocks",
    ):
        hold(reviews, "group")


@pytest.mark.parametrize(
    "reviews",
    [
        reviews_of([1] * 20),
        reviews_of([0] * 19 + [1]),
        reviews_of([0]),
    ],
    ids=["one class", "one review of a class", "one review"],
)
def test_a_side_without_both_classes_is_refused(reviews):
    with pytest.raises(DataError, match="one class only"):
        hold(reviews)


def test_groups_that_are_too_large_to_hold_out_are_named_as_such():
    films = reviews_of([0, 1] * 500, ["a"] * 500 + ["b"] * 500)
    with pytest.raises(DataError) as caught:
        hold(films, "auto", 0.1)
    message = str(caught.value)
    assert "one class" not in message
    for words in (
        "nothing can be held out: groups and copies stay together",
        "larger than data.validation_share=0.1 (50 negative and 50 positive reviews)",
        "use --set data.validation=random or --set data.validation_share=0.5",
    ):
        assert words in message
    assert len(hold(films, "random", 0.1).validation_N) == 100
    assert len(hold(films, "group", 0.5).validation_N) == 500


def test_one_film_cannot_be_held_out_by_any_share():
    with pytest.raises(DataError, match=r"nothing can be held out: .*; use --set data\.validation=random$"):
        hold(reviews_of([0, 1] * 10, ["one film"] * 20))


def test_one_text_that_is_copied_cannot_be_held_out():
    with pytest.raises(DataError, match=r"nothing can be held out: copies of a review .*; remove copies$"):
        hold(reviews_of([0, 1] * 10, texts=["same"] * 20), "random")


def test_far_fewer_reviews_than_asked_for_give_a_warning(films):
    # Copies of one text tie the first 13 of 20 blocks together.
    texts = ["same" if n % 48 == 0 and n < 1_560 else f"review {n}" for n in range(2_400)]
    few = hold(reviews_of([0, 1] * 1_200, texts=texts), "blocks", 0.5)
    held = len(few.validation_N)
    assert few.asked == 1_200 and held < 0.8 * few.asked
    assert few.warning == (
        f"only {held:,} reviews are held out for validation, not the 1,200 that data.validation_share "
        "asks for, because blocks and copies stay together"
    )
    assert hold(films).warning is None and hold(films, "none").warning is None


def test_a_few_reviews_less_are_no_reason_to_warn():
    small = reviews_of([0, 1] * 30, [f"film {n // 4}" for n in range(60)])
    holdout = hold(small)
    assert (len(holdout.validation_N), holdout.asked, holdout.warning) == (4, 6, None)


def test_shared_groups_are_counted():
    reviews = reviews_of([0, 1, 0, 1, 0], ["a", "a", "b", "b", "c"])
    assert count_shared_groups(reviews, np.array([True, False, True, True, False])) == 1
    assert count_shared_groups(reviews, np.array([True, False, False, True, False])) == 2
    assert count_shared_groups(reviews_of([0, 1]), np.array([True, False])) is None


def test_a_class_without_a_review_to_hold_out_is_said(write_rows, tmp_path):
    counts = {"bad": 30, "good": 30, "mixed": 2}
    rows = [
        {"text": f"{mood} {n}.", "label": mood, "film": "one" if mood == "mixed" else f"{n}"}
        for mood, count in counts.items()
        for n in range(count)
    ]
    source = DataSettings(source=str(write_rows(tmp_path / "r.jsonl", rows)))
    train = ReviewSource(source).read("train")
    selection = select_reviews({"train": train}, source, seed=1)
    holdout = selection.leave_out(hold_out(train, source, seed=1))
    assert holdout.notes == ["no review of mixed is held out for validation"]

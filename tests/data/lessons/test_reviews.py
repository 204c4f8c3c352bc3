"""Whole reviews that are turned round."""

import random

from sentiment.data.lessons.reviews import turn_by_words, turn_review

PRAISE = "A wonderful film. Superb acting, and a clever plot.<br /><br />It was made in 1950. I loved it."


def turnings(text, label, count=40):
    return {turn_review(text, label, random.Random(seed)) for seed in range(count)}


def test_every_opinion_is_turned_and_the_rest_stays():
    for turned in turnings(PRAISE, 1):
        assert turned is not None and "It was made in 1950." in turned and "<br /><br />" in turned
        assert "Superb" not in turned and "a clever" not in turned
        assert not turned.endswith("1950. I loved it.")


def test_some_opinions_are_negated():
    ends = {turned.rsplit("1950. ", 1)[1] for turned in turnings(PRAISE, 1)}
    assert any("n't" in end or "not" in end or "never" in end for end in ends)
    assert any("hated" in end or "despised" in end or "disliked" in end for end in ends)


def test_a_review_that_says_too_little_of_its_label_is_not_turned():
    assert turnings("A wonderful film. It was made in 1950.", 1) == {None}
    assert turnings(PRAISE, 0) == {None}
    assert turnings("", 1) == {None}


def test_an_opinion_without_an_opposite_is_left_out():
    for turned in turnings(PRAISE + " It is timeless. We saw it twice.", 1):
        assert turned is not None and "timeless" not in turned and turned.endswith("We saw it twice.")


def test_a_sentence_that_may_say_the_label_without_an_opinion_word_is_left_out():
    for turned in turnings(PRAISE + " Do not miss this. It was shot in Rome.", 1):
        assert turned is not None and "miss" not in turned and turned.endswith("It was shot in Rome.")


def test_ratings_are_turned_in_every_sentence_and_stars_are_left_out():
    for turned in turnings(PRAISE + " 9/10. Four stars from me. My vote: ****. A dull ending: 8/10.", 1):
        assert turned is not None and "2/10" in turned and "3/10" in turned
        assert "9/10" not in turned and "stars" not in turned and "****" not in turned


def test_a_sentence_that_says_the_label_with_a_word_without_an_opposite_is_left_out():
    for turned in turnings(PRAISE + " A superb and timeless score. It has a flawless cast.", 1):
        assert (
            turned is not None and "timeless" not in turned and "score" not in turned and "cast" not in turned
        )


def test_a_sentence_that_says_the_other_label_already_stays():
    for turned in turnings(PRAISE + " It was made in Rome. The music is dull.", 1):
        assert turned is not None and turned.endswith("The music is dull.")


def test_a_sentence_with_a_word_of_the_list_that_is_no_opinion_is_left_out():
    for turned in turnings(
        PRAISE + " A classic, and a fine one. We saw the good guys win. It was shot in Rome.", 1
    ):
        assert turned is not None and "guys" not in turned and turned.endswith("It was shot in Rome.")


def test_a_name_with_initials_is_not_cut():
    for turned in turnings(PRAISE + " Joseph L. Mankiewicz is never shown.", 1):
        assert turned is not None and "Mankiewicz" not in turned and "Joseph" not in turned


def test_a_review_of_which_nothing_would_be_left_is_not_turned():
    only = "A wonderful film with superb acting and a clever plot that I loved, which is timeless"
    assert turnings(only, 1) == {None}
    assert {turn_by_words(only, random.Random(seed)) for seed in range(9)} == {None}
    assert None not in turnings(only.removesuffix(", which is timeless"), 1)


COMPLAINT = "An awful film. Terrible acting, and a stupid plot. It was made in 1950. I hated it."


def test_a_review_without_a_label_is_turned_by_its_words():
    assert {turn_by_words(PRAISE, random.Random(seed))[1] for seed in range(9)} == {0}
    assert {turn_by_words(COMPLAINT, random.Random(seed))[1] for seed in range(9)} == {1}
    assert turn_by_words(PRAISE, random.Random(3)) == (turn_review(PRAISE, 1, random.Random(3)), 0)


def test_a_review_whose_words_do_not_agree_is_not_turned():
    assert turn_by_words(PRAISE + COMPLAINT, random.Random(1)) is None
    assert turn_by_words("", random.Random(1)) is None

"""Words that are spelt like a new one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.data.spelling import LIKE, find_spelt_alike

words = st.lists(st.text("abc<>", max_size=8), max_size=12)


def similarity(first, second):
    """Dice's coefficient of the sets of three letters, counted by hand."""
    parts = [{f"<{word}>"[at : at + 3] for at in range(max(1, len(word)))} for word in (first, second)]
    return 2 * len(parts[0] & parts[1]) / (len(parts[0]) + len(parts[1]))


def test_endings_prefixes_and_typos_are_alike():
    known = ["wonderful", "reliable", "battery", "the"]
    found = find_spelt_alike(["wonderfully", "unreliable", "batery", "xyz"], known)
    assert list(zip(found.new_P, found.known_P, strict=True)) == [(0, 0), (1, 1), (2, 2)]


@settings(derandomize=True, deadline=None, max_examples=200)
@given(new=words, known=words)
def test_it_is_dices_coefficient_of_every_pair(new, known):
    found = find_spelt_alike(new, known)
    expected = {
        (row, place): value
        for row, word in enumerate(new)
        for place, other in enumerate(known)
        if (value := similarity(word, other)) >= LIKE
    }
    pairs = dict(
        zip(zip(found.new_P.tolist(), found.known_P.tolist(), strict=True), found.similarity_P, strict=True)
    )
    assert pairs.keys() == expected.keys()
    np.testing.assert_allclose([pairs[pair] for pair in expected], list(expected.values()))

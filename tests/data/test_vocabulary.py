"""The vocabulary: counted on the given reviews, frequent words first, the same when it is read again."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.config import VocabularySettings
from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.text_rules import TextRules
from sentiment.data.tokenizer import Tokenizer, load_language
from sentiment.data.tokens import Tokens
from sentiment.data.vocabulary import PADDING, UNKNOWN, VIEWS, Channel, Vocabulary
from sentiment.errors import RunError

token = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6).filter(
    lambda text: not any(char.isspace() for char in text)
)
special = st.sampled_from([PADDING, UNKNOWN, "[lower]", "[form]", "0", "#"])
tokens_and_specials = st.lists(token | special, unique=True, min_size=1, max_size=30)
views = st.lists(st.sampled_from(sorted(VIEWS)), unique=True, max_size=5)


def tokens_of(*texts):
    """Tokens of texts that are split at spaces."""
    forms = sorted({form for text in texts for form in text.split()})
    ids = np.array([forms.index(form) for text in texts for form in text.split()], dtype=np.int32)
    return Tokens(forms, ids, np.cumsum([0, *(len(text.split()) for text in texts)]))


def build(tokens, positions=None, views=(), **options):
    chosen = np.arange(len(tokens)) if positions is None else np.array(positions)
    settings = VocabularySettings(**({"min_frequency": 1} | options))
    return Vocabulary.build(tokens, chosen, settings, views)


def words(vocabulary):
    (channel,) = vocabulary.channels
    return channel.words


def test_words_are_sorted_by_falling_frequency_then_by_name():
    vocabulary = build(tokens_of("b a c b", "c b d"))
    assert words(vocabulary) == [PADDING, UNKNOWN, "b", "c", "a", "d"]
    assert vocabulary.ids(["d", "b", "never"]).tolist() == [5, 2, UNKNOWN_ID]
    assert vocabulary.ids(["b"]).dtype == np.int64
    assert vocabulary.sizes == [6]


def test_only_the_given_positions_are_counted():
    tokens = tokens_of("train one", "held out", "train two two", "test held")
    vocabulary = build(tokens, [0, 2])
    assert sorted(words(vocabulary)[2:]) == ["one", "train", "two"]
    assert words(vocabulary)[2:4] == ["train", "two"]
    assert vocabulary.ids(["held", "out", "test"]).tolist() == [UNKNOWN_ID] * 3


def test_size_does_not_count_the_special_words():
    assert words(build(tokens_of("a a a b b c"), size=2))[2:] == ["a", "b"]


def test_rare_words_are_unknown():
    assert words(build(tokens_of("a a a b b c"), min_frequency=2))[2:] == ["a", "b"]
    assert words(build(tokens_of("a b"), min_frequency=2))[2:] == []


def test_case_is_kept_or_not():
    tokens = tokens_of("Good good GOOD bad")
    folded, cased = build(tokens), build(tokens, lower=False)
    assert words(folded)[2:] == ["good", "bad"]
    assert sorted(words(cased)[2:]) == ["GOOD", "Good", "bad", "good"]
    assert folded.ids(["gOOd"]).tolist() == [2]
    assert cased.ids(["gOOd"]).tolist() == [UNKNOWN_ID]


@pytest.mark.parametrize("lower", [True, False])
def test_the_special_names_typed_into_a_text_are_unknown(lower):
    vocabulary = build(tokens_of(f"{PADDING} {PADDING} {UNKNOWN} {UNKNOWN} a <PAD>"), lower=lower)
    assert vocabulary.ids([PADDING, UNKNOWN]).tolist() == [UNKNOWN_ID] * 2
    assert words(vocabulary).count(PADDING) == words(vocabulary).count(UNKNOWN) == 1
    assert (vocabulary.ids(["<PAD>"]) > UNKNOWN_ID).all() == (not lower)


def test_each_channel_sees_its_own_form_of_a_token():
    vocabulary = build(tokens_of("Goodness 42 goodness"), views=["lower", "prefix", "suffix", "shape"])
    ids = vocabulary.ids(["Goodness", "goodness", "42"])
    assert ids.shape == (3, 4) and vocabulary.sizes == [4, 5, 4, 5]
    found = [
        [channel.words[identity] for channel, identity in zip(vocabulary.channels, row, strict=True)]
        for row in ids
    ]
    assert found == [
        ["goodness", "G", "ess", "Xxxxx"],
        ["goodness", "g", "ess", "xxxx"],
        ["42", "4", "42", "dd"],
    ]


def test_channels_are_spacys_attributes():
    text = "Wonderful!"
    tokens = Tokenizer(TextRules()).tokenize([text])
    lexeme = load_language("en").vocab["Wonderful"]
    seen = {view: VIEWS[view]("Wonderful") for view in VIEWS}
    assert seen == {
        "form": lexeme.text,
        "lower": lexeme.lower_,
        "prefix": lexeme.prefix_,
        "suffix": lexeme.suffix_,
        "shape": lexeme.shape_,
    }
    assert "Wonderful" in tokens.forms


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    forms=tokens_and_specials,
    counts=st.lists(st.integers(0, 5), min_size=30, max_size=30),
    views=views,
    lower=st.booleans(),
    size=st.integers(1, 12),
    least=st.integers(1, 3),
)
def test_a_vocabulary_comes_back_from_its_text(forms, counts, views, lower, size, least):
    ids = [number for number, count in zip(range(len(forms)), counts, strict=False) for _ in range(count)]
    tokens = Tokens(forms, np.array(ids, dtype=np.int32), np.array([0, len(ids)]))
    settings = VocabularySettings(size=size, min_frequency=least, lower=lower)
    vocabulary = Vocabulary.build(tokens, np.array([0]), settings, views)
    again = Vocabulary.from_text(vocabulary.to_text(), settings)
    assert [channel.words for channel in again.channels] == [channel.words for channel in vocabulary.channels]
    assert [channel.view for channel in again.channels] == (views or ["lower" if lower else "form"])
    asked = [*forms, "never", PADDING, UNKNOWN]
    np.testing.assert_array_equal(again.ids(asked), vocabulary.ids(asked))
    assert again.to_text() == vocabulary.to_text()
    assert all(len(channel) <= size + 2 for channel in vocabulary.channels)
    assert vocabulary.ids(asked).min() >= UNKNOWN_ID


def test_the_text_is_plain():
    vocabulary = build(tokens_of("b a b"), views=["form", "shape"])
    assert vocabulary.to_text() == "[form]\nb\t2\na\t1\n[shape]\nx\t3\n"


GOOD = "[lower]\nb\t2\na\t1\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "b\t2\na\t1\n",
        "[lower]\nb\t2\na\t1",
        "[lower]\na\t1\nb\t2\n",
        "[lower]\nb\t2\nb\t2\n",
        "[lower]\nb\ttwo\n",
        "[lower]\nb\t-2\n",
        "[lower]\nb\t 2\n",
        "[lower]\nb\t2\t3\n",
        "[lower]\nb\t" + "9" * 5_000 + "\n",
        "[lower]\nb\n",
        "[lower]\nb\t2\n[lower]\na\t1\n",
        "[upper]\nb\t2\n",
        "lower\nb\t2\n",
        f"[lower]\n{PADDING}\t2\n",
        GOOD.replace("\n", "\r\n"),
        GOOD + "\n",
        "\ufeff" + GOOD,
    ],
)
def test_a_damaged_text_is_refused(text):
    assert Vocabulary.from_text(GOOD, VocabularySettings(min_frequency=1)).to_text() == GOOD
    with pytest.raises(RunError, match=r"vocabulary\.txt is damaged"):
        Vocabulary.from_text(text, VocabularySettings(min_frequency=1))


def test_a_text_that_does_not_fit_the_settings_is_refused():
    for changed in (VocabularySettings(min_frequency=2), VocabularySettings(min_frequency=1, size=1)):
        with pytest.raises(RunError, match="damaged"):
            Vocabulary.from_text(GOOD, changed)


def test_a_channel_leaves_its_counts_as_they_were():
    counts = Counter({PADDING: 3, "a": 1})
    channel = Channel("form", counts, VocabularySettings(min_frequency=1))
    assert counts == {PADDING: 3, "a": 1} and channel.words == [PADDING, UNKNOWN, "a"]


@settings(derandomize=True, deadline=None, max_examples=100)
@given(forms=st.lists(tokens_and_specials, min_size=3, max_size=3), views=views, room=st.integers(0, 9))
def test_an_extended_vocabulary_keeps_its_ids_and_comes_back_from_its_text(forms, views, room):
    known, first = None, forms[0]
    for own in forms:
        before = known
        tokens = Tokens(own, np.arange(len(own), dtype=np.int32), np.array([0, len(own)]))
        most = 1 if before is None else max(1, max(before.sizes) - 2)
        settings = VocabularySettings(size=most + room, min_frequency=1)
        known = Vocabulary.build(tokens, np.array([0]), settings, views, before)
        if before is not None:
            for channel, given in zip(known.channels, before.channels, strict=True):
                assert channel.words[: len(given)] == given.words
            kept = before.ids(first) != UNKNOWN_ID
            np.testing.assert_array_equal(known.ids(first)[kept], before.ids(first)[kept])
        again = Vocabulary.from_text(known.to_text(), settings)
        assert again.to_text() == known.to_text()
        assert [channel.words for channel in again.channels] == [channel.words for channel in known.channels]


def test_new_words_come_after_the_known_ones_and_share_the_room():
    known = build(tokens_of("b a b"))
    tokens = tokens_of("c d c a c d e")
    whole = Vocabulary.build(tokens, np.array([0]), VocabularySettings(min_frequency=1), (), known)
    assert words(whole) == [PADDING, UNKNOWN, "b", "a", "c", "d", "e"]
    assert whole.to_text() == "[lower]\nb\t2\na\t1\n[lower+]\nc\t3\nd\t2\ne\t1\n"
    small = Vocabulary.build(tokens, np.array([0]), VocabularySettings(min_frequency=1, size=3), (), known)
    assert words(small) == [PADDING, UNKNOWN, "b", "a", "c"]


@pytest.mark.parametrize(
    "text",
    [
        "[lower+]\nb\t2\n",
        "[lower]\nb\t2\n[form+]\na\t1\n",
        "[lower]\nb\t2\n[lower+]\nb\t1\n",
        "[lower]\nb\t2\n[form]\nB\t2\n[lower+]\na\t1\n",
        "[lower]\nb\t2\n[lower++]\na\t1\n",
    ],
)
def test_a_damaged_extension_is_refused(text):
    with pytest.raises(RunError, match=r"vocabulary\.txt is damaged"):
        Vocabulary.from_text(text, VocabularySettings(min_frequency=1))

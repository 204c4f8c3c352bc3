"""How reviews are cut into sentences, and which of them are sure."""

import pytest

from sentiment.data.lessons.sentences import Sentence, split_sentences


def sentences(text: str) -> list[str]:
    return [sentence.text for sentence in split_sentences(text)]


def test_a_review_is_cut_at_its_sentence_ends():
    text = "I liked it a lot. Did you like it?<br /><br />It is good!  The end came too soon"
    assert sentences(text) == [
        "I liked it a lot.",
        "Did you like it?",
        "It is good!",
        "The end came too soon",
    ]


def test_an_abbreviation_ends_no_sentence():
    assert sentences("We meet Mr. Jones and Dr. K. Smith in Rome.") == [
        "We meet Mr. Jones and Dr. K. Smith in Rome."
    ]


def test_fragments_and_long_sentences_are_left_out():
    assert sentences("Wow. " + "word " * 31 + "and more.") == []


def test_half_a_quotation_is_left_out():
    assert sentences('He says "I am here. Come in please." and that is all.') == []


@pytest.mark.parametrize(
    ("text", "is_sure"),
    [
        ("The acting is superb.", True),
        ("The acting is not superb.", False),
        ("The acting is superb, but the script is dull.", False),
        ("It could be superb.", False),
        ("Is the acting superb?", False),
        ("A superb cast in a dull film.", False),
        ("They meet in Rome.", False),
        ("It is a worthwhile subject.", False),  # a weak word
    ],
)
def test_a_sentence_is_sure_if_all_its_words_agree(text, is_sure):
    assert Sentence(text).is_sure == is_sure

"""Text before it is tokenized: plain signs, no markup, once and for all; version 1 as it was."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.config import TextSettings
from sentiment.data.text import why_unreadable
from sentiment.data.text_rules import PARTS, TextRules, normalise

RULES = TextRules()
OLD = TextRules.of(TextSettings(rules=1))
PIECES = [
    *"ab1 .;'\"<>&/=-#!\n\t\u00a0\u200b\u200c\u200d\u00ad\ufeff\u2019\u201c\u2013\u2014\u037e\u0301\u0338",
    *(
        "<b>",
        "</",
        "<br />",
        "&amp;",
        "&lt;",
        "&gt;",
        "&#60;",
        "&#x200d;",
        "amp;",
        "&am&#112;",
        "&shy;",
        "lt;",
    ),
    *("<p x='", "<!--", "-->", "\u0646", "\u0939", "\U0001f468", "\ufe0f", "\u00e9", "a" * 99, "." * 101),
]
hostile = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.text("ab.'<br/> \n\t-,!?()") | hostile
some_rules = st.builds(TextRules, **{part: st.booleans() for part in PARTS})


def normalise_version_1(text: str) -> str:
    """What the program did before `text.rules` existed."""
    text = re.sub(r"\s+", " ", re.sub(r"<br\s*/?>", " ", text, flags=re.IGNORECASE)).strip()
    return re.sub(r"\S{200}(?=\S)", r"\g<0> ", text)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("good<br /><br />film", "good film"),
        ("<BR>good <br/>  film<br  />", "good film"),
        (" good\n\t film\u00a0", "good film"),
        ("<brx> b r", "<brx> b r"),
        ("<br />", ""),
        ("'" * 200 + " good", "'" * 200 + " good"),
        ("a " + "'" * 401, " ".join(["a", "'" * 200, "'" * 200, "'"])),
    ],
)
@pytest.mark.parametrize("rules", [RULES, OLD], ids=["new", "old"])
def test_breaks_and_white_space_become_one_space(text: str, normal: str, rules: TextRules) -> None:
    assert normalise(text, rules) == normal


@pytest.mark.parametrize(
    ("part", "text", "normal"),
    [
        ("quotes", "it isn\u2019t \u201cgood\u201d", 'it isn\'t "good"'),
        ("quotes", "\u201eja\u201c, l\u00b4eau, 5\u2032", "\"ja\", l'eau, 5'"),
        ("quotes", "1990\u20132000 \u2014 well\u2011made", "1990-2000 -- well-made"),
        ("nfc", "cafe\u0301", "caf\u00e9"),
        ("entities", "Tom &amp; Jerry&#39;s &eacute;tude", "Tom & Jerry's \u00e9tude"),
        ("entities", "a&nbsp;b &#x27;c&#X27; &quot;d&quot;", "a b 'c' \"d\""),
        ("entities", "twice &amp;amp; thrice &amp;amp;amp;", "twice & thrice &"),
        ("tags", "<p>good <b>film</b></p>", "good film"),
        ("tags", '<a href="x>y" title=z>here</a> <!-- not this --> <img src=a.png/>', "here"),
        ("tags", "<DIV CLASS='x'>good</DIV><o:p></o:p>", "good"),
        ("invisible", "\ufeffgood\u200b won\u00adder\u2060ful\u200e", "good wonderful"),
        ("invisible", "Auf\u200clage a\u200db", "Auflage ab"),
        ("invisible", "\u0e14\u0e35\u200b\u0e21\u0e32\u0e01", "\u0e14\u0e35 \u0e21\u0e32\u0e01"),
    ],
)
def test_each_part_does_its_work_and_can_be_switched_off(part: str, text: str, normal: str) -> None:
    assert normalise(text, RULES) == normal
    off = TextRules.of(TextSettings(**{part: False}))
    assert normalise(text, off) == normalise_version_1(text)


def test_a_tag_that_was_escaped_is_a_tag() -> None:
    assert normalise("good&lt;br /&gt;film &amp;lt;b&amp;gt;!", RULES) == "good film !"


@pytest.mark.parametrize(
    "text",
    [
        "I <3 it",
        "a < b and c > d",
        "x <b and c> y",
        "<3 <- -> <> <user> <unk> </3",
        "AT&T, R&D; &nosuchname; &copy 2020 food&notes",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: I want
        "\u0915\u094d\u200d\u0937",  # Hindi: a half form
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f\u200d\U0001f525",
        "\U0001f3f3\ufe0f\u200d\U0001f308",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "\u00ab bon \u00bb \u2026 na\u00efve",
    ],
)
def test_what_only_looks_like_markup_or_joins_stays(text: str) -> None:
    assert normalise(text, RULES) == text


@settings(derandomize=True, deadline=None, max_examples=500)
@given(text=texts, rules=some_rules)
def test_normal_text_does_not_change(text: str, rules: TextRules) -> None:
    normal = normalise(text, rules)
    assert normalise(normal, rules) == normal
    assert not any(char.isspace() and char != " " for char in normal)
    assert "  " not in normal and normal == normal.strip()
    assert max(map(len, normal.split()), default=0) <= 200


@settings(derandomize=True, deadline=None, max_examples=500)
@given(text=texts, rules=some_rules)
def test_normal_text_is_no_longer_than_it_must_be(text: str, rules: TextRules) -> None:
    """A dash may become two, NFC may take a letter apart, and a long run is broken."""
    dashes = sum(map(text.count, "\u2014\u2015")) + text.count("&")
    apart = 3 * sum(not char.isascii() for char in text) if rules.nfc else 0
    assert len(normalise(text, rules)) <= len(text) + len(text) // 200 + dashes + apart


@settings(derandomize=True, deadline=None, max_examples=500)
@given(text=texts)
def test_version_1_is_what_it_was(text: str) -> None:
    assert normalise(text, OLD) == normalise_version_1(text)
    nothing = TextRules(**dict.fromkeys(PARTS, False))
    assert normalise(text, nothing) == normalise_version_1(text)


@settings(derandomize=True, deadline=None)
@given(text=st.text("abc XYZ.,!?'-()"))
def test_plain_text_is_the_same_in_both_versions(text: str) -> None:
    assert normalise(text, RULES) == normalise(text, OLD)


@settings(derandomize=True, deadline=None, max_examples=500)
@given(text=texts, rules=some_rules)
def test_a_text_is_unreadable_exactly_if_it_is_empty_after_normalising(text: str, rules: TextRules) -> None:
    assert why_unreadable(text) == (None if normalise(text, RULES) else "is empty")
    assert why_unreadable(text) or normalise(text, rules)


@pytest.mark.parametrize("text", ["", " \n", "<br />", "<p></p>", "&nbsp;", "\u200b\ufeff", "&lt;br&gt;"])
def test_markup_around_nothing_is_empty(text: str) -> None:
    assert why_unreadable(text) == "is empty"


def test_half_a_surrogate_pair_is_unreadable() -> None:
    assert "not Unicode" in (why_unreadable("x \ud83d") or "")
    assert normalise("\ud83d &#xD83D;", RULES) == "\ud83d \ufffd"


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "&",
        "<b ",
        "<b x=",
        '<b x="',
        "<!--",
        "&amp;",
        "amp;",
        "&#38;",
        "&am&#112;",
        "\u200d",
        "\u2014",
        "e\u0301",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    text = "&" + piece * (100_000 // len(piece))
    start = time.process_time()
    normal = normalise(text, RULES)
    assert time.process_time() - start < 2
    assert normalise(normal, RULES) == normal

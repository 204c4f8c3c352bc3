"""The rules by which a text is normalised before it is tokenized; training and predicting share them."""

import html
import re
import unicodedata
from dataclasses import dataclass
from html.entities import html5
from typing import Self

from sentiment.config import TextSettings

PARTS = ("quotes", "nfc", "entities", "tags", "invisible")
PLAIN_SIGNS = {  # what a keyboard types for them
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u00b4\u2032\uff07", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\uff02", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"),
    **dict.fromkeys("\u2014\u2015", "--"),
}

BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
TAG_NAMES = """
    br a abbr acronym address area article aside audio b base bdi bdo big blink blockquote body button canvas
    caption center cite code col colgroup dd del details dfn dialog dir div dl dt em embed fieldset figcaption
    figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins
    kbd label legend li link main map mark marquee menu meta meter nav nobr noscript o:p object ol optgroup
    option output p param picture pre progress q rp rt ruby s samp script section select small source span
    strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr
    track tt u ul var video wbr
"""
ATTRIBUTE = r"""\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'|[^\s"'<>]+)"""
# Every part stops at the next `<`, so the time grows with the length of the text, not with its square.
TAG = rf"<(?:/?(?:{'|'.join(TAG_NAMES.split())})(?:{ATTRIBUTE})*\s*/?|!--[^<>]*--|!doctype\s[^<>]*)>\s*"
TAGS = re.compile(f"{TAG}(?:{TAG})*", re.IGNORECASE)

# `&amp;amp;lt;` is `<` that was escaped three times.
ENTITY = re.compile(r"&(?:(?:amp|#0*38|#x0*26);)*(#\d{1,7};|#x[0-9a-f]{1,6};|[a-z][a-z0-9]*;)", re.IGNORECASE)

# Zero-width space, soft hyphen, marks of direction, word joiner, invisible operators and byte order mark.
INVISIBLE = "".join(
    map(chr, [0x200B, 0xAD, 0x200E, 0x200F, 0x61C, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF])
)
JOINERS = "\u200c\u200d"
# Arabic (Persian too), Syriac, Mongolian and the scripts of India shape their letters by joiners.
JOINING_LETTERS = "\u0600-\u07ff\u0840-\u08ff\u0900-\u0dff\u1800-\u18af\ufb50-\ufdff\ufe70-\ufefc"
EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u20e3\u2100-\u2bff\u3030\u303d\u3297\u3299\ufe0f"
    "\U0001f000-\U0001faff\U000e0020-\U000e007f"
)
LOST_JOINER = re.compile(rf"(?<![{JOINING_LETTERS}])(?:\u200c|(?<![{EMOJI}])\u200d|\u200d(?![{EMOJI}]))")
# In the scripts of Thailand and its neighbours a zero-width space is the space between two words.
WORD_SPACE = re.compile(r"(?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b")

LONGEST_RUN = 200  # without white space; the longest in IMDB's 75,000 reviews has 91 characters
# spaCy's time grows with the square of a run of punctuation: 100,000 quotes in a row would take half an hour.
LONG_RUN = re.compile(rf"\S{{{LONGEST_RUN}}}(?=\S)")
MOST_PASSES = 4  # a text that was escaped twice is finished after two


@dataclass(frozen=True, kw_only=True)
class TextRules:
    """What is done to a text, as `TextSettings` describes it; by default everything, in English."""

    version: int = 2
    language: str = "en"
    quotes: bool = True
    nfc: bool = True
    entities: bool = True
    tags: bool = True
    invisible: bool = True

    @classmethod
    def of(cls, settings: TextSettings) -> Self:
        """Return the rules of a configuration; version 1 has none of the parts."""
        parts = {name: settings.rules > 1 and getattr(settings, name) for name in PARTS}
        return cls(version=settings.rules, language=settings.language, **parts)


def normalise(text: str, rules: TextRules) -> str:
    """Return the text with plain signs, without markup; normalising it again changes nothing.

    Whatever the rules, `<br />` and each run of white space become one space, and a run of more than 200
    characters without white space gets a space after each 200.
    """
    for _ in range(MOST_PASSES):
        before = text
        text = _apply_once(text, rules)
        if text == before or _is_plain(text):
            return text
    # Only a text that was made for this is not finished: `&am&#112;` within `&am&#112;` and so on.
    return _apply_once(text.translate(dict.fromkeys(map(ord, "<&" + JOINERS), " ")), rules)


def _is_plain(text: str) -> bool:
    """Whether no rule can change a text that `_apply_once` has returned."""
    return text.isascii() and "<" not in text and "&" not in text


def _apply_once(text: str, rules: TextRules) -> str:
    if not text.isascii():
        text = _fold_signs(text, rules)
    if "<" in text:
        text = (TAGS if rules.tags else BREAK).sub(" ", text)
    if rules.entities and "&" in text:
        text = ENTITY.sub(_decode_entity, text)
    text = text.strip() if text.isprintable() and "  " not in text else " ".join(text.split())
    return LONG_RUN.sub(r"\g<0> ", text) if _may_have_long_run(text) else text


def _may_have_long_run(text: str) -> bool:
    """Whether a hundred characters, from a multiple of 100 on, have no space: a long run covers a hundred."""
    return any(" " not in text[start : start + 100] for start in range(0, len(text) - 99, 100))


def _fold_signs(text: str, rules: TextRules) -> str:
    """Return a text with invisible characters removed, letters composed and signs made plain."""
    if rules.invisible:
        if "\u200b" in text:
            text = WORD_SPACE.sub(" ", text)
        if "\u200c" in text or "\u200d" in text:
            text = LOST_JOINER.sub("", text)
        for sign in INVISIBLE:
            text = text.replace(sign, "")
    if rules.nfc:
        text = unicodedata.normalize("NFC", text)
    if rules.quotes:
        for sign, plain in PLAIN_SIGNS.items():
            text = text.replace(sign, plain)
    return text


def _decode_entity(match: re.Match[str]) -> str:
    """Return the character of an entity, or the entity as it is if no character has its name."""
    name = match[1]
    return html.unescape(f"&{name}") if name[0] == "#" else html5.get(name, match[0])

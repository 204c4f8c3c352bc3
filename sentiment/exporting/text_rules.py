"""The rules by which a text becomes tokens, as data: what another program needs to cut texts the same way.

docs/export.md says how they are applied; `examples/` applies them in Python and in JavaScript.
"""

import html
import re
import sys
from collections.abc import Callable
from html.entities import html5
from typing import Any

from spacy.attrs import ORTH
from spacy.tokenizer import Tokenizer

from sentiment.data import text_rules
from sentiment.data.text_rules import TextRules
from sentiment.data.tokenizer import load_language
from sentiment.exporting.patterns import SPACE, NoJavaScript, describe_pattern

NOTHING = re.compile("(?!)")  # matches nothing


class NoRules(Exception):
    """The tokenizer of a language is more than a set of rules; its message says why."""


def describe_normalising(rules: TextRules) -> dict[str, Any]:
    """Return what `data.text_rules.normalise` does with these rules."""
    invisible = [
        (text_rules.WORD_SPACE, " "),
        (text_rules.LOST_JOINER, ""),
        (re.compile(f"[{text_rules.INVISIBLE}]"), ""),
    ]
    return {
        "passes": text_rules.MOST_PASSES,
        "invisible": [
            {"pattern": describe_pattern(pattern), "by": by} for pattern, by in invisible if rules.invisible
        ],
        "nfc": rules.nfc,
        "signs": text_rules.PLAIN_SIGNS if rules.quotes else {},
        "markup": describe_pattern(text_rules.TAGS if rules.tags else text_rules.BREAK),
        "entities": _describe_entities(rules.entities),
        "space": describe_pattern(re.compile(f"[{SPACE}]+")),
        "long_run": describe_pattern(text_rules.LONG_RUN),
        "unfinished": describe_pattern(re.compile(f"[<&{text_rules.JOINERS}]")),
    }


def _describe_entities(are_decoded: bool) -> dict[str, Any]:
    """Return the names of entities, and the numbers that do not stand for the character of that number."""
    numbers = [*range(0xA0), *range(0xFDD0, 0xFDF0)]
    numbers += [plane * 2**16 + last for plane in range(17) for last in (0xFFFE, 0xFFFF)]
    decoded = {number: html.unescape(f"&#{number};") for number in numbers}
    return {
        "pattern": describe_pattern(text_rules.ENTITY if are_decoded else NOTHING),
        "names": {name: text for name, text in html5.items() if name.endswith(";")},
        "numbers": {str(number): text for number, text in decoded.items() if text != chr(number)},
        "no_character": html.unescape("&#xD800;"),
    }


def describe_tokenizer(language: str) -> dict[str, Any]:
    """Return spaCy's rules for a language; raises NoRules if it does not cut texts by rules alone."""
    tokenizer = load_language(language).tokenizer
    if type(tokenizer) is not Tokenizer:
        raise NoRules(f"text.language={language} is not cut by rules alone")
    try:
        patterns = {
            name: _describe_search(getattr(tokenizer, attribute))
            for name, attribute in (
                ("token", "token_match"),
                ("prefix", "prefix_search"),
                ("suffix", "suffix_search"),
                ("infix", "infix_finditer"),
                ("url", "url_match"),
            )
        }
    except NoJavaScript as reason:
        raise NoRules(
            f"a rule of text.language={language} cannot be written in JavaScript: {reason}"
        ) from None
    words = {word: [part[ORTH] for part in parts] for word, parts in tokenizer.rules.items() if word.strip()}
    return {**patterns, "words": words, "phrases": _list_phrases(tokenizer, list(words))}


def _describe_search(search: Callable[..., Any] | None) -> dict[str, Any]:
    if search is None:
        return describe_pattern(NOTHING)
    pattern = getattr(search, "__self__", None)
    if not isinstance(pattern, re.Pattern):
        raise NoJavaScript("it is a function of Python")
    return describe_pattern(pattern)


def _list_phrases(tokenizer: Tokenizer, words: list[str]) -> list[list[str]]:
    """Return the words that other rules cut, as the tokens that these make of them.

    Where they stand in a row, spaCy makes one token of them.
    """
    plain = Tokenizer(
        tokenizer.vocab,
        prefix_search=tokenizer.prefix_search,
        suffix_search=tokenizer.suffix_search,
        infix_finditer=tokenizer.infix_finditer,
        token_match=tokenizer.token_match,
        url_match=tokenizer.url_match,
    )
    finders = (tokenizer.find_prefix, tokenizer.find_infix, tokenizer.find_suffix)
    phrases = [
        word
        for word in words
        if not tokenizer.faster_heuristics or " " in word or any(find(word) for find in finders)
    ]
    return [[token.text for token in plain(word)] for word in phrases]


def digits() -> str:
    """Return the characters that Python's `str.isdigit` knows, as a pattern in both languages."""
    found = [code for code in range(sys.maxunicode + 1) if chr(code).isdigit()]
    starts = [code for code in found if not chr(code - 1).isdigit()]
    ends = [code for code in found if not chr(code + 1).isdigit()]
    ranges = (chr(a) if a == b else f"{chr(a)}-{chr(b)}" for a, b in zip(starts, ends, strict=True))
    return f"[{''.join(ranges)}]"

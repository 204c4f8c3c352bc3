"""Turn a text round: replace its opinion words by their opposites."""

import random
import re

from sentiment.data.lessons.wordlist import Hit, word_list

ARTICLE = re.compile(r"\b([Aa])(n?)(\s+)$")
VOWEL = re.compile(r"(?!u(?:se|ni|s\b)|one|eu)[aeiou]|hour|honest", re.IGNORECASE)
RATING = re.compile(
    r"(?<![\d./-])(\d{1,2}(?:\.\d)?)(\s?(?:/|out of)\s?)(10|5|ten|five)\b(?!\s?/|\.\d)", re.IGNORECASE
)  # not a date, such as 9/10/2001


def turn_round(text: str, hits: list[Hit], generator: random.Random) -> str:
    """Return the text with the opposite of each opinion word that has one."""
    pieces, end = [], 0
    for hit in hits:
        opposites = word_list().opposites.get(hit.word)
        if not opposites:
            continue
        new = in_the_case_of(text[hit.start : hit.end], generator.choice(opposites))
        before = fit_article(text[end : hit.start], new)
        pieces += [before, new]
        end = hit.end
    return "".join([*pieces, text[end:]])


def turn_ratings(text: str) -> str:
    """Return the text with ratings such as 8/10 and "4 out of five" turned round; the best is the worst."""
    return RATING.sub(_turn_rating, text)


def fit_article(before: str, word: str) -> str:
    """Return the text before a word with `a` or `an` at its end as the word needs it."""

    def choose(found: re.Match[str]) -> str:
        return found[1] + ("n" if VOWEL.match(word) else "") + found[3]

    return ARTICLE.sub(choose, before)


def in_the_case_of(model: str, word: str) -> str:
    """Return a word in capitals, or with a capital, as another one is."""
    if model.isupper() and len(model) > 1:
        return word.upper()
    return word[0].upper() + word[1:] if model[0].isupper() else word


def _turn_rating(found: re.Match[str]) -> str:
    most = {"10": 10, "ten": 10, "5": 5, "five": 5}[found[3].lower()]
    given = float(found[1])
    return f"{min(most, most + 1 - given):g}{found[2]}{found[3]}" if given <= most else found[0]

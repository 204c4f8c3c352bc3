"""Write texts as people type them in a hurry."""

import random
import re

LONG_WORD = re.compile(r"[a-z]{4,}", re.IGNORECASE)
NEIGHBOURS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo",
    "j": "hk", "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "wa", "r": "et",
    "s": "ad", "t": "ry", "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip
MANY_WORDS = 6  # a text with more words gets two slips


def misspell(text: str, generator: random.Random) -> str:
    """Return a text with a wrong word or two; some in another case, or with other marks at the end."""
    words = list(LONG_WORD.finditer(text))
    chosen = generator.sample(words, min(len(words), 2 if len(words) > MANY_WORDS else 1))
    for found in sorted(chosen, key=lambda one: -one.start()):
        text = text[: found.start()] + _slip(found[0], generator) + text[found.end() :]
    case = generator.random()
    if case < 0.35:
        text = text.lower()
    elif case < 0.42:
        text = text.upper()
    if generator.random() < 0.3:
        text = text.rstrip(".,!")
    return text + (generator.choice(["!!!", "!!", "...", " !!!"]) if generator.random() < 0.1 else "")


def _slip(word: str, generator: random.Random) -> str:
    """Return a word with a letter left out, doubled, swapped, replaced or stretched; the ends stay."""
    place = generator.randrange(1, len(word) - 1)
    before, letter, after = word[:place], word[place], word[place + 1 :]
    slips = (
        before + after,
        before + 2 * letter + after,
        before + after[0] + letter + after[1:],
        before + generator.choice(NEIGHBOURS.get(letter.lower(), letter)) + after,
    )
    vowels = [at for at, one in enumerate(word) if one.lower() in "aeiou"]
    if vowels and generator.random() < 1 / (len(slips) + 1):
        place = generator.choice(vowels)
        return word[:place] + word[place] * generator.randint(3, 5) + word[place + 1 :]
    return generator.choice(slips)

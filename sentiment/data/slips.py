"""Read an unknown word as the known word that it is a slip of.

Source of the idea to try every slip: Norvig 2007, "How to Write a Spelling Corrector". Fewer slips are tried
here, those that people make most, so that rare words that are no slips mostly stay unknown.
"""

import re
from collections.abc import Iterator, Mapping
from string import ascii_lowercase

LEAST_LETTERS = 4  # shorter words have too many neighbours
LEAST_LETTERS_OF_RARE_SLIPS = 7
VOWELS = "aeiouy"
STRETCHED = re.compile(r"(.)\1{2,}")


def find_meant_word(word: str, id_of_word: Mapping[str, int]) -> int | None:
    """Return the lowest id of the known words that an unknown word may be a slip of, or None.

    A slip is a letter typed three times or more, doubled or not doubled by mistake, or swapped with its
    neighbour; in long words also a wrong vowel, or any letter too many or missing. The first letter is never
    one. Only words of the letters a to z have slips.
    """
    if not (word.isascii() and word.isalpha() and word.islower()):
        return None
    if STRETCHED.search(word):
        for kept in (r"\1\1", r"\1"):
            if (found := id_of_word.get(STRETCHED.sub(kept, word))) is not None:
                return found
        word = STRETCHED.sub(r"\1\1", word)
    ids = (id_of_word.get(meant) for meant in _undo_slips(word) if len(meant) >= LEAST_LETTERS)
    return min((found for found in ids if found is not None), default=None)


def _undo_slips(word: str) -> Iterator[str]:
    """Yield all that may have been meant by a word."""
    for place in range(1, len(word)):
        before, letter, after = word[:place], word[place], word[place + 1 :]
        if letter == word[place - 1] or len(word) > LEAST_LETTERS_OF_RARE_SLIPS:
            yield before + after
        if letter in VOWELS and len(word) >= LEAST_LETTERS_OF_RARE_SLIPS:
            yield from (before + vowel + after for vowel in VOWELS)
        if after:
            yield before + after[0] + letter + after[1:]
    for place in range(1, len(word) + 1):
        added = ascii_lowercase if len(word) >= LEAST_LETTERS_OF_RARE_SLIPS else word[place - 1]
        yield from (word[:place] + letter + word[place:] for letter in added)

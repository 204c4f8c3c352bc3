"""Cut reviews into sentences, and say of which the verdict is sure."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from sentiment.data.lessons.wordlist import WORD, Hit, word_list

END = re.compile(r"(?<=[.!?])[\"')]*\s+(?=[A-Z\"'(0-9])|<br\s*/?>|\n+")
ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Jr|Sr|vs|Capt|Lt|Col|Sgt|Prof|No|etc|[A-Z])\.$")
LEAST_WORDS, MOST_WORDS = 3, 30


class Sentence:
    """A sentence of a review."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words: list[str] = WORD.findall(text.lower())

    @cached_property
    def hits(self) -> list[Hit]:
        """Its opinion words."""
        return word_list().find(self.text)

    @cached_property
    def is_negated(self) -> bool:
        """Whether it has a word that may turn its opinion words round."""
        return not word_list().negations.isdisjoint(self.words) or any(
            word.endswith("n't") for word in self.words
        )

    @cached_property
    def turns(self) -> bool:
        """Whether it may have a contrast, a condition, a question or a comparison."""
        return not word_list().turns.isdisjoint(self.words) or "?" in self.text or ".." in self.text

    @property
    def has_hidden_words(self) -> bool:
        """Whether it has words of the list, though none is an opinion: "the good guys", "a fine line"."""
        return not self.hits and not word_list().is_good.keys().isdisjoint(self.words)

    @property
    def is_sure(self) -> bool:
        """Whether its opinion words say its verdict."""
        if self.is_negated or self.turns or not self.hits:
            return False
        strong = any(hit.word not in word_list().weak for hit in self.hits)
        return strong and len({hit.is_good for hit in self.hits}) == 1


def split_sentences(text: str) -> Iterator[Sentence]:
    """Return the sentences of a review that are of a usual length."""
    begun = ""
    for piece in END.split(text):
        piece = f"{begun} {piece}" if begun else piece
        if ABBREVIATION.search(piece):
            begun = piece
            continue
        begun = ""
        tidy = " ".join(piece.split()).strip("\"'()*- ")
        if tidy.count('"') % 2 == 0 and tidy.count("(") == tidy.count(")"):
            sentence = Sentence(tidy)
            if LEAST_WORDS <= len(sentence.words) <= MOST_WORDS:
                yield sentence


def first_sentences(labelled: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the first sentence of each review that has one, with the label of the review."""
    first = ((next(split_sentences(text), None), label) for text, label in labelled)
    return [(sentence.text, label) for sentence, label in first if sentence is not None]

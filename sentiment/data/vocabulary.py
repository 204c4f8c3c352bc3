"""The words a model knows, counted on the training split, kept as plain text."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from torchtext.vocab import Vocab

from sentiment.config import VocabularySettings
from sentiment.data.tokens import Tokens
from sentiment.errors import RunError
from sentiment.models.classifier import PADDING_ID

PADDING, UNKNOWN = "<pad>", "<unk>"
UNKNOWN_ID = PADDING_ID + 1


class Vocabulary:
    """Maps token forms to ids: 0 is padding, 1 any unknown word, then words by falling frequency."""

    def __init__(self, counts: Counter[str], settings: VocabularySettings) -> None:
        self.lower = settings.lower
        # A text may contain the special names as words; they must not claim the special ids.
        words = Counter({word: n for word, n in counts.items() if word not in (PADDING, UNKNOWN)})
        self._vocab = Vocab(
            words, max_size=settings.size, min_freq=settings.min_frequency, specials=[PADDING, UNKNOWN]
        )

    @classmethod
    def build(cls, tokens: Tokens, positions_N: np.ndarray, settings: VocabularySettings) -> "Vocabulary":
        """Count the words of the reviews at `positions_N`, the training reviews, and of no others."""
        occurrences = np.zeros(len(tokens.forms), dtype=np.int64)
        for position in positions_N:
            np.add.at(occurrences, tokens[position], 1)
        counts: Counter[str] = Counter()
        for form, count in zip(tokens.forms, occurrences.tolist(), strict=True):
            if count:
                counts[form.lower() if settings.lower else form] += count
        return cls(counts, settings)

    def __len__(self) -> int:
        return len(self._vocab.itos)

    @property
    def words(self) -> list[str]:
        """The words by id, the two special ones first."""
        words: list[str] = self._vocab.itos
        return words

    def ids(self, forms: Sequence[str]) -> np.ndarray:
        """int64 ids of token forms; 1 where a form is unknown."""
        known = self._vocab.stoi.get
        if self.lower:
            forms = [form.lower() for form in forms]
        ids = [known(form, UNKNOWN_ID) for form in forms]
        # "<pad>" typed into a review is an unknown word, not padding.
        return np.array(
            [identity if identity > UNKNOWN_ID else UNKNOWN_ID for identity in ids], dtype=np.int64
        )

    def to_text(self) -> str:
        """One `word<TAB>count` a line, most frequent first; tokens hold no white space."""
        return "".join(f"{word}\t{self._vocab.freqs[word]}\n" for word in self.words[UNKNOWN_ID + 1 :])

    @classmethod
    def from_text(cls, text: str, settings: VocabularySettings) -> "Vocabulary":
        """Read back what `to_text` wrote; raises RunError if it is something else."""
        lines = text.split("\n")[:-1]
        try:
            pairs = [line.split("\t") for line in lines]
            counts = Counter({word: int(count) for word, count in pairs})
        except ValueError:
            raise RunError("vocabulary.txt is damaged: not one word and count a line") from None
        vocabulary = cls(counts, settings)
        if vocabulary.to_text() != text:
            raise RunError("vocabulary.txt is damaged: words repeat or are out of order")
        return vocabulary

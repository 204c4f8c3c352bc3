"""spaCy's English tokenizer, for the texts that one process tokenizes."""

import os
import threading
from collections.abc import Sequence
from functools import cache

import numpy as np

from sentiment.data.text import normalise
from sentiment.data.tokens import Tokens, offsets_of

NO_HASHES = np.zeros(0, dtype=np.uint64)
REMEMBERED = 30_000  # strings, as many as 1,500 reviews of IMDB hold


class Tokenizer:
    """spaCy's rules for English, on normalised text."""

    def __init__(self) -> None:
        import spacy

        self._nlp = spacy.blank("en")
        self.lock = threading.RLock()  # all threads share one store of strings
        if hasattr(os, "register_at_fork"):
            # A fork waits for a thread that tokenizes. Else the child had a lock that nobody releases.
            os.register_at_fork(
                before=lambda: self.lock.acquire(),
                after_in_parent=lambda: self.lock.release(),
                after_in_child=self._renew_lock,
            )

    def _renew_lock(self) -> None:
        self.lock = threading.RLock()

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Tokenize texts; spaCy keeps every string that it has met."""
        from spacy.attrs import ORTH

        with self.lock:
            hashes = [self._nlp.tokenizer(normalise(text)).to_array(ORTH) for text in texts]
            distinct, ids = np.unique(np.concatenate([NO_HASHES, *hashes]), return_inverse=True)
            strings = self._nlp.vocab.strings
            forms = [strings[int(form)] for form in distinct]
        return Tokens(forms, ids.astype(np.int32), offsets_of([len(array) for array in hashes]))

    def tokenize_and_forget(self, texts: Sequence[str]) -> Tokens:
        """Tokenize texts; spaCy forgets new strings once it knows `REMEMBERED`, so memory stays flat.

        It keeps the strings that it met first: common words are then fast.
        """
        if len(self._nlp.vocab.strings) < REMEMBERED:
            return self.tokenize(texts)
        with self.lock, self._nlp.memory_zone():
            return self.tokenize(texts)

    def sentences(self, text: str) -> list[list[str]]:
        """Return the tokens that `tokenize` finds, sentence by sentence, each with the space after it."""
        from spacy.pipeline import Sentencizer

        with self.lock, self._nlp.memory_zone():
            doc = Sentencizer()(self._nlp.tokenizer(normalise(text)))
            return [[token.text_with_ws for token in sentence] for sentence in doc.sents]


@cache
def shared_tokenizer() -> Tokenizer:
    """Return the one tokenizer of this process."""
    return Tokenizer()

"""spaCy's tokenizer of a language, for the texts that one process tokenizes."""

import os
import threading
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from sentiment.data.text_rules import TextRules, normalise
from sentiment.data.tokens import Tokens, offsets_of
from sentiment.errors import MachineError, UsageError

if TYPE_CHECKING:
    from spacy.language import Language

NO_HASHES = np.zeros(0, dtype=np.uint64)
REMEMBERED = 30_000  # strings, as many as 1,700 reviews of IMDB hold
CACHED_CHUNKS = 100_000  # more than there are until then; spaCy's 10,000 are full after 200 reviews
# The package that spaCy's tokenizer of a language calls, and how to install it.
LANGUAGE_PACKAGES = {
    "ja": ("sudachipy", "pip install sudachipy sudachidict_core"),
    "ko": ("natto-py", "pip install natto-py, with mecab-ko and mecab-ko-dic"),
    "th": ("pythainlp", "pip install pythainlp"),
    "vi": ("pyvi", "pip install pyvi"),
}


class Tokenizer:
    """spaCy's rules for the language of `rules`, on text that is normalised by `rules`."""

    def __init__(self, rules: TextRules) -> None:
        """Load spaCy's rules; raises what `load_language` raises."""
        self._nlp = _without_attributes(load_language(rules.language))
        self._rules = rules
        self.lock = threading.RLock()  # all threads share one store of strings
        if hasattr(os, "register_at_fork"):
            # A fork waits for a thread that tokenizes. Otherwise the child would wait for its lock forever.
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
            hashes = [self._nlp.tokenizer(normalise(text, self._rules)).to_array(ORTH) for text in texts]
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
            doc = Sentencizer()(self._nlp.tokenizer(normalise(text, self._rules)))
            return [[token.text_with_ws for token in sentence] for sentence in doc.sents]


def _without_attributes(nlp: "Language") -> "Language":
    """Keep spaCy from computing a dozen attributes of each new word: only `sentences` reads one of them."""
    from spacy.attrs import IS_PUNCT

    nlp.vocab.lex_attr_getters = {IS_PUNCT: nlp.vocab.lex_attr_getters[IS_PUNCT]}
    if hasattr(nlp.tokenizer, "max_cache_size"):
        nlp.tokenizer.max_cache_size = CACHED_CHUNKS
    return nlp


@cache
def shared_tokenizer(rules: TextRules) -> Tokenizer:
    """Return the one tokenizer of this process for these rules; raises what `load_language` raises."""
    return Tokenizer(rules)


def require_language(code: str) -> None:
    """Raise what `load_language` raises, before anything is read; English is always there."""
    if code != "en":
        load_language(code)


def load_language(code: str) -> "Language":
    """Return spaCy's rules for a language.

    Raises UsageError if spaCy does not know the code, MachineError if the language needs a package that is
    not installed.
    """
    import spacy

    try:
        return spacy.blank(code)
    except ImportError as error:
        if code in LANGUAGE_PACKAGES:
            package, command = LANGUAGE_PACKAGES[code]
            raise MachineError(f"text.language={code} needs the package {package}: {command}") from None
        if "E048" in str(error):
            raise UsageError(
                f"text.language={code} is not a language that spaCy knows; give a code such as en, de, fr or "
                "zh, or xx for any language with spaces between words"
            ) from None
        raise MachineError(f"text.language={code} needs a package: {' '.join(str(error).split())}") from None

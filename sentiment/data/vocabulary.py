"""The words that a model knows: counted on the training reviews, kept as plain text."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from spacy.lang.lex_attrs import prefix, suffix, word_shape

from sentiment.config import VocabularySettings
from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.slips import find_meant_word
from sentiment.data.tokens import Tokens
from sentiment.data.torchtext_adapter import Vocab, build_vocab, extend_vocab
from sentiment.errors import RunError

SPECIALS = PADDING, UNKNOWN = "<pad>", "<unk>"
MOST_KEPT_SLIPS = 50_000  # finding what a word is a slip of takes as long as looking up a hundred words
EXTENSION = "+"  # marks the words that a channel adds to those of the run that it started from

VIEWS: dict[str, Callable[[str], str]] = {
    "form": str,
    "lower": str.lower,
    "prefix": prefix,
    "suffix": suffix,
    "shape": word_shape,
}
"""How a channel sees a token: spaCy's lexeme attributes."""
WHOLE_WORDS = ("lower", "form")


class Channel:
    """Ids of one view of the tokens: 0 is padding, 1 unknown, then words from the most frequent on.

    A channel that extends another one has that one's words first, with the same ids, and then its own.
    """

    def __init__(
        self,
        view: str,
        counts: Mapping[str, int],
        settings: VocabularySettings,
        extended: "Channel | None" = None,
    ) -> None:
        self.view = view
        self._extended = extended
        self.mends_slips = settings.misspelt and view in WHOLE_WORDS
        """Whether a misspelt word has the id of the word that was meant."""
        self._id_of_slip: dict[str, int] = {}
        # A text may contain the special names as words; they must not claim the special ids.
        taken = {*SPECIALS, *(extended.words if extended else ())}
        words = Counter({word: n for word, n in counts.items() if word not in taken})
        room = settings.size - (len(extended) - len(SPECIALS) if extended else 0)
        self._own = build_vocab(words, max(0, room), settings.min_frequency, SPECIALS)
        self._vocab: Vocab = self._own if extended is None else extend_vocab(extended._vocab, self._own)

    def __len__(self) -> int:
        return len(self._vocab.itos)

    @property
    def words(self) -> list[str]:
        """The words by id; the first two are the special ones."""
        words: list[str] = self._vocab.itos
        return words

    def ids(self, forms: Sequence[str], *, as_written: bool = False) -> np.ndarray:
        """Return int64 ids of token forms; 1 if a form is unknown.

        With `vocabulary.misspelt` a slip has the id of the word that was meant, unless `as_written`.
        """
        id_of_word, view = self._vocab.stoi.get, VIEWS[self.view]
        # "<pad>" typed into a review is an unknown word, not padding.
        found = (max(id_of_word(view(form), UNKNOWN_ID), UNKNOWN_ID) for form in forms)
        ids_F = np.fromiter(found, dtype=np.int64, count=len(forms))
        if self.mends_slips and not as_written:
            for place in np.flatnonzero(ids_F == UNKNOWN_ID).tolist():
                ids_F[place] = self._find_meant_word(view(forms[place]))
        return ids_F

    def _find_meant_word(self, word: str) -> int:
        found = self._id_of_slip.get(word)
        if found is None:
            found = find_meant_word(word, self._vocab.stoi) or UNKNOWN_ID
            if len(self._id_of_slip) == MOST_KEPT_SLIPS:
                self._id_of_slip = {}
            self._id_of_slip[word] = found
        return found

    def to_text(self) -> str:
        """Return a block of text: the view in brackets, then a line `word<TAB>count` for each word.

        Tokens hold no white space. The block of a channel that extends another one comes after that one's,
        with the view and a plus in brackets.
        """
        lines = [f"{word}\t{self._own.freqs[word]}\n" for word in self._own.itos[UNKNOWN_ID + 1 :]]
        if self._extended is None:
            return f"[{self.view}]\n" + "".join(lines)
        return f"{self._extended.to_text()}[{self.view}{EXTENSION}]\n" + "".join(lines)


class Vocabulary:
    """One channel or several; maps the forms of tokens to the ids that the network embeds."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self.channels = channels

    @classmethod
    def build(
        cls,
        tokens: Tokens,
        positions_N: np.ndarray,
        settings: VocabularySettings,
        views: Sequence[str] = (),
        extended: "Vocabulary | None" = None,
        lessons: Tokens | None = None,
    ) -> "Vocabulary":
        """Count the words of the reviews at `positions_N`, the training reviews, and of their lessons.

        `views` are the channels; without them there is one channel: the forms, or their lower case. The words
        of a vocabulary of the same channels that is `extended` keep their ids.
        """
        form_counts = _count_forms(tokens, positions_N)
        if lessons is not None:
            form_counts.update(_count_forms(lessons, np.arange(len(lessons))))
        channels = []
        for place, view in enumerate(views or ["lower" if settings.lower else "form"]):
            counts: Counter[str] = Counter()
            for form, count in form_counts.items():
                counts[VIEWS[view](form)] += count
            channels.append(
                Channel(view, counts, settings, None if extended is None else extended.channels[place])
            )
        return cls(channels)

    @property
    def sizes(self) -> list[int]:
        """The number of ids of each channel, with the two special ones."""
        return [len(channel) for channel in self.channels]

    @property
    def word_channel(self) -> int:
        """The number of the first channel that sees whole words, else 0."""
        views = [channel.view for channel in self.channels]
        return next((place for place, view in enumerate(views) if view in WHOLE_WORDS), 0)

    def ids(self, forms: Sequence[str]) -> np.ndarray:
        """Return int64 ids of token forms: (F,) from one channel, (F, C) from several."""
        columns = [channel.ids(forms) for channel in self.channels]
        return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)

    def word_ids(self, forms: Sequence[str]) -> np.ndarray:
        """Return int64 ids of token forms in the channel of whole words, as written: a slip is unknown."""
        return self.channels[self.word_channel].ids(forms, as_written=True)

    def to_text(self) -> str:
        """Return the text of all channels, one after the other."""
        return "".join(channel.to_text() for channel in self.channels)

    @classmethod
    def from_text(cls, text: str, settings: VocabularySettings) -> "Vocabulary":
        """Read what `to_text` wrote; raises RunError if the text is anything else."""
        blocks: list[tuple[str, dict[str, int]]] = []
        try:
            for line in text.split("\n")[:-1]:
                word, tab, count = line.partition("\t")
                if tab:
                    blocks[-1][1][word] = int(count)
                else:
                    blocks.append((line[1:-1], {}))
            channels = _build_channels(blocks, settings)
        except (ValueError, IndexError):
            channels = []
        vocabulary = cls(channels)
        known = all(channel.view in VIEWS for channel in channels)
        if not channels or not known or vocabulary.to_text() != text:
            raise RunError("vocabulary.txt is damaged: it is not the text that was written")
        return vocabulary


def _count_forms(tokens: Tokens, positions_N: np.ndarray) -> Counter[str]:
    """Return how often each form occurs in the texts at `positions_N`, in the order of the table of forms."""
    occurrences = np.zeros(len(tokens.forms), dtype=np.int64)
    for position in positions_N:
        np.add.at(occurrences, tokens[position], 1)
    counts = zip(tokens.forms, occurrences.tolist(), strict=True)
    return Counter({form: count for form, count in counts if count})


def _build_channels(
    blocks: Sequence[tuple[str, Mapping[str, int]]], settings: VocabularySettings
) -> list[Channel]:
    """Return the channels of the blocks of a text; raises ValueError if a view has two blocks.

    The settings are those of the last block of a channel. The words of the blocks before it were chosen by
    other settings.
    """
    channels: list[Channel] = []
    for place, (header, counts) in enumerate(blocks):
        view = header.removesuffix(EXTENSION)
        is_last = place + 1 == len(blocks) or blocks[place + 1][0] != view + EXTENSION
        if header == view and view not in [channel.view for channel in channels]:
            known = None
        elif header != view and channels and channels[-1].view == view:
            known = channels.pop()
        else:
            raise ValueError(f"the block {header} is not expected here")
        room = len(counts) + (len(known) if known else 0)
        own = settings if is_last else VocabularySettings(size=max(1, room), min_frequency=1)
        channels.append(Channel(view, counts, own, known))
    return channels

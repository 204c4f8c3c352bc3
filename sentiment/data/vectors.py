"""Pretrained word vectors for the words of a channel, from a local text file or a GloVe set by name."""

import zlib
from dataclasses import dataclass

import torch
from torch import Tensor

from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.text import shorten
from sentiment.data.torchtext_adapter import VECTOR_NAMES
from sentiment.data.vector_cache import download_error, fetch_vectors, forget_vectors
from sentiment.data.vector_files import WidthError, stream_rows
from sentiment.data.vocabulary import Channel
from sentiment.errors import DataError
from sentiment.system.folders import expand_home


@dataclass(frozen=True)
class WordVectors:
    """Rows of an embedding that start from pretrained vectors."""

    rows_VE: Tensor
    """float32; zero where `found_V` is false."""
    found_V: Tensor
    """bool: which words of the vocabulary have a vector."""

    def missing_words(self, channel: Channel) -> list[str]:
        """Return the vocabulary's words without a vector, the most frequent first."""
        words = channel.words
        return [words[i] for i in range(UNKNOWN_ID + 1, len(words)) if not self.found_V[i]]


def load_word_vectors(name: str, channel: Channel, width: int) -> WordVectors:
    """Load `name` (a text file of `word value value ...` lines, or e.g. `glove.6B.100d`) for a channel.

    Raises DataError if the file is missing, malformed, not `width` wide, or not finite for one of the words,
    and MachineError if a download fails.
    """
    rows_VE = torch.zeros(len(channel), width)
    found_V = torch.zeros(len(channel), dtype=torch.bool)
    path = expand_home(name)
    is_local = path.is_file()
    if not is_local and name not in VECTOR_NAMES:
        raise DataError(
            f"no word vectors at {shorten(name)}: use --set vocabulary.vectors=FILE, or a name: "
            + ", ".join(VECTOR_NAMES)
        )
    wanted = {word.encode(): index for index, word in enumerate(channel.words) if index > UNKNOWN_ID}
    try:
        for index, values in stream_rows(path if is_local else fetch_vectors(name), wanted, width):
            rows_VE[index], found_V[index] = torch.tensor(values), True
    except WidthError as error:
        raise DataError(
            f"{name} holds {error}, the model has {width}; use --set model.embedding={error.width}"
        ) from None
    except (OSError, ValueError, EOFError, zlib.error) as error:
        if is_local:
            raise DataError(f"{name} is not a text file of word vectors: {shorten(error)}") from None
        forget_vectors(name)
        raise download_error(name, f"it is no text of word vectors: {shorten(error)}") from None
    if not torch.isfinite(rows_VE).all():
        raise DataError(f"{name} holds values that are not finite numbers")
    return WordVectors(rows_VE, found_V)

"""Pretrained word vectors for the words of a channel, from a local text file or a GloVe set by name."""

import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.text import shorten
from sentiment.data.torchtext_adapter import VECTOR_NAMES, Vectors, download_vectors, read_vectors
from sentiment.data.vocabulary import Channel
from sentiment.errors import DataError, MachineError
from sentiment.system.folders import cache_folder, expand_home


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

    Raises DataError if the file is missing, malformed, not finite or not `width` wide, and MachineError if a
    download fails.
    """
    vectors = _load_vectors(name)
    if vectors.dim != width:
        raise DataError(
            f"{name} holds vectors of {vectors.dim} values, the model has {width}; "
            f"use --set model.embedding={vectors.dim}"
        )
    if not torch.isfinite(vectors.vectors).all():
        raise DataError(f"{name} holds values that are not finite numbers")
    rows_VE = torch.zeros(len(channel), width)
    found_V = torch.zeros(len(channel), dtype=torch.bool)
    for index, word in enumerate(channel.words):
        row = vectors.stoi.get(word)
        if index > UNKNOWN_ID and row is not None:
            rows_VE[index], found_V[index] = vectors.vectors[row], True
    return WordVectors(rows_VE, found_V)


def _load_vectors(name: str) -> Vectors:
    path = expand_home(name)
    if path.is_file():
        with tempfile.TemporaryDirectory() as scratch:
            try:
                return read_vectors(path, Path(scratch))
            except (OSError, RuntimeError, ValueError, TypeError) as error:
                raise DataError(f"{name} is not a text file of word vectors: {shorten(error)}") from None
    if name not in VECTOR_NAMES:
        raise DataError(
            f"no word vectors at {shorten(name)}: use --set vocabulary.vectors=FILE, or a name: "
            + ", ".join(VECTOR_NAMES)
        )
    try:
        return download_vectors(name, cache_folder() / "vectors")
    except (OSError, RuntimeError, zipfile.BadZipFile) as error:
        raise MachineError(
            f"cannot download {name} ({shorten(error)}); use a local file: --set vocabulary.vectors=FILE"
        ) from None

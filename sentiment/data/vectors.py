"""Pretrained word vectors for the words of a channel, from a local text file or a GloVe set by name."""

import contextlib
import ssl
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torchtext.vocab
from torch import Tensor
from torchtext.vocab import Vectors, pretrained_aliases
from tqdm import tqdm

from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.tokens import cache_folder
from sentiment.data.vocabulary import Channel
from sentiment.errors import DataError, MachineError

# torchtext's bar, too, vanishes where stderr is no terminal.
torchtext.vocab.tqdm = partial(tqdm, disable=None, leave=False)


@dataclass(frozen=True)
class WordVectors:
    """Rows of an embedding that start from pretrained vectors."""

    rows_VE: Tensor
    """float32; zero where `found_V` is false."""
    found_V: Tensor
    """bool: which words of the vocabulary have a vector."""

    def missing_words(self, channel: Channel) -> list[str]:
        """The vocabulary's words without a vector, most frequent first."""
        words = channel.words
        return [words[i] for i in range(UNKNOWN_ID + 1, len(words)) if not self.found_V[i]]


def load_word_vectors(name: str, channel: Channel, width: int) -> WordVectors:
    """Load `name` (a text file of `word value value ...` lines, or e.g. `glove.6B.100d`) for a channel.

    Raises DataError if the file is missing, malformed, not finite or not `width` wide, and MachineError if a
    download fails.
    """
    vectors = _read(name)
    if vectors.dim != width:
        raise DataError(f"{name} holds vectors of {vectors.dim} values; set model.embedding={vectors.dim}")
    if not torch.isfinite(vectors.vectors).all():
        raise DataError(f"{name} holds values that are not finite numbers")
    rows_VE = torch.zeros(len(channel), width)
    found_V = torch.zeros(len(channel), dtype=torch.bool)
    for index, word in enumerate(channel.words):
        row = vectors.stoi.get(word)
        if index > UNKNOWN_ID and row is not None:
            rows_VE[index], found_V[index] = vectors.vectors[row], True
    return WordVectors(rows_VE, found_V)


def _read(name: str) -> Vectors:
    path = Path(name).expanduser()
    if not path.is_file() and name not in pretrained_aliases:
        raise DataError(
            f"no word vectors at {name}: neither a file nor one of {', '.join(pretrained_aliases)}"
        )
    with _verified_downloads():
        if not path.is_file():
            folder = cache_folder() / "vectors"
            try:
                return pretrained_aliases[name](cache=str(folder))
            except (OSError, RuntimeError, zipfile.BadZipFile) as error:
                raise MachineError(
                    f"cannot download {name} ({error}); set vocabulary.vectors to a local file"
                ) from None
            finally:
                # torchtext would take an archive that broke off for a whole one next time.
                for archive in folder.glob("*.zip"):
                    archive.unlink()
        # torchtext leaves a pickle beside what it read and would trust it next time: nothing may stay.
        with tempfile.TemporaryDirectory() as scratch:
            try:
                return Vectors(str(path.resolve()), cache=scratch)
            except (OSError, RuntimeError, ValueError, TypeError) as error:
                raise DataError(f"{name} is no text file of word vectors: {error}") from None


@contextlib.contextmanager
def _verified_downloads() -> Iterator[None]:
    """Keep torchtext from switching the check of TLS certificates off for the whole process."""
    default, unverified = ssl._create_default_https_context, ssl._create_unverified_context
    ssl._create_unverified_context = ssl.create_default_context  # type: ignore[assignment]
    try:
        yield
    finally:
        ssl._create_default_https_context, ssl._create_unverified_context = default, unverified

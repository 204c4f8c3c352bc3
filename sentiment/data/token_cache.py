"""Keep the tokens of whole splits on the disk, so a second run does not tokenize again."""

import itertools
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sentiment.data.cache import open_or_make
from sentiment.data.text import digest
from sentiment.data.text_rules import TextRules
from sentiment.data.tokenizer import LANGUAGE_PACKAGES
from sentiment.data.tokens import StoredIds, Tokens, offsets_of
from sentiment.data.workers import tokenize_chunks
from sentiment.errors import DataError
from sentiment.system.held_folder import HeldFolder

CACHE_FORMAT = 3  # counts up when the files below change


def tokenize_cached(texts: Sequence[str], rules: TextRules, description: str, workers: int) -> Tokens:
    """Tokenize texts, or open the tokens that an earlier call kept of the same texts and rules.

    The cache is `$XDG_CACHE_HOME/sentiment/tokens`; see `open_or_make`.
    """

    def write(folder: HeldFolder) -> None:
        _write_entry(folder, tokenize_chunks(texts, rules, description, workers))

    return open_or_make(f"tokens/{_entry_name(texts, rules)}", _open_entry, write)


def _entry_name(texts: Sequence[str], rules: TextRules) -> str:
    """Return a hash of everything that the tokens depend on."""
    import spacy

    versions = [f"spacy {spacy.__version__}"]
    if rules.language in LANGUAGE_PACKAGES:
        package, _ = LANGUAGE_PACKAGES[rules.language]
        with suppress(PackageNotFoundError):  # the tokenizer says what is missing
            versions.append(f"{package} {version(package)}")
    return digest(itertools.chain([f"{CACHE_FORMAT} {' '.join(versions)} {rules}"], texts))[:32]


def _write_entry(folder: HeldFolder, chunks: Iterable[Tokens]) -> None:
    """Write tokens as they come: memory holds one chunk of them and the distinct forms."""
    table: dict[str, int] = {}
    lengths = [np.zeros(0, dtype=np.int64)]
    with folder.open("ids.npy", "xb") as file:
        _write_header(file, 0)
        for chunk in chunks:
            renumbered = [table.setdefault(form, len(table)) for form in chunk.forms]
            file.write(np.array(renumbered, dtype=np.int32)[chunk.ids[:]].tobytes())
            lengths.append(chunk.lengths_N)
        offsets = offsets_of(np.concatenate(lengths))
        file.seek(0)
        _write_header(file, int(offsets[-1]))
    with folder.open("offsets.npy", "xb") as file:
        np.save(file, offsets)
    with folder.open("forms.json", "xb") as file:
        file.write(json.dumps(list(table)).encode())


def _write_header(file: BinaryIO, count: int) -> None:
    """Write the header of a .npy file of int32; numpy leaves room in it for a larger count."""
    header = {"descr": np.dtype(np.int32).str, "fortran_order": False, "shape": (count,)}
    np.lib.format.write_array_header_1_0(file, header)


def _open_entry(folder: Path) -> Tokens:
    """Open a cache entry; raises DataError if it is damaged."""
    try:
        forms = json.loads((folder / "forms.json").read_bytes())
        # A map has no more than the file has; reading would first take the memory that a header names.
        offsets = np.array(np.load(folder / "offsets.npy", mmap_mode="r", allow_pickle=False))
        if offsets.shape != (offsets.size,) or offsets.dtype != np.int64:
            raise ValueError("offsets.npy has another shape")
        return Tokens(forms, StoredIds(folder / "ids.npy"), offsets)
    except (OSError, ValueError, OverflowError, EOFError, RecursionError) as error:
        raise DataError(f"{folder} holds no tokens: {error}") from None

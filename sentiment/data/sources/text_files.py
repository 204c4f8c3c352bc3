"""Open a text file: packed with gzip or not, in the encoding that was asked for or that its bytes show."""

import codecs
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO, cast

from sentiment.config import DataSettings
from sentiment.data.sources.budget import Budget
from sentiment.errors import DataError

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
CODE_PAGES = ("cp1251", "cp1253", "cp1255", "cp1256", "gb18030", "cp932", "cp949", "big5", "cp874")
OTHER_KINDS = {  # a file that begins with these bytes is no text file, even if its name says so
    b"PK\3\4": 'is an Excel or zip file; rename it, or open it and save it as "CSV UTF-8"',
    b"\x1f\x8b": "is packed with gzip; rename it to end in .gz",
    b"PAR1": "is a parquet file; rename it to end in .parquet",
}
BLOCK_BYTES = 2**20  # bytes
SAMPLE_BYTES = 2**16  # bytes of lines that are not ASCII: enough to recognise an encoding by
NULS_OF_UTF16 = 0.2  # about half of the bytes of Western texts in UTF-16 are NUL, and none in other encodings
FEW_LETTERS = 0.4  # a Western text has fewer letters than this share beyond ASCII, a Russian one more


@dataclass(frozen=True)
class TextFile:
    """A text file and how it is decoded."""

    path: Path
    encoding: str = "utf-8"
    assumption: str = ""
    """What to say about an encoding that was recognised by its bytes; empty for UTF-8 and for a mark."""
    may_be_damaged: bool = False
    """Whether the file is UTF-8 but for some lines; their bad bytes become halves of surrogate pairs."""

    @property
    def origin(self) -> str:
        """What messages call the file."""
        return str(self.path)

    @property
    def is_packed(self) -> bool:
        """Whether it is packed with gzip."""
        return is_packed(self.path)

    @contextmanager
    def open(self) -> Iterator[TextIO]:
        """Open the file for reading; lines keep their ends."""
        errors = "surrogateescape" if self.may_be_damaged else "strict"
        with _open_bytes(self.path) as file:
            yield io.TextIOWrapper(file, encoding=self.encoding, errors=errors, newline="")


def find_encoding(path: Path, settings: DataSettings) -> TextFile:
    """Return a text file with its encoding: the one of the settings, else what its bytes show.

    The whole file is read once: UTF-8 is certain only at its end. Raises DataError if it is no text.
    """
    with _open_bytes(path) as file:
        beginning = file.read(4_096)
    for magic, problem in OTHER_KINDS.items():
        if beginning.startswith(magic):
            raise DataError(f"{path} {problem}")
    marked = next((name for mark, name in MARKS.items() if beginning.startswith(mark)), None)
    if settings.encoding:
        wanted = codecs.lookup(settings.encoding).name
        return TextFile(path, marked if marked and marked.startswith(wanted) else wanted)
    if marked is not None:
        return TextFile(path, marked)
    if beginning.count(0) > NULS_OF_UTF16 * len(beginning):
        return _recognise_utf16(path, beginning)
    if _is_utf8(path):
        return TextFile(path)
    return _recognise(path)


def why_undecoded(text: str) -> str:
    """Return why a text of a damaged file is not to be used, or nothing if it is whole."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "not UTF-8, unlike the rest of the file; mend it, or name another encoding with --encoding"
    return ""


@contextmanager
def named_decoding_errors(file: TextFile) -> Iterator[None]:
    """Turn a UnicodeDecodeError into a DataError that names the file."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file.origin} is not {file.encoding} (byte {error.start}); name its encoding, for example "
            "--encoding cp1252"
        ) from None


def is_packed(path: Path) -> bool:
    """Return whether a file is packed with gzip, by its name."""
    return path.suffix.lower() == ".gz"


@contextmanager
def _open_bytes(path: Path) -> Iterator[IO[bytes]]:
    with cast(IO[bytes], gzip.open(path) if is_packed(path) else path.open("rb")) as file:
        yield file


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with _open_bytes(path) as file:
            budget = Budget(path)
            while block := file.read(BLOCK_BYTES):
                budget.take(len(block))
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _recognise_utf16(path: Path, beginning: bytes) -> TextFile:
    """Return a file with NUL bytes as UTF-16 without a mark: of ASCII every second byte is NUL."""
    encoding = "utf-16-le" if beginning[1::2].count(0) >= beginning[::2].count(0) else "utf-16-be"
    return TextFile(path, encoding, f"encoding {encoding}")


def _recognise(path: Path) -> TextFile:
    """Recognise a file that is not UTF-8 throughout: it has damaged lines or another encoding."""
    with _open_bytes(path) as file:
        lines, size = [], 0
        for line in Budget(path).read_lines(file):
            if not line.isascii():
                lines.append(line)
                size += len(line)
                if size > SAMPLE_BYTES:
                    break
    if sum(map(_decodes, lines)) > len(lines) / 2:
        return TextFile(path, may_be_damaged=True)
    encoding = _recognise_bytes(b"".join(lines))
    return TextFile(path, encoding, f"encoding {encoding}")


def _decodes(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _recognise_bytes(sample: bytes) -> str:
    beyond_ascii = sum(byte >= 0x80 for byte in sample)
    letters = sum(bytes((byte,)).isalpha() for byte in sample) + beyond_ascii
    if beyond_ascii > FEW_LETTERS * letters:
        from charset_normalizer import from_bytes

        found = list(from_bytes(sample, cp_isolation=list(CODE_PAGES)))
        if found:
            # The most readable one; of equals the first.
            found.sort(key=lambda match: (match.chaos, -match.coherence, CODE_PAGES.index(match.encoding)))
            return found[0].encoding
    # charset-normalizer takes a few accents for Polish, Estonian or Icelandic.
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"

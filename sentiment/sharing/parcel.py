"""The files of a run as they are sent: verified, with a manifest and a model card."""

import random
import re
from dataclasses import dataclass
from pathlib import Path

from sentiment.data.vocabulary import Vocabulary
from sentiment.errors import RunError, UsageError
from sentiment.inference.predictor import Predictor
from sentiment.runs import find_run
from sentiment.runs.decision import DECISION_FILE
from sentiment.runs.files import RunFiles
from sentiment.runs.hub import HUB_FILES, REPOSITORY
from sentiment.sharing.card import model_card
from sentiment.system import storage

CARD_FILE, REPORT_FILE, GOLDEN_FILE = "README.md", "report.html", "golden.json"
SENT_FILES = HUB_FILES | {CARD_FILE, REPORT_FILE}
MADE_UP_LENGTHS = (1, 3, 10, 30, 100, 300)  # words of each text


@dataclass(frozen=True)
class Parcel:
    """What is sent to a repository."""

    repository: str
    """user/name."""
    files: dict[str, bytes]
    """The content of each file, by its name."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(map(len, self.files.values()))


def pack_run(run: str | Path, repository: str, *, without_texts: bool = False) -> Parcel:
    """Return the files of a finished run, which are read once, verified and tried.

    With `without_texts` no review goes: the report stays here, and golden.json gets made-up texts. Raises
    UsageError if the repository is not user/name, and RunError if the run is missing, damaged or predicts
    something else than it did.
    """
    if not re.fullmatch(REPOSITORY, repository, re.ASCII):
        raise UsageError(f"{repository[:80]} is no name on the hub; write user/name")
    path = find_run(run)
    predictor = Predictor.load(path, "cpu")
    found = RunFiles.read(path)
    files = {name: content for name, content in found.listed.items() if name in HUB_FILES}
    if without_texts:
        texts = make_up_texts(predictor.vocabulary)
        files[GOLDEN_FILE] = storage.dump_json({"reviews": predictor.golden(texts)})
    elif storage.is_regular_file(path / REPORT_FILE):
        files[REPORT_FILE] = storage.read_bytes(path / REPORT_FILE, RunError)
    entries = {name: storage.fingerprint(files[name]) for name in sorted(files) if name != REPORT_FILE}
    files[storage.MANIFEST] = storage.dump_json({"files": entries})
    if found.decision is not None:
        files[DECISION_FILE] = found.decision
    files[CARD_FILE] = model_card(predictor, repository).encode()
    return Parcel(repository, dict(sorted(files.items())))


def make_up_texts(vocabulary: Vocabulary) -> list[str]:
    """Return texts of words that are drawn from a vocabulary: the same ones each time."""
    draw = random.Random(0)
    words = [
        word for word in vocabulary.channels[vocabulary.word_channel].words if word.strip().isprintable()
    ]
    return [" ".join(draw.choices(words, k=length)) for length in MADE_UP_LENGTHS]

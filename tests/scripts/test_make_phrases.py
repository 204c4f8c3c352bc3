"""The bundled phrases are what their script writes, and none is in the probe."""

import json
import re

import pytest

from scripts.make_phrases import BAD, GOOD, PHRASES, make_phrases
from sentiment.probes.cases import FILES, probe_set
from sentiment.probes.reproduction import reproduces_template


@pytest.fixture(scope="module")
def labels():
    """Return the label of each phrase."""
    rows = [json.loads(line) for line in PHRASES.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == len({row["text"] for row in rows})
    return {row["text"]: row["label"] for row in rows}


def test_the_file_is_what_the_script_writes():
    assert PHRASES.read_bytes() == make_phrases()


def test_both_labels_are_about_equally_frequent(labels):
    assert abs(sum(labels.values()) / len(labels) - 0.5) < 0.01


@pytest.mark.parametrize(("word", "own"), [(w, own) for own, ws in ((0, BAD), (1, GOOD)) for w in ws["a"]])
def test_a_word_appears_about_as_often_plain_as_negated(labels, word, own):
    found = [label == own for text, label in labels.items() if re.search(rf"\b{word}\b", text.lower())]
    assert len(found) > 50 and sum(found) / len(found) > 0.45


def test_each_is_a_sentence(labels):
    for text in labels:
        assert text[0].isupper() and text[-1] in ".!?" and not re.search(r"[{}]|  | [,.;!?]", text), text


def test_no_phrase_is_a_text_of_the_probe(labels):
    for version in FILES:
        assert not labels.keys() & {text for case in probe_set(version).cases for text in case.texts}


def test_no_phrase_reproduces_a_template_of_the_held_out_half(labels):
    assert [text for text in labels if reproduces_template(text, "held_out")] == []

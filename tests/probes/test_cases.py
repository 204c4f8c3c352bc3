"""The cases are many, different and the same everywhere; their version identifies them."""

import re
import tomllib
from collections import Counter
from importlib import resources

import pytest

from sentiment.data.text import digest, why_unreadable
from sentiment.data.text_rules import TextRules, normalise
from sentiment.probes.cases import FILES, NEWEST, probe_set
from sentiment.probes.reproduction import reproduces_template

# The digest of each version's cases. If one is wrong, its cases have changed: take the change back, or make
# it in a new version and add a line. Results of different versions cannot be compared.
DIGESTS = {
    1: "cb5d0deeadca4c95abf6f6ee7339f7d2d7280331a2e16129e985cb3f89ac73ca",
    2: "fd5be0ba34672756a267ef0455591b37006fef58a777ce14b6f5704f6f7926d0",
}

HALVES = ("open", "held_out")
OPPOSITES = {"positive": "negative", "not lower": "not higher"}
INVARIANCE = ("names", "years", "casing", "markup", "typos", "filler")

every_version = pytest.mark.parametrize("version", FILES)


def count_cases(version, **having):
    """Count the cases whose attributes have the given values."""
    return sum(
        all(getattr(case, name) == value for name, value in having.items())
        for case in probe_set(version).cases
    )


@every_version
def test_there_are_enough_cases_of_every_capability(version):
    found = probe_set(version)
    counts = Counter(case.capability for case in found.cases)
    assert counts.keys() == found.hard.keys()
    assert len(found.cases) >= {1: 500, 2: 2_000}[version]
    assert min(counts.values()) >= 20
    assert [name for name, hard in found.hard.items() if hard] == ["sarcasm"]


def test_version_2_has_twice_the_wordings_in_every_row_of_version_1():
    first, second = (
        Counter(template.cases[0].capability for template in probe_set(version).templates)
        for version in (1, 2)
    )
    assert all(second[name] >= 2 * count for name, count in first.items())


@every_version
def test_no_case_appears_twice(version):
    asked = [(case.capability, case.texts) for case in probe_set(version).cases]
    assert len(set(asked)) == len(asked)


def test_no_text_is_judged_twice_and_none_is_in_both_versions():
    texts = [case.texts[0] for case in probe_set(2).cases if len(case.texts) == 1]
    assert len(set(texts)) == len(texts)
    first, second = ({text for case in probe_set(version).cases for text in case.texts} for version in (1, 2))
    assert not first & second


@every_version
def test_the_version_identifies_the_cases(version):
    found = probe_set(version)
    # Version 1 is older than the halves.
    cases = [repr(case).replace(", half='')", ")") for case in found.cases]
    assert found.version == version and DIGESTS[version] == digest(cases)


def test_every_version_has_a_digest():
    assert DIGESTS.keys() == FILES.keys() and max(DIGESTS) == NEWEST == probe_set().version


def test_the_cases_are_the_same_each_time():
    first = probe_set()
    probe_set.cache_clear()
    assert probe_set() == first and probe_set() is not first


@every_version
def test_every_case_is_well_formed(version):
    for case in probe_set(version).cases:
        assert not any(why_unreadable(text) for text in case.texts), case
        assert not any(
            re.search(r"[{}]|  |^\s|\s$| [,.!?]|\b[Aa] [AEIOUaeiou]", text) for text in case.texts
        ), case
        if len(case.texts) == 1:
            assert case.expected in ("positive", "negative", "neutral", "unreadable"), case
            assert case.tolerance == (0.2 if case.expected == "neutral" else 0), case
        else:
            assert len(set(case.texts)) == 2 and 0 < case.tolerance <= 0.1, case


@every_version
def test_short_texts_are_of_one_to_three_words(version):
    texts = [case.texts[0] for case in probe_set(version).cases if case.capability == "short texts"]
    assert {len(text.split()) for text in texts} == {1, 2, 3}


@every_version
def test_markup_is_all_that_changes_with_the_markup(version):
    rules = TextRules()
    for case in probe_set(version).cases:
        if case.capability == "markup":
            first, second = case.texts
            assert "<" in second and normalise(first, rules) == normalise(second, rules)


@every_version
def test_casing_is_all_that_changes_with_the_casing(version):
    pairs = [case.texts for case in probe_set(version).cases if case.capability == "casing"]
    assert all(first.lower() == second.lower() for first, second in pairs)


def test_labels_of_version_1_are_balanced_if_a_constant_answer_could_pass():
    for name in ("plain", "negation", "contrast", "short texts"):
        positive = count_cases(1, capability=name, expected="positive")
        assert 0.45 <= positive / count_cases(1, capability=name) <= 0.55


@pytest.mark.parametrize("half", HALVES)
def test_praise_and_complaints_of_version_2_are_balanced_in_every_row_of_each_half(half):
    for name in probe_set(2).hard:
        if name in (*INVARIANCE, "neutral", "scripts"):
            continue
        counts = [
            tuple(count_cases(2, capability=name, half=half, expected=kind) for kind in pair)
            for pair in OPPOSITES.items()
        ]
        assert all(first == second for first, second in counts), name
        assert sum(map(sum, counts)) == count_cases(2, capability=name, half=half) > 0, name


def test_the_halves_of_a_row_are_about_equally_large():
    for name in probe_set(2).hard:
        first, second = (count_cases(2, capability=name, half=half) for half in HALVES)
        assert 0.9 <= first / second <= 1.1, name


def test_no_text_reproduces_a_template_of_another_half_or_version():
    for version in FILES:
        for case in probe_set(version).cases:
            for half in {"", *HALVES} - {case.half}:
                assert [reproduces_template(text, half) for text in case.texts] == [None] * len(case.texts)


def test_the_halves_judge_with_different_words():
    first, second = (
        tomllib.loads((resources.files("sentiment.probes") / file).read_text("utf-8"))
        for file in FILES[2].values()
    )
    assert first["capabilities"] == second["capabilities"]
    assert first["words"].keys() == second["words"].keys()
    for name in first["words"]:
        assert not set(first["words"][name]) & set(second["words"][name]), name
    adjectives = ("good", "bad", "superb", "dreadful", "nice", "poor")
    words = [{word for name in adjectives for word in half["words"][name]} for half in (first, second)]
    assert not words[0] & words[1]

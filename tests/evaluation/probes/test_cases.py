"""The cases are many, different and the same everywhere; their version identifies them."""

import re

from sentiment.data.text import digest, why_unreadable
from sentiment.data.text_rules import TextRules, normalise
from sentiment.evaluation.probes.cases import probe_set

# The digest of each version's cases. If the newest digest is wrong, the cases have changed: raise `version`
# in templates.toml and add a line. Results of different versions cannot be compared.
DIGESTS = {1: "cb5d0deeadca4c95abf6f6ee7339f7d2d7280331a2e16129e985cb3f89ac73ca"}

LABELS = ("positive", "negative")


def test_there_are_enough_cases_of_every_capability():
    found = probe_set()
    counts = {name: sum(case.capability == name for case in found.cases) for name in found.hard}
    assert sum(counts.values()) == len(found.cases) >= 500
    assert min(counts.values()) >= 20
    assert [name for name, hard in found.hard.items() if hard] == ["sarcasm"]


def test_no_case_appears_twice():
    asked = [(case.capability, case.texts) for case in probe_set().cases]
    assert len(set(asked)) == len(asked)


def test_the_version_identifies_the_cases():
    found = probe_set()
    assert found.version == max(DIGESTS)
    assert DIGESTS[found.version] == digest(map(repr, found.cases))


def test_the_cases_are_the_same_each_time():
    first = probe_set()
    probe_set.cache_clear()
    assert probe_set() == first and probe_set() is not first


def test_every_case_is_well_formed():
    for case in probe_set().cases:
        assert not any(why_unreadable(text) for text in case.texts), case
        assert not any(re.search(r"[{}]|  |^\s|\s$| [,.!?]|\bA [AEIOUaeiou]", text) for text in case.texts), (
            case
        )
        if case.expected in LABELS:
            assert len(case.texts) == 1 and case.tolerance == 0, case
        else:
            assert len(set(case.texts)) == 2 and 0 < case.tolerance <= 0.1, case


def test_short_texts_are_of_one_to_three_words():
    texts = [case.texts[0] for case in probe_set().cases if case.capability == "short texts"]
    assert {len(text.split()) for text in texts} == {1, 2, 3}


def test_markup_is_all_that_changes_with_the_markup():
    rules = TextRules()
    for case in probe_set().cases:
        if case.capability == "markup":
            first, second = case.texts
            assert "<br />" in second and normalise(first, rules) == normalise(second, rules)


def test_casing_is_all_that_changes_with_the_casing():
    pairs = [case.texts for case in probe_set().cases if case.capability == "casing"]
    assert all(first.lower() == second.lower() for first, second in pairs)


def test_labels_are_balanced_if_a_constant_answer_could_pass():
    for name in ("plain", "negation", "contrast", "short texts"):
        expected = [case.expected for case in probe_set().cases if case.capability == name]
        assert 0.45 <= expected.count("positive") / len(expected) <= 0.55

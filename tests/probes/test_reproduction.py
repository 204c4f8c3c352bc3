"""A text reproduces a template of the probe if it has its fixed words in their order."""

import pytest

from sentiment.probes.cases import FILES, probe_set
from sentiment.probes.reproduction import reproduces_template


@pytest.mark.parametrize("version", FILES)
def test_every_text_of_the_probe_does(version):
    for case in probe_set(version).cases:
        for text in case.texts:
            assert reproduces_template(text) and reproduces_template(text, case.half), text


@pytest.mark.parametrize(
    ("text", "half", "template"),
    [
        ("Nobody could call this long opera a masterpiece", "", "Nobody could call this {thing} {bad}."),
        ("at NO point, was the ending sad", "open", "At no point was the {film} {bad}."),
        ("The soup isn\u2019t the least bit salty!", "held_out", "The {thing} isn't the least bit {poor}."),
        ("the soup isnt the least bit salty", "held_out", "The {thing} isn't the least bit {poor}."),
        ("never once is this meal bland", "", "Never once is this {thing} {bad}."),
    ],
)
def test_other_words_may_be_in_the_slots(text, half, template):
    assert reproduces_template(text) == template
    assert reproduces_template(text, half) == template
    assert not any(reproduces_template(text, other) for other in {"", "open", "held_out"} - {half})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "...",
        "The plot is thin.",
        "At no point the ending was sad.",  # another order
        "At no point was.",  # a slot without words
        "And at no point was the ending sad.",  # more words
        "The cast is fine, but the story drags.",  # only "but" is fixed
    ],
)
def test_other_texts_do_not(text):
    assert reproduces_template(text) is None


def test_a_template_of_few_fixed_words_counts_with_its_slots_filled():
    assert reproduces_template("highly recommended") == "{short_praise}."
    assert reproduces_template("Highly entertaining.") is None
    assert reproduces_template("Yes, the songs are awful, but I enjoyed every minute of it!", "open")
    assert reproduces_template("Yes, the songs are loud, but I enjoyed every minute of it!") is None

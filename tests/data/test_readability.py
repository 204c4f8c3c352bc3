"""Warnings of texts that a model can hardly read: each reason once, with what to type."""

import pytest

import sentiment
from sentiment.data.readability import ReadingCheck, find_uncut_script
from sentiment.evaluation.judge import score_run
from sentiment.training.run import train_run

CHINESE = "\u8fd9\u90e8\u7535\u5f71\u5f88\u597d\u770b"
JAPANESE = "\u3053\u306e\u6620\u753b\u306f\u826f\u3044\u3002\u3068\u3066\u3082\u597d\u304d"
THAI = "\u0e04\u0e38\u0e13\u0e20\u0e32\u0e1e\u0e14\u0e35\u0e21\u0e32\u0e01"
TINY = ["model.embedding = 4", "model.hidden = 4", "training.epochs = 1", "machine.device = 'cpu'"]


@pytest.mark.parametrize(
    ("text", "language", "name"),
    [
        (CHINESE, "en", "Chinese or Japanese"),
        (CHINESE, "de", "Chinese or Japanese"),
        (f"5/5 {CHINESE}\uff0c{CHINESE} DVD", "en", "Chinese or Japanese"),
        (JAPANESE, "en", "Chinese or Japanese"),
        (THAI, "en", "Thai"),
        (THAI, "ja", "Thai"),
        (CHINESE, "zh", None),
        (JAPANESE, "ja", None),
        (THAI, "th", None),
        (" ".join(CHINESE), "en", None),
        (f"{CHINESE} is the title of this film, which I saw twice in a week", "en", None),
        ("\u0412\u0441\u0451 \u0445\u043e\u0440\u043e\u0448\u043e", "en", None),
        ("Donaudampfschifffahrtsgesellschaft", "en", None),
        ("", "en", None),
    ],
)
def test_a_script_without_spaces_is_found_unless_the_tokenizer_cuts_it(text, language, name):
    found = find_uncut_script(text, language)
    assert (found and found.name) == name


def test_each_reason_is_one_sentence_with_what_to_type():
    check = ReadingCheck("en")
    for text in [CHINESE, CHINESE, "good film"]:
        check.add(text, tokens=2, unknown=float(text == CHINESE))
    assert check.warnings() == [
        "2 of 3 reviews are in Chinese or Japanese without spaces between the words, which text.language=en "
        "cannot cut into words; train with --set text.language=zh",
        "the model does not know 67% of the words of these reviews",
    ]


def test_readable_reviews_are_not_warned_of():
    check = ReadingCheck("en")
    assert check.warnings() == []
    check.add("good", tokens=1, unknown=0.0)
    check.add("zyzzyva", tokens=1, unknown=1.0)
    assert check.warnings() == []  # a half, not more


def test_train_and_eval_warn_once(tmp_path, write_rows, config_for, capsys):
    rows = [{"text": f"{CHINESE * 2}{n} {('dull', 'fine')[n % 2]}", "label": n % 2} for n in range(24)]
    config = config_for(write_rows(tmp_path / "reviews.jsonl", rows), *TINY, "data.validation = 'random'")
    train_run(config, tmp_path / "run")
    warning = "warning: 4 of 4 reviews are in Chinese or Japanese without spaces"
    assert capsys.readouterr().err.count(warning) == 1
    score_run(sentiment.load(tmp_path / "run", device="cpu", threads=1), split="validation")
    assert capsys.readouterr().err.count(warning) == 1
    train_run(config.with_text(language="zh"), tmp_path / "cut")
    assert warning not in capsys.readouterr().err

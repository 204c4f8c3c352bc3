"""Reviews with their places: an error or a message names those that cannot be predicted."""

import pytest

from sentiment.errors import DataError
from sentiment.inference.lines import Line, check_lines, number_texts, skip_bad_lines


@pytest.mark.parametrize("text", ["", "  \t ", "<br />", " <BR> <br/>\u00a0"])
def test_an_empty_review_is_refused_by_its_place(text):
    reviews = check_lines(number_texts(["good", text, "bad"]))
    assert next(reviews) == Line("review 1", "good")
    with pytest.raises(DataError, match="review 2: the text is empty; remove it"):
        next(reviews)


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(DataError, match="review 1: the text is not Unicode"):
        list(check_lines(number_texts(["bad \ud83d escape"])))


def test_texts_pass_unchanged():
    texts = ["NA", "null", " 0 ", "a<br />b", "\U0001f600"]
    assert [line.text for line in check_lines(number_texts(texts))] == texts


@pytest.mark.parametrize(("value", "what"), [(None, "empty"), (float("nan"), "empty"), (3, "3")])
def test_a_value_that_is_no_text_is_named_by_its_number(value, what):
    with pytest.raises(DataError, match=f"review 2: the text is {what};"):
        list(check_lines(number_texts(["good", value])))


def test_lines_that_are_left_out_are_counted_and_the_first_are_named(capsys):
    lines = [
        Line(f"line {n}", "", flaw="no JSON; mend it") if n % 2 else Line(f"line {n}", "good")
        for n in range(9)
    ]
    assert [line.where for line in skip_bad_lines(lines)] == [f"line {n}" for n in range(0, 9, 2)]
    named = "; ".join(f"line {n}: no JSON" for n in (1, 3, 5))
    assert capsys.readouterr().err == f"left out 4 reviews ({named}; ...)\n"

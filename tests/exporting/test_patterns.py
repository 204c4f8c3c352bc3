"""Regular expressions of Python become those of JavaScript, or are refused."""

import pytest

from sentiment.exporting.patterns import NoJavaScript, to_javascript


@pytest.mark.parametrize(
    ("python", "javascript"),
    [
        (r"(?u)^a\!\-'\U0001F600\u00e9", r"^a!-'\u{1F600}\u00e9"),
        (r"[\w\+\-.][^]a][]\]]", r"[\p{L}\p{N}_\+\-.][^\]a][\]\]]"),
        (r"\d{2,3}x{,4}a{}b}]", r"\p{Nd}{2,3}x{0,4}a\{\}b\}\]"),
        (r"(?P<name>a)(?<=b)(?<!c)(?=d)(?!e)", r"(?<name>a)(?<=b)(?<!c)(?=d)(?!e)"),
        (r"[\U00010137-\U0001013F[(]", r"[\u{10137}-\u{1013F}[(]"),
    ],
)
def test_a_pattern_is_translated(python, javascript):
    assert to_javascript(python) == javascript


@pytest.mark.parametrize("python", [r"a++", r"(?i)a", r"(?>a)", r"\bword", r"[\S]"])
def test_a_pattern_without_a_translation_is_refused(python):
    with pytest.raises(NoJavaScript):
        to_javascript(python)

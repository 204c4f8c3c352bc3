"""A page of explanations is escaped and complete, and names the labels."""

import re

from sentiment.explain.explanation import TokenScore
from sentiment.explain.page import explanation_page, review_html
from tests.explain.examples import MIXED, explanation_of


def test_html_escapes_and_marks() -> None:
    html = review_html(MIXED)
    assert '<mark class="for" style="--strength:1.00" title="+2.00">Great</mark> film' in html
    assert '<mark class="against" style="--strength:0.75" title="-1.50">dull</mark>' in html
    assert '<span class="unknown">&lt;b&gt;zyx&lt;/b&gt;</span>' in html
    assert '<span class="cut">unread</span>' in html


def test_a_page_is_complete_and_requests_nothing() -> None:
    page = explanation_page([MIXED, explanation_of(TokenScore("<script>alert(1)</script>", 1.0, True))])
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert page.count("<article>") == 2 and "<script" not in page
    assert not re.search(r"(?:src|href)=|url\(|@import", page)


def test_a_page_names_the_right_label_if_it_is_known() -> None:
    page = explanation_page([MIXED, MIXED], [None, "negative"])
    assert "<h2>1. positive, 90.0% sure</h2>" in page
    assert "<h2>2. positive, 90.0% sure, labelled negative</h2>" in page

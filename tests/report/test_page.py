"""Pages are complete, safe, of bounded size, and the same each time."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from sentiment.config import read_config
from sentiment.inference.wording import label_and_confidence
from sentiment.report.facts import gather_facts
from sentiment.report.page import comparison_page, run_page
from sentiment.report.reviews import REVIEW_CHARACTERS, prepare_review
from sentiment.report.score_charts import probability_chart, roc_chart
from sentiment.training.run import train_run
from tests.report.conftest import ON_CPU

VOID = {"meta", "link", "br", "col"}


class Structure(HTMLParser):
    """Lists every element with its attributes; fails if one is not closed in order."""

    def __init__(self, page):
        super().__init__()
        self.found, self.open, self.texts = [], [], {}
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, *tags):
        return [attributes for tag, attributes in self.found if tag in tags]


@pytest.fixture(scope="module", params=["run", "comparison"])
def page(request):
    return request.getfixturevalue(f"written_{request.param}")


def test_the_page_is_well_formed_and_accessible(page):
    structure = Structure(page)
    assert structure.all("html") == [{"lang": "en"}] and structure.texts["title"]
    assert len(structure.all("h1")) == 1 and len(structure.all("main")) == 1
    tables = len(structure.all("table"))
    assert tables == len(structure.all("caption")) > 2
    assert all(attributes.get("scope") in ("row", "col") for attributes in structure.all("th"))
    drawings = structure.all("svg")
    assert len(drawings) >= 3
    assert all(one["role"] == "img" and len(one["aria-label"]) > 20 for one in drawings)
    ids = [attributes["id"] for _, attributes in structure.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [one["href"][1:] for one in structure.all("a")]
    assert set(targets) <= set(ids)
    used = re.findall(r"url\(#([^)]*)\)|<use href=\"#([^\"]*)\"", page)
    assert used and {first or second for first, second in used} <= set(ids)


def test_the_page_needs_no_other_file(page):
    structure = Structure(page)
    assert structure.all("script", "img", "iframe", "object", "embed") == []
    assert [one["href"] for one in structure.all("link")] == ["data:,"]
    assert not re.search(r"url\((?!#)|@import", page)
    assert not any(name.startswith("on") for _, attributes in structure.found for name in attributes)
    assert len(page.encode()) < 2_000_000


def test_hostile_text_stays_text(written_run):
    assert "<script" not in written_run and "&lt;script&gt;" in written_run
    assert written_run.count("</style>") == written_run.count("</body>") == 1
    assert "<b>&one" not in written_run and "&lt;b&gt;&amp;one" in written_run


def test_a_review_has_bounded_size(facts):
    shown = [prepare_review(one) for one in (*facts.worst, *facts.least_certain)]
    assert max(len(one.html) for one in shown) <= REVIEW_CHARACTERS
    assert any("tokens are not shown" in one.html for one in shown)
    assert max(len(one.excerpt) for one in shown) < 200


def test_the_same_facts_give_the_same_page(facts, compared, written_run, written_comparison):
    for first, second in (
        (written_run, run_page(facts)),
        (written_comparison, comparison_page(compared)),
    ):
        assert without_time(first) == without_time(second) != second


def without_time(page: str) -> str:
    return re.sub(r'<p class="written">.*?</p>', "", page)


def test_the_page_has_the_figures_of_the_facts(facts, written_run):
    text = " ".join(re.sub(r"<[^>]*>", " ", written_run).split())
    judged = facts.run.judged.evaluation
    assert f"{judged.accuracy:.2%}" in text and f"{judged.true_positives:,}" in text
    assert f"right on {judged.accuracy:.1%} of 28 reviews" in text
    assert f"p = {facts.baseline.paired_test.p_value:.2g}" in text or "p < 0.0001" in text
    for words in (
        "pretraining",
        "member 2 of 2",
        "n-gram baseline",
        "spacy",
        "validation_share",
        "By length",
    ):
        assert words in text


def test_reviews_that_a_run_was_trained_on_give_a_warning(paths, few_reviews):
    page = run_page(gather_facts(paths[1], replace(ON_CPU, split="train")))
    assert "two learned from all or most of these reviews" in page and "that it was trained on" in page
    assert "expect" not in page.split("</header>")[0].split("Warning:")[0]


def test_a_run_is_judged_on_its_own_file_as_a_whole(paths, folder, tmp_path, few_reviews):
    source = str(folder / "data" / "train.jsonl")
    config = read_config(paths[1] / "config.toml", [f"data.source={json.dumps(source)}"])
    train_run(config, tmp_path / "run")
    page = run_page(gather_facts(tmp_path / "run", replace(ON_CPU, source=source)))
    assert "most of which it was trained on" in page and "judged (all)" in page


def test_charts_take_their_colours_from_the_page():
    labels_N, logits_N = np.array([0, 1, 0, 1]), np.array([-2.0, 1.5, 0.3, 2.0])
    drawn = [
        roc_chart({"a $x$ <b>": logits_N, "b": -logits_N}, labels_N),
        probability_chart(1 / (1 + np.exp(-logits_N)), labels_N, ("negative", "positive")),
    ]
    for svg in drawn:
        ElementTree.fromstring(svg)
        assert "var(--series-1)" in svg and "var(--series-2)" in svg
        assert re.findall(r": #[0-9a-f]{6}|font-family|font:", svg) == []
    assert "a $x$ &lt;b&gt;" in drawn[0]


def test_a_review_has_its_label_and_how_sure_the_model_is(facts, written_run):
    for one in (*facts.worst, *facts.least_certain):
        assert f"<summary>{label_and_confidence(one.review.prediction)}, " in written_run
    assert f"sure, labelled {facts.worst[0].review.label}" in written_run and "sure, correct" in written_run


def test_names_that_xml_cannot_hold_do_not_stop_a_page(compared):
    names = ["\x01 \udcff", "\x1b[2J"]
    runs = [replace(run, name=name) for run, name in zip(compared.runs, names, strict=True)]
    page = comparison_page(replace(compared, runs=runs))
    assert "\ufffd[2J</text>" in page

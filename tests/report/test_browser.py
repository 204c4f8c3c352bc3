"""A real browser opens the pages: no errors, no requests, nothing too wide."""

import pytest

from tests.report.browser import CHROMIUM, TOO_WIDE, Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; .ci/run installs it"),
]


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="module", params=["run", "comparison"])
def page(request, tmp_path_factory):
    text = request.getfixturevalue(f"written_{request.param}")
    path = tmp_path_factory.mktemp("pages") / "page.html"
    # Open every review, so that the widest of them counts too.
    path.write_text(text.replace("<details>", "<details open>"), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_has_no_errors_and_fits_the_window(browser, page, width, scheme):
    browser.open(page, width, scheme)
    assert browser.complaints() == []
    assert browser.requests() == [page.resolve().as_uri()]
    found = browser.evaluate(TOO_WIDE)
    assert found["outside"] == [] and found["page"] <= found["window"] <= width


def test_dark_and_light_differ(browser, page):
    colours = []
    for scheme in ("light", "dark"):
        browser.open(page, 360, scheme)
        colours.append(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(20, 24, 31)"]


def test_the_checks_notice_a_bad_page(browser, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<body><div style='width: 500px'>wide</div><img src='https://example.invalid/x.png'>"
        "<script>console.log('hello'); undefined.x</script>",
        encoding="utf-8",
    )
    browser.open(bad, 360)
    assert len(browser.requests()) == 2 and len(browser.complaints()) >= 2
    found = browser.evaluate(TOO_WIDE)
    assert found["outside"] and found["page"] > found["window"]

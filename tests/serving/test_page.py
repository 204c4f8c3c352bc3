"""The page at `/`, in a real browser and by keyboard alone."""

import time

import pytest

from sentiment.serving.page import read_page
from tests.report.browser import CHROMIUM, TOO_WIDE, Browser

REVIEW = "The plot is thin, but I loved every minute of this wonderful film. " * 3
in_a_browser = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; .ci/run installs it"),
]


def test_the_page_loads_nothing_and_its_policy_names_its_parts():
    page = read_page()
    assert "http://" not in page.html and "https://" not in page.html and 'src="' not in page.html
    assert " style=" not in page.html and "unsafe" not in page.policy
    assert page.policy.count("'sha256-") == 2 and "default-src 'none'" in page.policy


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def model():
    import sentiment

    return sentiment.load(threads=1)


def wait_for(browser, script):
    end = time.monotonic() + 30
    while not (found := browser.evaluate(script)):
        assert time.monotonic() < end, browser.evaluate("document.body.innerText")
        time.sleep(0.05)
    return found


def type_review(browser, text):
    """Reach the field with the Tab key, write, and send with the keyboard."""
    browser.press("Tab", 9)
    assert browser.evaluate("document.activeElement.id") == "review"
    browser.call("Input.insertText", text=text)
    browser.press("Tab", 9)
    assert browser.evaluate("document.activeElement.textContent") == "Judge it"
    browser.press("Enter", 13, text="\r")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.usefixtures("browser")
class TestInABrowser:
    pytestmark = in_a_browser

    def test_a_review_gets_its_label_confidence_and_marked_words(
        self, browser, serve_model, model, width, scheme, tmp_path
    ):
        with serve_model(model) as client:
            address = f"http://127.0.0.1:{client.port}/"
            browser.open_address(address, width, scheme)
            type_review(browser, REVIEW + "x" * 300)
            title = wait_for(browser, "document.getElementById('label').textContent")
            assert title.startswith("positive, ") and title.endswith("% sure")
            wait_for(browser, "document.activeElement.id === 'label'")  # what a screen reader reads next
            marked = browser.evaluate(
                "[...document.querySelectorAll('mark.for')].map((one) => one.textContent)"
            )
            assert "loved" in marked and "wonderful" in marked
            assert "loved" in browser.evaluate("document.getElementById('speaks-for').textContent")
            colour = "getComputedStyle(document.querySelector('mark.for')).backgroundColor"
            assert "46, 160, 67" in browser.evaluate(colour)
            found = browser.evaluate(TOO_WIDE)
            browser.screenshot(tmp_path / f"{width}-{scheme}.png", 1_000)
            assert found["outside"] == [] and found["page"] <= found["window"] <= width
            assert browser.complaints() == []
            requests = {one for one in browser.requests() if not one.startswith("data:")}
            assert requests == {address, f"{address}model", f"{address}predict"}

    def test_a_screen_reader_finds_names_for_everything(self, browser, serve_model, stub, width, scheme):
        with serve_model(stub) as client:
            browser.open_address(f"http://127.0.0.1:{client.port}/", width, scheme)
            nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
        roles = {
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node.get("ignored")
        }
        assert {("textbox", "Review"), ("button", "Judge it"), ("heading", "Try a review")} <= roles
        assert {role for role, _ in roles} >= {"main", "status"}

    def test_an_error_is_shown_in_words(self, browser, serve_model, stub, width, scheme):
        with serve_model(stub) as client:
            browser.open_address(f"http://127.0.0.1:{client.port}/", width, scheme)
            type_review(browser, "   ")
            error = wait_for(browser, "document.getElementById('error').textContent")
            assert error == "review 1: the text is empty"
            assert browser.evaluate("document.getElementById('result').hidden")

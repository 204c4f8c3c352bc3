"""The page at `/`: one file with its style and script, which its policy names by their hashes."""

import base64
import hashlib
import re
from dataclasses import dataclass
from importlib import resources

STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@dataclass(frozen=True)
class Page:
    """A page and the header that says what it may load: nothing but answers of its own server."""

    html: str
    policy: str


def read_page() -> Page:
    """Return the page where a person types a review."""
    html = (resources.files("sentiment.serving") / "page.html").read_text(encoding="utf-8")
    rules = (
        "default-src 'none'",
        f"style-src {_hashes(STYLE.findall(html))}",
        f"script-src {_hashes(SCRIPT.findall(html))}",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return Page(html, "; ".join(rules))


def _hashes(parts: list[str]) -> str:
    digests = (hashlib.sha256(part.encode()).digest() for part in parts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)

"""Who may use the server: a web page elsewhere must not, neither by its own name nor by a borrowed one.

A page of another site can make a browser send requests here. It cannot choose the header Origin, and without
CORS it cannot send JSON. If its own name is made to point here (DNS rebinding), the header Host still has
that name.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sentiment.data.text import shorten
from sentiment.serving.refusals import Refusal

HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::\d{1,5})?")
JSON = "application/json"
UTF_8 = ("utf-8", "utf8")


@dataclass(frozen=True)
class CallerRules:
    """What the headers of a request must be like."""

    address: str
    """The address the server listens on."""
    hosts: Sequence[str] = ()
    """Further names under which it is reached."""
    origins: Sequence[str] = ()
    """Web pages elsewhere that may use it, such as https://shop.example."""

    def check(self, headers: Mapping[str, str]) -> None:
        """Raise Refusal for a wrong Host (421) or Origin (403); `headers` has names in lower case."""
        host = headers.get("host", "").lower()
        if not self._is_own_host(host):
            raise Refusal(
                421,
                f"this server is not called {shorten(host or '(no name)', 60)}; if it should be, start it "
                "with --allow-host NAME",
            )
        origin = headers.get("origin", "").lower()
        own = (f"http://{host}", f"https://{host}")
        if origin and origin not in own and origin not in map(str.lower, self.origins):
            raise Refusal(
                403, f"no web page of {shorten(origin, 60)} may use this server; see --allow-origin"
            )

    def _is_own_host(self, host: str) -> bool:
        match = HOST.fullmatch(host)
        if match is None:
            return False
        name = match["name"].strip("[]").rstrip(".")
        if name in ("localhost", self.address.lower(), *map(str.lower, self.hosts)):
            return True
        number = read_address(name)
        bound = read_address(self.address)
        # No stranger's page can be reached under a number, so any is safe where every address is listened on.
        return number is not None and (number.is_loopback or (bound is not None and bound.is_unspecified))


def read_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a name is, or None if it is a real name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def require_json(headers: Mapping[str, str]) -> None:
    """Raise Refusal (415) unless the body is declared as plain JSON."""
    kind, _, parameters = headers.get("content-type", "").partition(";")
    name, _, charset = parameters.strip().lower().partition("=")
    is_utf_8 = not name or (name.strip() == "charset" and charset.strip(' "') in UTF_8)
    if kind.strip().lower() != JSON or not is_utf_8:
        raise Refusal(415, f"send the header Content-Type: {JSON}")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(415, "send the body without compression: leave Content-Encoding out")

"""Refuse a request: the status, and one line that says what is wrong and what to do."""

import json

RETRY_SECONDS = 1
RETRY_STATUSES = (429, 503)

BUSY = "too many reviews wait; try again in a second, or send several reviews in one request"
STOPPING = "the server is stopping"


class Refusal(Exception):
    """A request that gets no answer."""

    def __init__(self, status: int, message: str, *, ends_connection: bool = False) -> None:
        """`ends_connection` if the rest of the request is not worth reading."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.ends_connection = ends_connection

    @property
    def headers(self) -> dict[str, str]:
        """The headers that belong to the status."""
        headers = {"retry-after": str(RETRY_SECONDS)} if self.status in RETRY_STATUSES else {}
        return headers | ({"connection": "close"} if self.ends_connection else {})

    @property
    def body(self) -> bytes:
        """An object of JSON in ASCII: a message may quote half of a surrogate pair."""
        return json.dumps({"error": self.message}).encode()

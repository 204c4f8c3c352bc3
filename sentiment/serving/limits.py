"""What one client, and all clients together, may take of the server."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Sizes and times. What exceeds one of them is refused with an HTTP status, never served in part."""

    texts: int = 1_000
    """Reviews of a request (413)."""
    explained: int = 20
    """Reviews of a request that are explained (413). An explanation takes as long as some thirty answers."""
    characters: int = 100_000
    """Of one review (413)."""
    body_bytes: int = 4 * 2**20
    """Of a request (413)."""
    waiting: int = 256
    """Requests; the next one is refused (429)."""
    waiting_cost: int = 4_000
    """Of the reviews that wait; a request with many reviews for which there is no room is refused (429)."""
    body_seconds: float = 10.0
    """For a client to send its request (408)."""
    answer_seconds: float = 30.0
    """From the header of a request to its answer (503)."""
    idle_seconds: float = 10.0
    """For a client to send the next header, or to take what was sent to it; then its connection ends."""
    connections: int = 500
    """Open at once (503)."""


DEFAULT_LIMITS = Limits()

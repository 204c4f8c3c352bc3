"""What GET /metrics tells, in the format of Prometheus."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30)
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class Metrics:
    """Counts requests, answers and batches."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self.requests = Counter(
            "sentiment_requests", "Requests.", ["path", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "sentiment_request_seconds",
            "Seconds from the header of a request to its answer.",
            ["path"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self.labels = Counter(
            "sentiment_reviews", "Answered reviews, by label.", ["label"], registry=self._registry
        )
        self.batch_size = Histogram(
            "sentiment_batch_reviews",
            "Reviews that were scored together.",
            buckets=BATCH_SIZES,
            registry=self._registry,
        )
        self.batch_seconds = Histogram(
            "sentiment_batch_seconds",
            "Seconds to score a batch.",
            buckets=SECONDS,
            registry=self._registry,
        )
        self.waiting = Gauge(
            "sentiment_waiting_reviews",
            "Reviews that wait; long ones and those to explain count more.",
            registry=self._registry,
        )
        self.dropped_log_lines = Gauge(
            "sentiment_dropped_log_lines",
            "Lines that the access log had no room for.",
            registry=self._registry,
        )

    def observe_batch(self, reviews: int, seconds: float) -> None:
        """Count a batch."""
        self.batch_size.observe(reviews)
        self.batch_seconds.observe(seconds)

    def observe_request(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests.labels(path, str(status)).inc()
        self.seconds.labels(path).observe(seconds)

    def text(self) -> bytes:
        """Return all of it."""
        found: bytes = generate_latest(self._registry)
        return found

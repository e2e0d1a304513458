"""What the pages of one process were asked, counted as it happens: by route, never by path (D25)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from mailer.monitoring.catalogue import DURATIONS, OF_PROCESS, REQUESTS

_BUCKETS = (0.005, 0.025, 0.1, 0.5, 2.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST"})


class Traffic:
    """Counts requests in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        asked, took = OF_PROCESS[REQUESTS], OF_PROCESS[DURATIONS]
        self._requests = Counter(REQUESTS, asked.help, asked.labels, registry=self.registry)
        self._durations = Histogram(
            DURATIONS, took.help, took.labels, buckets=_BUCKETS, registry=self.registry
        )

    def answered(self, method: str, route: str, *, status: int, seconds: float) -> None:
        """One request is over; what a client invents (methods, paths) makes no series."""
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._durations.labels(route).observe(seconds)

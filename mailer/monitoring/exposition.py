"""/metrics: the figures of the site and of this process, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from mailer.monitoring.catalogue import DATABASE_UP, GAUGES, Sample
from mailer.monitoring.figures import QUICK, QUICK_SECONDS, SLOW, SLOW_SECONDS, Remembered
from mailer.monitoring.traffic import Traffic
from mailer.store import Store, StoreError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Exposition:
    """Everything that one scrape is told."""

    def __init__(self, store: Store, traffic: Traffic) -> None:
        self._quick = Remembered(store, QUICK, seconds=QUICK_SECONDS)
        self._slow = Remembered(store, SLOW, seconds=SLOW_SECONDS)
        self._traffic = traffic
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)

    def text(self) -> bytes:
        """The page; while the database is away, what the process knows by itself."""
        figures = CollectorRegistry()
        figures.register(_Samples(self._samples()))
        return b"".join(generate_latest(one) for one in (figures, self._traffic.registry, self._process))

    def _samples(self) -> tuple[Sample, ...]:
        try:
            read = self._quick.samples() + self._slow.samples()
        except StoreError:
            return (Sample(DATABASE_UP, 0),)
        took = Sample("mailer_scrape_seconds", self._quick.took + self._slow.took)
        return (Sample(DATABASE_UP, 1), *read, took)


class _Samples(Collector):
    """Samples as families, in the catalogue's order."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = tuple(samples)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family for each metric that has a value."""
        for name, metric in GAUGES.items():
            found = [sample for sample in self._samples if sample.name == name]
            if found:
                family = GaugeMetricFamily(name, metric.help, labels=metric.labels)
                for sample in found:
                    family.add_metric(sample.labels, sample.value)
                yield family

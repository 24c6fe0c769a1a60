"""What is true of this process at the moment, read from its objects when somebody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from feed.hub import hub

from .metrics import REGISTRY
from .process import Process, process
from .readiness import OK, readiness


class _Now(Collector):
    """Asks the process, on its event loop."""

    def describe(self) -> Iterator[Metric]:
        """Nothing: Prometheus' client would else ask at once, before there is an event loop."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        here = process()
        yield from _sockets(here)
        yield from _load(here)
        yield from _engines(here)
        yield from _feed()
        yield _parts()
        yield _gauge("draining", "Whether the process is on its way out.", here.draining.is_on)


def _parts() -> Metric:
    parts = GaugeMetricFamily(
        "voicechat_part_ready", "Whether what the process stands on answers.", labels=["part"]
    )
    for part, found in readiness().last.items():
        parts.add_metric([part], found == OK)
    return parts


def _sockets(here: Process) -> Iterator[Metric]:
    connected = [runner for runner in here.runners if runner.is_connected]
    sockets = GaugeMetricFamily(
        "voicechat_sockets", "Sockets that are connected.", labels=["protocol"]
    )
    by_protocol = Counter(runner.protocol_name for runner in connected)
    for protocol, count in sorted(by_protocol.items()) or [("none", 0)]:
        sockets.add_metric([protocol], count)
    yield sockets
    yield _gauge("calls", "Calls, also those that go on without a socket.", len(here.calls))
    yield _gauge(
        "replies_in_progress",
        "Replies that are being written or spoken.",
        here.replies_in_progress,
    )
    yield _gauge(
        "replies_unwritten", "Ends of replies that wait for the database.", len(here.unwritten)
    )
    yield _counter(
        "replies_lost", "Ends of replies that no room was left for.", here.unwritten.lost
    )
    waiting = [runner.waiting_bytes for runner in connected]
    yield _gauge("queue_bytes", "Bytes that wait for clients to read them.", sum(waiting))
    yield _gauge("queue_bytes_max", "Of the client with the most.", max(waiting, default=0))


def _load(here: Process) -> Iterator[Metric]:
    yield _gauge("loop_busy_ratio", "The share of its time that the loop is busy.", here.load.busy)
    yield _gauge("limits_alone", "Whether limits hold here alone.", here.counters.is_alone)
    yield _gauge("loop_late_seconds", "By how much the loop is late.", here.load.late_s)


def _engines(here: Process) -> Iterator[Metric]:
    breakers = GaugeMetricFamily(
        "voicechat_breaker_open",
        "Whether an engine counts as out of reach, so that another one takes its place.",
        labels=["kind", "engine"],
    )
    for engine, within_reach in here.voices.reach().items():
        breakers.add_metric(["tts", engine], not within_reach)
    if here.recogniser is not None:
        breakers.add_metric(["stt", here.recogniser.id], not here.recogniser.available)
    yield breakers


def _feed() -> Iterator[Metric]:
    figures = hub().figures
    yield _gauge("feed_connected", "Whether what is published comes back.", hub().is_connected)
    yield _counter("feed_published", "Events that were told to other sockets.", figures.published)
    yield _counter("feed_received", "Events that followers here were told.", figures.received)
    yield _counter("feed_refused", "Events that the channel layer did not take.", figures.refused)
    yield _counter("feed_lost", "Events that a follower was too slow to take.", figures.lost)


def _gauge(name: str, help: str, value: float) -> Metric:
    return GaugeMetricFamily(f"voicechat_{name}", help, value=value)


def _counter(name: str, help: str, value: float) -> Metric:
    return CounterMetricFamily(f"voicechat_{name}", help, value=value)


REGISTRY.register(_Now())


async def scrape() -> bytes:
    """All figures in the text format of Prometheus. Call it on the process's event loop."""
    await readiness().report()
    return generate_latest(REGISTRY)

"""One deployment for all faults; each test leaves it whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.topology.topology import Topology, topology

# A bot that takes its time, no ears, and no limits on how many come from one address.
ENVIRONMENT = {
    "VOICECHAT_DIALOGUE": "tests.faults.bots.Steady",
    "VOICECHAT_STT": "none",
    "VOICECHAT_DRAIN_TIMEOUT": "8",
    "VOICECHAT_LOG_LEVEL": "WARNING",
}


@pytest.fixture(scope="package")
def deployed() -> Iterator[Topology]:
    with topology(**ENVIRONMENT) as running:
        yield running

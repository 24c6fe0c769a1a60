"""What holds whatever happens in whatever order: clients, ears and engines are driven at random."""

from __future__ import annotations

import pytest
from hypothesis import settings

from .driven import ORIGINAL, TELEPHONE
from .random_call import RandomCall

# It takes seconds; but a failure is first made as short as it can be.
pytestmark = pytest.mark.timeout(600)


class RandomOriginalCall(RandomCall):
    manners = ORIGINAL
    hears = False


class RandomTelephoneCall(RandomCall):
    manners = TELEPHONE


class RandomCallWithoutSpeculation(RandomCall):
    speculates = False


TestVersion1 = RandomCall.TestCase
TestVersion1.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestTelephone = RandomTelephoneCall.TestCase
TestTelephone.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestWithoutSpeculation = RandomCallWithoutSpeculation.TestCase
TestWithoutSpeculation.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestOriginal = RandomOriginalCall.TestCase
TestOriginal.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)

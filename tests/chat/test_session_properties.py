"""What holds whatever happens in whatever order: clients, ears and engines are driven at random."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from chat import events as ev

from .driven import ORIGINAL, RESUMING, TELEPHONE
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


class RandomResumingCall(RandomCall):
    """Others want the voice of what is said, and report how much of it was heard there."""

    manners = RESUMING
    given = 0

    @rule(take=st.booleans())
    def want_voice(self, take: bool) -> None:
        self.tell(ev.VoiceWanted("other", take))

    @precondition(lambda self: self.witness.begun)
    @rule(hand=st.integers(1, 3), chars=st.sampled_from([0, 5, 10_000]), is_over=st.booleans())
    def hear_elsewhere(self, hand: int, chars: int, is_over: bool) -> None:
        reply = max(self.witness.begun)
        self.tell(ev.VoiceHeard(reply, hand, chars, 500.0, is_over))

    @rule(start=st.sampled_from([0, 18]), is_written=st.booleans())
    def be_given(self, start: int, is_written: bool) -> None:
        self.given += 1
        text = "Sentence one here. Sentence two here. "
        self.tell(ev.VoiceGiven(f"given-{self.given}", "generic", text, start, is_written, 1))

    @rule()
    def take_audio(self) -> None:
        self.tell(ev.TakeAudio())

    def answer_everything(self) -> None:
        super().answer_everything()
        self.witness.see(self.call.wait(11.0))


TestVersion1 = RandomCall.TestCase
TestVersion1.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestTelephone = RandomTelephoneCall.TestCase
TestTelephone.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestWithoutSpeculation = RandomCallWithoutSpeculation.TestCase
TestWithoutSpeculation.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestResuming = RandomResumingCall.TestCase
TestResuming.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestOriginal = RandomOriginalCall.TestCase
TestOriginal.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)

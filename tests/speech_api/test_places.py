"""So much work at a time."""

from __future__ import annotations

import pytest

from speech_api.errors import SpeechError
from speech_api.places import Places


def test_there_are_so_many_places_and_no_more():
    places = Places(2)
    first = places.take()
    places.take()
    with pytest.raises(SpeechError) as refused:
        places.take()
    assert (refused.value.status, refused.value.retry_s) == (503, 5.0)
    first.leave()
    first.leave()
    places.take()
    with pytest.raises(SpeechError):
        places.take()


def test_a_place_that_was_handed_over_is_left_by_who_has_it():
    places = Places(1)
    first = places.take()
    second = first.hand_over()
    first.leave()
    assert places.free == 0
    second.leave()
    assert places.free == 1

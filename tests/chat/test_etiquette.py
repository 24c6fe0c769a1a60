"""What a client may do before it is asked to slow down or to leave."""

from __future__ import annotations

from chat import effects as do
from chat import events as ev
from chat import messages as msg

from .driven import Call, of, only


class TestManners:
    def test_silence_closes_an_idle_call(self) -> None:
        call = Call()
        call.open()
        call.wait(50)
        call.tell(ev.Ping("p"))
        assert not of(call.wait(59.9), do.Close)
        assert only(call.wait(0.2), do.Close).code == 4408

    def test_a_call_that_is_closed_is_spoken_to_no_more(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "One here."), do.Synthesize)
        call.speak(request, *[1_000] * 90)
        call.wait(59.9)
        finished = only(call.wait(0.2), do.Finish).reply
        assert (finished.status, finished.heard_ms) == ("interrupted", 60_000)
        assert not of(call.wait(60), do.Play)

    def test_a_ping_is_answered(self) -> None:
        call = Call()
        call.open()
        assert only(call.tell(ev.Ping("p")), msg.Pong).id == "p"

    def test_ten_bad_messages_within_a_minute_close(self) -> None:
        call = Call()
        call.open()
        for _ in range(9):
            assert not of(call.tell(ev.BadMessage("bad_message", "?")), do.Close)
        assert only(call.tell(ev.BadMessage("bad_message", "?")), do.Close).code == 4400

    def test_ten_bad_messages_in_a_long_time_do_not(self) -> None:
        call = Call()
        call.open()
        for _ in range(20):
            call.wait(7)
            assert not of(call.tell(ev.BadMessage("bad_message", "?")), do.Close)

    def test_a_frame_that_is_too_big_closes_at_once(self) -> None:
        call = Call()
        call.open()
        assert only(call.tell(ev.BadMessage("too_big", "?")), do.Close).code == 4413

    def test_a_fault_beside_the_turn_is_told(self) -> None:
        call = Call()
        call.open()
        error = only(call.tell(ev.Fault("audio_not_stored", "no room", "r")), msg.Error)
        assert (error.code, error.id) == ("audio_not_stored", "r")

    def test_ratings_by_a_machine_are_too_many(self) -> None:
        call = Call()
        call.open()
        for n in range(30):
            assert of(call.tell(ev.Rate(f"t-{n}", 1)), do.StoreRating)
        assert only(call.tell(ev.Rate("t", 1)), msg.Error).code == "busy"
        call.wait(10)
        assert of(call.tell(ev.Rate("t", 1)), do.StoreRating)

    def test_a_rating_is_passed_on(self) -> None:
        call = Call()
        call.open()
        assert only(call.tell(ev.Rate("turn", -1)), do.StoreRating) == do.StoreRating("turn", -1)

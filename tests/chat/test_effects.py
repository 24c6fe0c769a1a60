"""A rush of words becomes one frame, and nothing changes its place or its reader."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chat import effects as do
from chat import messages as msg
from chat.effects import with_deltas_joined

TO = (do.Send, do.Share)


def text_by(effects: list[do.Effect], to: type, reply: str) -> str:
    return "".join(
        e.message.text
        for e in effects
        if type(e) is to and isinstance(e.message, msg.Delta) and e.message.reply == reply
    )


def test_adjoining_deltas_are_one_for_the_person_and_one_for_followers() -> None:
    words = ["One ", "two ", "three"]
    offset, effects = 0, []
    for word in words:
        effects += [to(msg.Delta("r", offset, word)) for to in TO]
        offset += len(word)
    whole = msg.Delta("r", 0, "One two three")
    assert with_deltas_joined(effects) == [do.Send(whole), do.Share(whole)]


def test_deltas_of_two_replies_stay_apart() -> None:
    effects = [do.Send(msg.Delta("a", 0, "x")), do.Send(msg.Delta("b", 0, "y"))]
    assert with_deltas_joined(effects) == effects


def test_what_is_told_between_keeps_its_place() -> None:
    effects = [
        do.Send(msg.Delta("r", 0, "x")),
        do.Send(msg.TextEnd("r", "x")),
        do.Send(msg.Delta("r", 1, "y")),
    ]
    assert with_deltas_joined(effects) == effects


@given(
    st.lists(
        st.one_of(
            st.builds(
                lambda to, reply, text: to(msg.Delta(reply, 0, text)),
                st.sampled_from(TO),
                st.sampled_from("ab"),
                st.text(max_size=3),
            ),
            st.sampled_from([do.Send(msg.Clear(1)), do.Share(msg.Pong()), do.StopThinking("a")]),
        )
    )
)
def test_everybody_is_told_the_same_text_and_everything_else(effects: list[do.Effect]) -> None:
    joined = with_deltas_joined(effects)
    for to in TO:
        for reply in "ab":
            assert text_by(joined, to, reply) == text_by(effects, to, reply)

    def others(which: list[do.Effect]) -> list[do.Effect]:
        return [e for e in which if not isinstance(getattr(e, "message", None), msg.Delta)]

    assert others(joined) == others(effects)

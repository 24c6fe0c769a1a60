"""The samples themselves: the ring and the resampler, run in the page without a loudspeaker."""

from typing import Any

import pytest

from .conftest import Chat

# BODY is replaced; it has: playback, push(samples, {last, position, reply}), pull(n) -> array of n samples.
HARNESS = """
async (outRate) => {
  const { Playback } = await import("/static/chat/playback.js");
  const playback = new Playback(outRate, 24000);
  let position = 0;
  const sine = (n, hertz = 440, amplitude = 16384) => Int16Array.from(
    { length: n }, (_, i) => amplitude * Math.sin(2 * Math.PI * hertz * (position + i) / 24000));
  const push = (samples, place = {}) => {
    playback.push(samples, { reply: "r", position, last: false, ...place });
    position += samples.length;
  };
  const pull = (n) => {
    const out = new Float32Array(n);
    for (let at = 0; at < n; at += 128) playback.pull(out.subarray(at, Math.min(n, at + 128)));
    return out;
  };
  const peak = (samples) => samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  BODY
}
"""


async def run(chat: Chat, body: str, out_rate: int = 48_000) -> Any:
    return await chat.page.evaluate(HARNESS.replace("BODY", body), out_rate)


@pytest.mark.parametrize("out_rate", [16_000, 24_000, 44_100, 48_000, 96_000])
async def test_a_tone_keeps_its_pitch_and_loudness_at_every_rate(chat: Chat, out_rate: int) -> None:
    error = await run(
        chat,
        f"""
        for (let i = 0; i < 24; i += 1) push(sine(997), {{ last: i === 23 }});
        const out = pull({out_rate} / 2);
        let worst = 0;
        for (let i = {out_rate} / 10; i < {out_rate} * 0.4; i += 1) {{
          const exact = 0.5 * Math.sin(2 * Math.PI * 440 * i / {out_rate});
          worst = Math.max(worst, Math.abs(out[i] - exact));
        }}
        return worst;
        """,
        out_rate,
    )
    assert error < 0.002


async def test_it_waits_for_80_ms_before_it_starts(chat: Chat) -> None:
    before, after = await run(
        chat,
        "push(sine(1900)); const a = peak(pull(480)); push(sine(100)); return [a, peak(pull(480))];",
    )
    assert before == 0
    assert after > 0.1


async def test_a_short_sentence_starts_at_once(chat: Chat) -> None:
    assert await run(chat, "push(sine(240), { last: true }); return peak(pull(480));") > 0.1


async def test_every_sample_of_a_sentence_is_played(chat: Chat) -> None:
    stats = await run(
        chat, "push(sine(5000), { last: true }); pull(48000); return playback.stats;", 44_100
    )
    assert stats["played"] == stats["received"] == 5000
    assert stats["underruns"] == 0


async def test_running_dry_within_a_sentence_is_an_underrun_and_fades(chat: Chat) -> None:
    underruns, largest_step, resumed = await run(
        chat,
        """
        push(sine(2400));
        const out = pull(9600);
        let step = 0;
        for (let i = 1; i < out.length; i += 1) step = Math.max(step, Math.abs(out[i] - out[i - 1]));
        push(sine(1000));
        const early = peak(pull(256));
        push(sine(2000));
        return [playback.stats.underruns, step, early === 0 && peak(pull(2560)) > 0.1];
        """,
    )
    assert underruns == 1
    assert largest_step < 0.04
    assert resumed


async def test_a_flush_fades_within_5_ms_and_then_nothing_sounds(chat: Chat) -> None:
    during, after, largest_step, flushed = await run(
        chat,
        """
        push(sine(24000));
        const before = pull(9600);
        playback.flush();
        const out = pull(4800);
        let step = Math.abs(out[0] - before.at(-1));
        for (let i = 1; i < out.length; i += 1) step = Math.max(step, Math.abs(out[i] - out[i - 1]));
        return [peak(out.subarray(0, 240)), peak(out.subarray(240)), step, playback.stats.flushed];
        """,
    )
    assert 0 < during <= 0.51
    assert after == 0
    assert largest_step < 0.04
    assert flushed > 18_000


async def test_the_position_is_that_of_the_reply_even_when_it_begins_in_the_middle(
    chat: Chat,
) -> None:
    first, middle = await run(
        chat,
        """
        push(sine(2400), { reply: "a", position: 48000, last: true });
        pull(2400);
        const first = playback.position();
        push(sine(2400), { reply: "b", position: 0, last: true });
        pull(9600);
        return [first, playback.position()];
        """,
    )
    assert first == {"reply": "a", "ms": pytest.approx(2050, abs=1), "done": False}
    assert middle == {"reply": "b", "ms": pytest.approx(100, abs=1), "done": True}


async def test_what_does_not_fit_is_counted_and_left_out(chat: Chat) -> None:
    stats = await run(
        chat, "for (let i = 0; i < 12; i += 1) push(new Int16Array(100000)); return playback.stats;"
    )
    assert stats["overflowed"] > 100_000
    assert stats["received"] == 1_200_000

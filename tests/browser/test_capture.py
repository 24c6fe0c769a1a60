"""From the microphone's samples to frames of 20 ms at 16 kHz, run in the page without a microphone."""

import math
from itertools import pairwise
from typing import Any

import pytest

from .conftest import Chat

# BODY is replaced; it has: capture(rate, block) -> (input) => frames, sine(rate, hertz, seconds, amplitude),
# and rms(frames, from, to) in samples at 16 kHz.
HARNESS = """
async () => {
  const { Capture } = await import("/static/chat/capture.js");
  const capture = (rate, block = 128) => {
    const one = new Capture(rate);
    return (input) => {
      const frames = [];
      for (let at = 0; at < input.length; at += block) frames.push(...one.push(input.subarray(at, at + block)));
      return frames;
    };
  };
  const sine = (rate, hertz, seconds, amplitude = 0.5) => Float32Array.from(
    { length: rate * seconds }, (_, i) => amplitude * Math.sin(2 * Math.PI * hertz * i / rate));
  const rms = (frames) => {
    const all = frames.slice(5, 25).flatMap((frame) => [...frame.samples]);
    return Math.sqrt(all.reduce((sum, value) => sum + (value / 32767) ** 2, 0) / all.length);
  };
  BODY
}
"""
FULL = 0.5 / math.sqrt(2)


async def run(chat: Chat, body: str) -> Any:
    return await chat.page.evaluate(HARNESS.replace("BODY", body))


def decibels(share: float) -> float:
    return 20 * math.log10(max(share, 1e-9))


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000, 96_000])
async def test_speech_passes_as_loud_as_it_is(chat: Chat, rate: int) -> None:
    levels = await run(
        chat,
        f"return [100, 1000, 3000, 6000].map((hertz) => rms(capture({rate})(sine({rate}, hertz, 0.6))));",
    )
    for level in levels:
        assert decibels(level / FULL) == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
async def test_what_16_khz_cannot_hold_does_not_fold_into_speech(chat: Chat, rate: int) -> None:
    levels = await run(
        chat,
        f"return [8500, 10000, 15000, 20000].map((hertz) => rms(capture({rate})(sine({rate}, hertz, 0.6))));",
    )
    for level in levels:
        assert decibels(level / FULL) < -65


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
async def test_blocks_may_be_cut_anywhere(chat: Chat, rate: int) -> None:
    whole, pieces, positions = await run(
        chat,
        f"""
        const input = sine({rate}, 440, 1);
        const bytes = (frames) => frames.flatMap((frame) => [...frame.samples]).join();
        const one = capture({rate}, 1024)(input);
        const other = capture({rate}, 37)(input);
        return [bytes(one), bytes(other), one.map((frame) => frame.position)];
        """,
    )
    assert whole == pieces
    assert positions == [320 * n for n in range(len(positions))]
    assert len(positions) == 49


async def test_what_is_too_loud_is_clipped_and_never_turns_over(chat: Chat) -> None:
    samples, peak = await run(
        chat,
        """
        const frames = capture(48000)(sine(48000, 200, 0.1, 3));
        return [[...frames[2].samples], frames[2].peak];
        """,
    )
    assert peak == 1
    assert max(samples) == 32_767
    assert min(samples) == -32_767
    steps = [abs(b - a) for a, b in pairwise(samples)]
    assert max(steps) < 20_000


async def test_the_level_is_that_of_the_frame(chat: Chat) -> None:
    loud, quiet = await run(
        chat,
        """
        const of = (amplitude) => capture(48000)(sine(48000, 1000, 0.2, amplitude))[5];
        return [of(0.5), of(0.05)].map(({ rms, peak }) => ({ rms, peak }));
        """,
    )
    assert loud == {"rms": pytest.approx(0.354, abs=0.005), "peak": pytest.approx(0.5, abs=0.01)}
    assert quiet["rms"] == pytest.approx(0.0354, abs=0.0005)

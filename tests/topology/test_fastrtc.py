"""FastRTC's own page at two instances behind nginx: its form and its outputs land where they may."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.browser.microphones import plays
from tests.conftest import LaunchChromium
from tests.e2e.test_fastrtc_page import (
    BEFORE_S,
    MADE_UP,
    SOUNDS,
    holds_a_conversation,
    open_snippet,
)
from tests.e2e.test_talking_in_the_page import RATE, recorded
from tests.speech.recordings import cards

from .topology import Topology


async def test_the_page_of_fastrtcs_documents_holds_a_conversation_behind_nginx(
    start_topology: Callable[..., Topology], launch_chromium: LaunchChromium, tmp_path: Path
) -> None:
    deployment = start_topology(VOICECHAT_DIALOGUE="tests.e2e.bots.Asking", VOICECHAT_TTS="espeak")
    said = recorded(tmp_path / "said.wav", cards()[0].pcm(RATE), before_s=BEFORE_S)
    browser = await launch_chromium(SOUNDS, MADE_UP, *plays(said))
    page = await browser.new_page()
    # As any visitor they have been at a page of ours, and are a guest.
    await page.goto(deployment.url + "/fastrtc/")
    await open_snippet(page, deployment.url)
    await holds_a_conversation(page)
    await browser.close()

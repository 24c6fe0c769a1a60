"""The JavaScript of the original client as its author published it, in a real Chromium.

``original_client.js`` is kept to the letter; the test adds what its page had around it (a list of
messages, the sockets' variables) and gives it our host.
"""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser, Page

from tests.services import VoicechatServer

CLIENT = (Path(__file__).parent / "original_client.js").read_text()
ITS_PAGE = """
var voiceSocket, textSocket, isVoiceQuery = true;
var bubbles = [], played = [];
var chatMessages = {append: bubble => bubbles.push(bubble), scrollTop() {}, prop: () => 0};
var genericBotMessage = text => text;
window.Audio = class extends Audio {
  constructor(url) { super(url); played.push(this); }
};
"""
DECODED = "played.map(audio => audio.webkitAudioDecodedByteCount)"


async def open_client(chromium: Browser, server: VoicechatServer) -> Page:
    context = await chromium.new_context(bypass_csp=True)
    page = await context.new_page()
    await page.goto(server.url + "/accounts/login/")
    host = server.url.removeprefix("http://")
    await page.add_script_tag(content=ITS_PAGE + CLIENT.replace("0.0.0.0:5001", host))
    await page.evaluate("initializeVoiceWebSocket()")
    await page.wait_for_function("voiceSocket.readyState === WebSocket.OPEN")
    return page


async def test_it_shows_and_plays_all_three_kinds_of_answer(
    launch_chromium, live_server_process: VoicechatServer
) -> None:
    chromium = await launch_chromium("--autoplay-policy=no-user-gesture-required")
    page = await open_client(chromium, live_server_process)

    await page.evaluate("sendVoiceMessage('a two bedroom flat in Lisbon under 300k')")
    await page.wait_for_function("bubbles.length >= 1 && played.length >= 1")
    assert "Lisbon" in (await page.evaluate("bubbles"))[0]

    await page.evaluate("bubbles = []; sendVoiceMessage('What time is it in Tokyo?')")
    await page.wait_for_function("bubbles.some(text => text.includes('Tokyo'))")

    await page.evaluate("bubbles = []; sendVoiceMessage('hello')")
    await page.wait_for_function("bubbles.length >= 2")
    heard = await page.evaluate("played.length")
    await page.wait_for_function(f"played.length > {heard} && played.at(-1).currentTime > 0.1")
    assert min(await page.evaluate(DECODED)) > 1_000
    assert len(set(await page.evaluate("bubbles"))) == len(await page.evaluate("bubbles"))
    await chromium.close()


async def test_one_clip_at_a_time_is_playing(
    launch_chromium, live_server_process: VoicechatServer
) -> None:
    chromium = await launch_chromium("--autoplay-policy=no-user-gesture-required")
    page = await open_client(chromium, live_server_process)
    await page.evaluate("sendVoiceMessage('hello')")
    most = 0
    while not await page.evaluate("played.length >= 3 && played.at(-1).ended"):
        playing = await page.evaluate(
            "new Promise(done => setTimeout(() => done(played.filter(a => !a.paused &&"
            "a.currentTime > 0.15 && a.duration - a.currentTime > 0.15).length), 40))"
        )
        most = max(most, playing)
    assert most == 1
    await chromium.close()

"""Every state of the microphone is told apart, says what to do, and leaves the text chat as it is."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.conftest import LaunchChromium

from .conftest import Chat, OpenChat
from .microphones import ALLOWED, FAKE, NOTICED, OWN, RAW
from .scripted_server import ScriptedServer

WITH_ONE = pytest.mark.parametrize("chromium_flags", [FAKE])


async def press(chat: Chat) -> None:
    await chat.page.get_by_role("button", name="Open the microphone").click()


async def text_still_works(chat: Chat) -> None:
    await chat.write("By hand")
    said, _ = await chat.peer.take_text()
    assert said["text"] == "By hand"


async def test_a_page_without_https_says_that_it_needs_it(
    launch_chromium: LaunchChromium, server: ScriptedServer
) -> None:
    browser = await launch_chromium("--host-resolver-rules=MAP voice.test 127.0.0.1")
    page = await browser.new_page()
    await page.goto(server.url.replace("127.0.0.1", "voice.test"))
    chat = Chat(server, page, await server.connection())
    await chat.peer.ready()
    await press(chat)
    await expect(chat.prompt).to_contain_text("The microphone needs HTTPS.")
    await text_still_works(chat)
    await browser.close()


async def test_a_browser_without_worklets_says_so(open_chat: OpenChat) -> None:
    chat = await open_chat(script=f"{NOTICED} delete window.AudioWorkletNode;")
    await press(chat)
    await expect(chat.prompt).to_contain_text("This browser cannot take in your voice.")
    await text_still_works(chat)


async def test_a_server_without_recognition_says_so(open_chat: OpenChat) -> None:
    chat = await open_chat(ready={"audio": {"out": None, "in": None}})
    await chat.page.get_by_role("button", name="Voice input is not available here").click()
    await expect(chat.prompt).to_contain_text("Voice input is not available here.")
    await chat.prompt.get_by_role("button", name="Close").click()
    await expect(chat.prompt).to_be_hidden()
    await text_still_works(chat)


async def test_while_the_browser_asks_the_person_is_told_what_to_press(open_chat: OpenChat) -> None:
    script = f"{OWN} {NOTICED} microphone.wait = new Promise((go) => {{ window.answer = go; }});"
    chat = await open_chat(script=script)
    await press(chat)
    await expect(chat.page.locator(".talk-bar")).to_contain_text("Allow the microphone")
    # Closed before the browser was answered: what comes too late is stopped.
    await chat.page.locator("[data-action=close-microphone]").click()
    await expect(chat.page.locator(".talk-bar")).to_be_hidden()
    await chat.page.evaluate("answer()")
    await chat.until("microphone.tracks[0]?.readyState === 'ended'")
    await text_still_works(chat)


@pytest.mark.parametrize("chromium_flags", [(f"{ALLOWED}=deny", FAKE[1])])
async def test_a_denied_microphone_says_where_to_allow_it(open_chat: OpenChat) -> None:
    chat = await open_chat(script=NOTICED)
    await press(chat)
    await expect(chat.prompt).to_contain_text("Allow it in the settings of this page")
    await expect(chat.prompt.get_by_role("button", name="Try again")).to_be_focused()
    await chat.page.keyboard.press("Escape")
    await expect(chat.page.get_by_role("button", name="Open the microphone")).to_be_focused()
    await text_still_works(chat)


@pytest.mark.parametrize("chromium_flags", [(ALLOWED,)])
async def test_no_device_says_to_connect_one(open_chat: OpenChat) -> None:
    chat = await open_chat(script=NOTICED)
    await press(chat)
    await expect(chat.prompt).to_contain_text("There is no microphone. Connect one")
    await text_still_works(chat)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("NotReadableError", "another program may have it"),
        ("TypeError", "could not be opened"),
    ],
)
async def test_one_that_cannot_be_read_can_be_tried_again(
    open_chat: OpenChat, error: str, words: str
) -> None:
    chat = await open_chat(script=f"{OWN} {NOTICED} microphone.refuse = {error!r};")
    await press(chat)
    await expect(chat.prompt).to_contain_text(words)
    await text_still_works(chat)
    await chat.page.evaluate("microphone.refuse = ''")
    await chat.prompt.get_by_role("button", name="Try again").click()
    assert (await chat.peer.receive("microphone"))["on"] is True
    await expect(chat.prompt).to_be_hidden()


async def test_one_that_is_unplugged_gives_way_to_the_default_one_on_request(
    open_chat: OpenChat,
) -> None:
    chat = await open_chat(script=f"{OWN} {NOTICED}")
    await chat.talk()
    await chat.page.evaluate(
        "microphone.tracks[0].stop(); microphone.tracks[0].dispatchEvent(new Event('ended'))"
    )
    await expect(chat.prompt).to_contain_text("The microphone is gone.")
    assert (await chat.peer.receive("microphone"))["on"] is False
    await text_still_works(chat)
    await chat.prompt.get_by_role("button", name="Use the default microphone").click()
    assert (await chat.peer.receive("microphone"))["on"] is True
    await chat.peer.hear(10)
    assert "deviceId" not in (await chat.page.evaluate("microphone.asked.at(-1)"))


async def test_one_that_gives_nothing_for_five_seconds_is_asked_about(open_chat: OpenChat) -> None:
    chat = await open_chat(script=f"{OWN} {NOTICED} microphone.level = 0;")
    await chat.talk()
    await expect(chat.prompt).to_contain_text("Nothing comes from the microphone.", timeout=9_000)
    # It is open all the same, and the question goes away with the first sound.
    await chat.page.evaluate("microphone.level = 0.3")
    await expect(chat.prompt).to_be_hidden()
    await text_still_works(chat)


async def test_one_that_the_system_mutes_says_so_until_it_is_unmuted(open_chat: OpenChat) -> None:
    chat = await open_chat(script=f"{OWN} {NOTICED}")
    await chat.talk()
    mute = """(muted) => {
      const [track] = microphone.tracks;
      Object.defineProperty(track, "muted", { configurable: true, value: muted });
      track.dispatchEvent(new Event(muted ? "mute" : "unmute"));
    }"""
    await chat.page.evaluate(mute, True)
    await expect(chat.prompt).to_contain_text("by its own switch or by the system")
    await chat.page.evaluate(mute, False)
    await expect(chat.prompt).to_be_hidden()


async def test_one_that_a_telephone_call_took_goes_on_by_a_tap(open_chat: OpenChat) -> None:
    keeps = "window.contexts = []; window.AudioContext = class extends AudioContext { constructor(o) { super(o); contexts.push(this); } };"
    chat = await open_chat(script=f"{OWN} {NOTICED} {keeps}")
    await chat.talk()
    await chat.page.evaluate("contexts.at(-1).suspend()")
    await expect(chat.prompt).to_contain_text("has taken the microphone")
    await chat.prompt.get_by_role("button", name="Go on").click()
    await expect(chat.prompt).to_be_hidden()
    await chat.peer.hear(5)


@WITH_ONE
async def test_the_chosen_device_is_remembered(open_chat: OpenChat) -> None:
    chat = await open_chat(script=RAW)
    await chat.talk()
    await chat.page.get_by_role("button", name="Microphone settings").click()
    device = chat.page.get_by_label("Device")
    await device.select_option(label="Fake Audio Input 2")
    await chat.until("voicechat.voice.stats().track === 'Fake Audio Input 2'")
    stored = await chat.page.evaluate("JSON.parse(localStorage['voicechat.settings']).device")
    assert stored == await device.input_value() != ""
    await chat.page.get_by_role("switch", name="Reduce noise").click()
    await chat.until("voicechat.voice.stats().state.name === 'open'")
    assert await chat.page.evaluate("voicechat.voice.stats().track") == "Fake Audio Input 2"


@WITH_ONE
async def test_a_remembered_device_that_is_not_there_gives_way_to_the_default_one(
    open_chat: OpenChat,
) -> None:
    gone = (
        'localStorage.setItem(\'voicechat.settings\', \'{"recordNoticed":true,"device":"gone"}\');'
    )
    chat = await open_chat(script=gone)
    await chat.talk()
    await expect(chat.page.locator(".toast")).to_contain_text("Your usual microphone is not there.")
    await chat.peer.hear(3)


@WITH_ONE
async def test_the_screen_stays_on_while_it_is_open(open_chat: OpenChat) -> None:
    script = """
    window.locks = 0;
    navigator.wakeLock.request = async () => {
      locks += 1;
      return { released: false, release: async () => { locks -= 1; } };
    };
    """
    chat = await open_chat(script=NOTICED + script)
    await chat.talk()
    await chat.until("locks === 1")
    await chat.page.locator("[data-action=close-microphone]").click()
    await chat.until("locks === 0")


@WITH_ONE
@pytest.mark.parametrize("settings_record", ["always", "ask", "never"])
async def test_nobody_is_recorded_who_was_not_told(
    open_chat: OpenChat, settings: object, settings_record: str
) -> None:
    settings.VOICECHAT_RECORD = settings_record  # type: ignore[attr-defined]
    chat = await open_chat(ready={"recording": settings_record == "always"})
    await press(chat)
    bar = chat.page.locator(".talk-bar")
    if settings_record == "always":
        await expect(chat.prompt).to_contain_text("is recorded and kept")
        assert (await chat.page.evaluate("voicechat.voice.stats()"))["track"] is None
        await chat.prompt.get_by_role("button", name="Continue").click()
    elif settings_record == "ask":
        await expect(chat.prompt).to_contain_text("May your voice be kept")
        await chat.prompt.get_by_role("button", name="No").click()
        assert (await chat.peer.receive("configure"))["record"] is False
    await chat.peer.receive("microphone")
    told = "Your voice is kept" if settings_record == "always" else "Only text is kept"
    await expect(bar).to_contain_text(told)


@WITH_ONE
async def test_the_answer_is_remembered_and_can_be_changed(
    open_chat: OpenChat, settings: object
) -> None:
    settings.VOICECHAT_RECORD = "ask"  # type: ignore[attr-defined]
    chat = await open_chat()
    await press(chat)
    await chat.prompt.get_by_role("button", name="Yes").click()
    await chat.peer.receive("microphone")
    await chat.page.reload()
    chat.peer = await chat.server.connection()
    assert (await chat.peer.ready())["record"] is True
    await chat.talk()
    await chat.page.get_by_role("button", name="Microphone settings").click()
    await chat.page.get_by_role("switch", name="Keep my voice").click()
    assert (await chat.peer.receive("configure"))["record"] is False
    await expect(chat.page.locator(".talk-bar")).to_contain_text("Only text is kept")

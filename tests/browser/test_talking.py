"""What of the person's voice goes out, and what comes back of it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import expect

from .conftest import Chat, OpenChat
from .microphones import NOTICED, OWN, RAW, a_tone, plays
from .scripted_server import VoiceFrame, a_turn, tone
from .test_connection import come_back, lose
from .test_sound import SENTENCE, speaking

REPLY = "22222222-2222-4222-8222-222222222222"
TURN = "33333333-3333-4333-8333-333333333333"
PUSH = '{"recordNoticed":true,"mode":"push_to_talk"}'
PRE_ROLL, AFTER = 15, 10


@pytest.fixture
async def talking(open_chat: OpenChat) -> Chat:
    """The microphone is open and hears a tone."""
    chat = await open_chat(script=OWN + NOTICED)
    await chat.talk()
    return chat


@pytest.fixture
async def pushing(open_chat: OpenChat) -> Chat:
    """The microphone is open, for push-to-talk, and has heard more than is kept."""
    chat = await open_chat(
        script=f"{OWN} localStorage.getItem('voicechat.settings') ?? localStorage.setItem('voicechat.settings', '{PUSH}');"
    )
    await chat.talk()
    await chat.until("voicechat.voice.stats().frames > 30")
    return chat


def follow_each_other(frames: list[VoiceFrame]) -> bool:
    return all(
        after.sequence == before.sequence + 1 and after.position == before.position + 320
        for before, after in pairwise(frames)
    )


@pytest.fixture
def chromium_flags(tmp_path: Path) -> tuple[str, ...]:
    return plays(a_tone(tmp_path / "tone.wav", 1000, 0.3, 6))


async def test_a_tone_arrives_at_16_khz_in_frames_of_20_ms(open_chat: OpenChat) -> None:
    chat = await open_chat(script=RAW)
    await chat.talk()
    frames = (await chat.peer.hear(100))[10:]
    assert {frame.header for frame in frames} == {(2, 0, 0)}
    assert {len(frame.samples) for frame in frames} == {320}
    assert chat.peer.voice[0].position == 0
    assert follow_each_other(chat.peer.voice)
    assert (frames[-1].at - frames[0].at) / (len(frames) - 1) == pytest.approx(0.02, rel=0.1)
    heard = np.concatenate([frame.samples for frame in frames]) / 32_767
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    hertz = float(np.argmax(spectrum)) * 16_000 / len(heard)
    assert hertz == pytest.approx(1000, abs=3)
    assert float(np.sqrt(np.mean(heard**2))) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


async def test_the_server_knows_when_it_opens_is_muted_and_closes(talking: Chat) -> None:
    await talking.peer.hear(5)
    await talking.page.locator(".transcript").focus()
    await talking.page.keyboard.press("m")
    assert await talking.peer.receive("microphone") == {
        "type": "microphone", "on": False, "mode": "open",
    }  # fmt: skip
    mute = talking.page.get_by_role("button", name="Mute the microphone")
    await expect(mute).to_have_attribute("aria-pressed", "true")
    await expect(talking.page.locator(".talk-state")).to_have_text("Muted")
    before = await talking.page.evaluate("voicechat.voice.stats()")
    await talking.until(f"voicechat.voice.stats().frames > {before['frames'] + 10}")
    assert await talking.page.evaluate("voicechat.voice.stats().sent") == before["sent"]
    await mute.click()
    assert (await talking.peer.receive("microphone"))["on"] is True
    await talking.peer.hear(5)
    await talking.page.get_by_role("button", name="Close the microphone").last.click()
    assert (await talking.peer.receive("microphone"))["on"] is False
    await talking.until("microphone.tracks[0].readyState === 'ended'")


async def test_m_in_a_text_is_a_letter(talking: Chat) -> None:
    message = talking.page.get_by_label("Message")
    await message.focus()
    await talking.page.keyboard.type("mm ")
    await expect(message).to_have_value("mm ")
    await expect(talking.page.locator(".talk-state")).to_have_text("Listening")


async def held(chat: Chat, frames: int = 30) -> list[VoiceFrame]:
    """What comes from the press to the end of speech; the button or key is let go by ``release``."""
    await chat.peer.receive("speech_start")
    return await chat.peer.hear(frames)


async def test_the_button_sends_what_is_said_while_it_is_held_and_just_before(
    pushing: Chat,
) -> None:
    assert pushing.peer.voice == []
    button = pushing.page.get_by_role("button", name="Hold to talk")
    await button.hover()
    await pushing.page.mouse.down()
    await held(pushing)
    await expect(button).to_have_attribute("aria-pressed", "true")
    await expect(pushing.page.locator(".talk-state")).to_have_text("Speak now")
    # Nothing else is sent yet: what came first was kept from before the press.
    first = pushing.peer.voice[:PRE_ROLL]
    assert first[-1].at - first[0].at < 0.1
    released = await pushing.page.evaluate("voicechat.voice.stats().sent")
    await pushing.page.mouse.up()
    await pushing.peer.receive("speech_stop")
    assert pushing.peer.order == ["hello", "microphone", "speech_start", "voice", "speech_stop"]
    assert follow_each_other(pushing.peer.voice)
    assert len(pushing.peer.voice) - released >= AFTER
    stopped = len(pushing.peer.voice)
    seen = (await pushing.page.evaluate("voicechat.voice.stats()"))["frames"]
    await pushing.until(f"voicechat.voice.stats().frames > {seen + 10}")
    assert len(pushing.peer.voice) == stopped


async def test_the_space_bar_talks_where_it_does_not_type(pushing: Chat) -> None:
    message = pushing.page.get_by_label("Message")
    await message.focus()
    await pushing.page.keyboard.type("a b")
    await expect(message).to_have_value("a b")
    assert pushing.peer.voice == []
    await pushing.page.locator(".transcript").focus()
    await pushing.page.keyboard.down(" ")
    await held(pushing)
    await pushing.page.keyboard.up(" ")
    await pushing.peer.receive("speech_stop")
    # On the button itself, too, where it does not click.
    await pushing.page.get_by_role("button", name="Hold to talk").focus()
    await pushing.page.keyboard.down(" ")
    await held(pushing)
    await pushing.page.keyboard.up(" ")
    await pushing.peer.receive("speech_stop")
    assert pushing.peer.order.count("speech_start") == 2


async def test_pressed_again_at_once_it_is_one_utterance(pushing: Chat) -> None:
    await pushing.page.locator(".transcript").focus()
    await pushing.page.evaluate(
        """() => {
          const key = (type) => document.body.dispatchEvent(new KeyboardEvent(type, { key: " ", bubbles: true }));
          key("keydown"); key("keyup"); key("keydown");
        }"""
    )
    await held(pushing)
    await pushing.page.evaluate("window.dispatchEvent(new Event('blur'))")
    await pushing.peer.receive("speech_stop")
    assert pushing.peer.order == ["hello", "microphone", "speech_start", "voice", "speech_stop"]
    assert follow_each_other(pushing.peer.voice)


async def test_who_cannot_hold_presses_twice(pushing: Chat) -> None:
    button = pushing.page.get_by_role("button", name="Hold to talk")
    await button.evaluate("(button) => button.click()")
    await held(pushing)
    await button.evaluate("(button) => button.click()")
    await pushing.peer.receive("speech_stop")


async def test_the_mode_can_be_switched_at_any_time_and_is_remembered(talking: Chat) -> None:
    await talking.peer.hear(3)
    toggle = talking.page.get_by_role("button", name="Push to talk")
    await toggle.click()
    told = await talking.peer.receive("microphone")
    assert (told["on"], told["mode"]) == (True, "push_to_talk")
    await expect(talking.page.get_by_role("button", name="Hold to talk")).to_be_focused()
    await expect(talking.page.get_by_role("button", name="Mute the microphone")).to_be_hidden()
    await talking.page.reload()
    talking.peer = await talking.server.connection()
    await talking.peer.ready()
    await talking.page.get_by_role("button", name="Open the microphone").click()
    assert (await talking.peer.receive("microphone"))["mode"] == "push_to_talk"


async def test_a_new_connection_is_told_how_the_microphone_stands(talking: Chat) -> None:
    await talking.peer.hear(3)
    await lose(talking)
    await expect(talking.page.locator(".talk-state")).to_have_text("Waiting for the connection")
    await come_back(talking)
    assert (await talking.peer.receive("microphone"))["on"] is True
    await talking.peer.hear(5)
    assert follow_each_other(talking.peer.voice)


async def test_over_a_slow_connection_speech_is_dropped_and_the_person_told(
    open_chat: OpenChat,
) -> None:
    # A backlog of the test's own: loopback has none.
    backlog = "window.backlog = 0; Object.defineProperty(WebSocket.prototype, 'bufferedAmount', { get: () => window.backlog });"
    chat = await open_chat(script=OWN + NOTICED + backlog)
    await chat.talk()
    await chat.peer.hear(3)
    await chat.page.evaluate("window.backlog = 40_000")
    await chat.until("voicechat.voice.stats().dropped > 5")
    await expect(chat.page.locator(".talk-state")).to_have_text("The connection is slow")
    await chat.page.evaluate("window.backlog = 30_000")
    await chat.peer.hear(5)


async def test_words_appear_while_they_are_said_and_become_a_message(talking: Chat) -> None:
    peer, page = talking.peer, talking.page
    await peer.send("state", person="hearing", bot="silent")
    await expect(page.locator(".talk-state")).to_have_text("Hearing you")
    await peer.transcript("u1", "Find me")
    mine = page.locator(".turn[data-role=user]")
    await expect(mine.locator(".turn-text")).to_have_text("Find me")
    await expect(mine).to_have_attribute("aria-busy", "true")
    await peer.transcript("u1", "Find me a flat")
    await expect(page.locator(".announcer")).not_to_contain_text("Find me")
    await peer.transcript("u1", "Find me a flat.", final=True)
    await peer.transcript("u1", "Find me a", final=False)
    await peer.send("ack", id="u1", turn=TURN, reply=REPLY, rev=2)
    await peer.end_reply(REPLY, "Here is one.")
    await expect(mine.locator(".turn-text")).to_have_text("Find me a flat.")
    await expect(mine).to_have_attribute("data-delivery", "sent")
    await expect(page.locator(".turn")).to_have_count(2)
    said = await page.locator(".announcer p").all_inner_texts()
    assert [line for line in said if "Find me" in line] == ["You said: Find me a flat."]


async def test_noise_leaves_no_trace_and_unclear_speech_a_quiet_word(talking: Chat) -> None:
    peer, page = talking.peer, talking.page
    await expect(page.locator(".welcome")).to_be_visible()
    await peer.send("state", person="hearing", bot="silent")
    await peer.transcript("u1", "hm")
    await expect(page.locator(".welcome")).to_be_hidden()
    await peer.transcript("u1", "", final=True)
    await peer.send("state", person="silent", bot="silent")
    await expect(talking.turns).to_have_count(0)
    await expect(page.locator(".welcome")).to_be_visible()
    await expect(page.locator(".talk-state")).to_have_text("Listening")
    await peer.send("state", person="hearing", bot="silent")
    await expect(page.locator(".talk-state")).to_have_text("Hearing you")
    await page.wait_for_timeout(1_100)
    await peer.transcript("u2", "", final=True)
    await peer.send("state", person="silent", bot="silent")
    await expect(page.locator(".talk-state")).to_have_text("I did not catch that")


async def test_speech_that_failed_can_be_sent_as_it_was_understood(talking: Chat) -> None:
    await talking.peer.transcript("u1", "Find me a")
    await talking.peer.send(
        "error", code="stt_failed", message="Your speech was not understood.", retry=None, id="u1"
    )
    await expect(talking.page.locator(".turn-note")).to_have_text("Your speech was not understood.")
    await talking.page.get_by_role("button", name="Ask again").click()
    assert (await talking.peer.receive("text"))["text"] == "Find me a"


async def test_a_connection_lost_in_the_middle_of_speech_keeps_what_was_understood(
    talking: Chat,
) -> None:
    await talking.peer.transcript("u1", "Find me a")
    await expect(talking.turns).to_have_count(1)
    await lose(talking)
    await expect(talking.page.locator(".turn-note")).to_have_text(
        "The connection was lost while you spoke."
    )


async def test_speech_that_was_complete_but_not_stored_is_sent_as_text_with_its_id(
    talking: Chat,
) -> None:
    await talking.peer.transcript("u1", "Find me a flat.", final=True)
    await expect(talking.turns).to_have_count(1)
    await lose(talking)
    await come_back(talking)
    again = await talking.peer.receive("text")
    assert (again["id"], again["text"]) == ("u1", "Find me a flat.")
    await expect(talking.turns).to_have_count(1)


async def test_speech_that_was_stored_before_the_loss_is_not_sent_again(talking: Chat) -> None:
    await talking.peer.transcript(TURN, "Find me a flat.", final=True)
    await expect(talking.turns).to_have_count(1)
    await lose(talking)
    turn = a_turn(id=TURN, text="Find me a flat.", seq=1, rev=1)
    await come_back(talking, turns=[turn], rev=2)
    await expect(talking.page.locator(".turn")).to_have_count(1)
    await talking.write("And now?")
    assert (await talking.peer.receive("text"))["text"] == "And now?"


async def hold(chat: Chat) -> None:
    """The bot falls silent: the person seems to speak."""
    await chat.peer.send("clear", generation=1)
    await chat.peer.send("state", person="hearing", bot="held")
    await chat.until("!voicechat.speaker.stats().playing")
    await expect(chat.page.locator(".bot-state")).to_have_text("Listening to you")


async def test_after_a_false_alarm_the_reply_goes_on_from_what_was_heard(chat: Chat) -> None:
    """By counted samples: the first second, then, after the bot was held, all from 0.8 s on."""
    reply = await speaking(chat, ms=3000)
    await chat.until("voicechat.speaker.stats().played > 24000")
    await hold(chat)
    before = await chat.speaker()
    assert before["played"] < 72_000
    while not chat.peer.incoming.empty():
        chat.peer.incoming.get_nowait()
    await chat.peer.send_audio(tone(100), position=60_000, generation=0)
    rest = tone(2200, start=19_200)
    await chat.peer.send("state", person="silent", bot="speaking")
    for at in range(0, len(rest), 4_800):
        await chat.peer.send_audio(
            rest[at : at + 4_800], position=19_200 + at // 2, generation=2,
            flags=2 if at + 4_800 >= len(rest) else 0,
        )  # fmt: skip
    await chat.until("voicechat.speaker.stats().playing")
    marked = "CSS.highlights.get('spoken-sentence')?.values().next().value.toString()"
    await chat.until(f"{marked} === {SENTENCE.strip()!r}")
    await chat.until(f"voicechat.speaker.stats().played === {before['played'] + 52_800}")
    after = await chat.speaker()
    assert after["droppedFrames"] == before["droppedFrames"] + 1
    assert after["underruns"] == 0
    reports = [await chat.peer.receive("played")]
    while not reports[-1]["done"]:
        reports.append(await chat.peer.receive("played"))
    assert {report["reply"] for report in reports} == {reply}
    assert min(report["ms"] for report in reports) >= 800
    assert reports[-1]["ms"] == 3000


@pytest.mark.parametrize("code", [4401, 4403])
async def test_when_the_connection_has_ended_for_good_nothing_is_heard_any_more(
    talking: Chat, code: int
) -> None:
    await talking.peer.hear(3)
    await talking.peer.close(code)
    await talking.until("microphone.tracks[0].readyState === 'ended'")
    await expect(talking.page.locator(".talk-bar")).to_be_hidden()
    await expect(talking.page.get_by_role("button", name="Open the microphone")).to_be_disabled()


async def test_what_failed_stays_where_it_was_said(talking: Chat) -> None:
    """After it comes what was said after it, answered, and numbered as the server numbers."""
    shown = talking.page.locator(".turn-text")
    first = await talking.ask("First")
    await talking.peer.end_reply(first, "First answer.")
    await talking.peer.transcript("u1", "Find me a")
    await expect(talking.turns).to_have_count(3)
    await talking.peer.send("error", code="stt_failed", message="Unclear.", retry=None, id="u1")
    await talking.write("Refused")
    refused = await talking.peer.receive("text")
    await talking.peer.send("error", code="x", message="No.", retry=None, id=refused["id"])
    await expect(talking.turns.nth(3).locator(".turn-note")).to_have_text("No.")
    second = await talking.ask("Second")
    await talking.peer.end_reply(second, "Second answer.")
    order = ["First", "First answer.", "Find me a", "Refused", "Second", "Second answer."]
    await expect(shown).to_have_text(order)
    for seq, (reply, text) in enumerate(((first, "First answer."), (second, "Second answer."))):
        turn = a_turn(
            id=reply, seq=2 * seq + 1, rev=9 + seq, role="assistant", kind="generic", text=text
        )
        await talking.peer.send("turn", turn=turn, rev=9 + seq)
    third = await talking.ask("Third")
    await talking.peer.end_reply(third, "Third answer.")
    await expect(shown).to_have_text([*order, "Third", "Third answer."])
    await talking.turns.nth(2).get_by_role("button", name="Ask again").click()
    await talking.peer.receive("text")
    await expect(shown).to_have_text(
        [*order[:2], *order[3:], "Third", "Third answer.", "Find me a"]
    )


async def test_opened_in_one_tab_it_is_closed_in_the_others_which_can_take_it_back(
    talking: Chat,
) -> None:
    page = await talking.page.context.new_page()
    await page.goto(talking.server.url)
    other = Chat(talking.server, page, await talking.server.connection())
    await other.peer.ready()
    await other.talk()
    assert (await talking.peer.receive("microphone"))["on"] is False
    await talking.until("microphone.tracks[0].readyState === 'ended'")
    await expect(talking.prompt).to_contain_text("open in another tab")
    await talking.prompt.get_by_role("button", name="Use it here").click()
    assert (await talking.peer.receive("microphone"))["on"] is True
    assert (await other.peer.receive("microphone"))["on"] is False
    await expect(other.prompt).to_contain_text("open in another tab")
    await expect(talking.prompt).to_be_hidden()


async def test_alt_m_mutes_while_one_types_and_the_hints_are_true_there(talking: Chat) -> None:
    message = talking.page.get_by_label("Message")
    note = talking.page.locator(".talk-note")
    mute = talking.page.get_by_role("button", name="Mute the microphone")
    await message.focus()
    await expect(note).to_contain_text("Alt+M mutes")
    await talking.page.keyboard.press("Alt+m")
    await expect(mute).to_have_attribute("aria-pressed", "true")
    await expect(message).to_have_value("")
    await expect(note).to_contain_text("Alt+M goes on")
    await talking.page.keyboard.press("Alt+m")
    await expect(mute).to_have_attribute("aria-pressed", "false")
    # The space bar talks only where it does not type.
    await talking.page.get_by_role("button", name="Push to talk").click()
    await expect(note).to_contain_text("the space bar")
    await message.focus()
    await expect(note).not_to_contain_text("the space bar")


@pytest.mark.parametrize("control", ["Device", "Reduce noise"])
async def test_another_device_or_filter_does_not_cut_what_is_being_said(
    talking: Chat, control: str
) -> None:
    await talking.peer.hear(5)
    await talking.page.get_by_role("button", name="Microphone settings").click()
    if control == "Device":
        # The choice of a device that is there; the list of this browser has only its default.
        await talking.page.get_by_label("Device").dispatch_event("change")
    else:
        await talking.page.get_by_role("switch", name=control).click()
    await talking.until("microphone.tracks[0].readyState === 'ended'")
    assert await talking.page.evaluate("microphone.tracks[1].readyState") == "live"
    await talking.peer.hear(20)
    assert talking.peer.order == ["hello", "microphone", "voice"]
    assert follow_each_other(talking.peer.voice)
    assert np.abs(talking.peer.voice[-1].samples).max() > 3_000


async def test_a_second_one_that_cannot_be_opened_beside_the_first_is_opened_after_it(
    talking: Chat,
) -> None:
    await talking.peer.hear(3)
    await talking.page.evaluate(
        """() => {
          const ask = navigator.mediaDevices.getUserMedia;
          navigator.mediaDevices.getUserMedia = async (wishes) => {
            if (microphone.tracks.at(-1).readyState === "live") throw new DOMException("", "NotReadableError");
            return ask(wishes);
          };
        }"""
    )
    await talking.page.get_by_role("button", name="Microphone settings").click()
    await talking.page.get_by_role("switch", name="Reduce noise").click()
    assert (await talking.peer.receive("microphone"))["on"] is False
    assert (await talking.peer.receive("microphone"))["on"] is True
    await talking.peer.hear(3)


async def test_the_level_shows_a_voice_as_quiet_as_voices_are(talking: Chat) -> None:
    level = "Number(document.querySelector('.dock').style.getPropertyValue('--voice'))"
    for loud, low, high in ((0.03, 0.3, 0.6), (0.0005, -0.01, 0.02)):
        await talking.page.evaluate(f"microphone.level = {loud}")
        await talking.until(f"{level} > {low} && {level} < {high}")


async def test_an_answer_that_waits_for_silence_is_there_to_read(talking: Chat) -> None:
    peer, page = talking.peer, talking.page
    reply = await talking.ask("A question", voice="espeak:en-us")
    await peer.send("delta", reply=reply, offset=0, text="The answer.")
    await peer.send("state", person="hearing", bot="thinking")
    await expect(page.locator(".bot-state")).to_have_text("Thinking…")
    await peer.send("text_end", reply=reply, text="The answer.")
    await expect(page.locator(".bot-state")).to_have_text("Listening to you")
    answer = talking.turns.nth(1)
    await expect(answer).to_have_attribute("aria-busy", "false")
    await peer.end_reply(reply, "The answer.", status="interrupted")
    await expect(answer.locator(".turn-note")).to_have_text("Not read aloud")
    await expect(answer.locator(".turn-text")).to_have_text("The answer.")
    await expect(page.locator("s")).to_have_count(0)


async def test_while_it_is_held_the_mark_stays_where_the_voice_paused(chat: Chat) -> None:
    reply = await speaking(chat, ms=3000)
    await chat.until("voicechat.speaker.stats().played > 12000")
    await hold(chat)
    # The last picture is drawn after the last report.
    await chat.page.evaluate("new Promise((go) => requestAnimationFrame(() => setTimeout(go, 50)))")
    assert await chat.page.evaluate("CSS.highlights.has('spoken-sentence')")
    await chat.peer.end_reply(reply, SENTENCE, status="interrupted", heard="This is", heard_ms=500)
    await chat.until("!CSS.highlights.has('spoken-sentence')")

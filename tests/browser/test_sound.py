"""The bot's voice really sounds, is followed in the text, and falls silent at once."""

from typing import Any

from playwright.async_api import Request, expect

from .conftest import Chat, OpenChat
from .scripted_server import FIRST, LAST, a_turn, tone

SENTENCE = "This is the first sentence of it. "


async def speaking(chat: Chat, ms: float = 3000, generation: int = 0) -> str:
    """A reply that is being spoken; returns its id."""
    reply = await chat.ask("Speak", voice="espeak:en-us", generation=generation)
    await chat.peer.send("state", person="silent", bot="speaking")
    await chat.peer.send("delta", reply=reply, offset=0, text=SENTENCE)
    await chat.peer.speak(reply, SENTENCE, ms, generation=generation)
    await chat.until("voicechat.speaker.stats().playing")
    return reply


async def test_every_sample_that_the_server_sent_is_played(chat: Chat) -> None:
    reply = await chat.ask("Speak", voice="espeak:en-us")
    sent = await chat.peer.speak(reply, "One. ", 600)
    sent += await chat.peer.speak(reply, "Two.", 400, index=1, start=5, offset_ms=600)
    await chat.until("voicechat.speaker.stats().level > 0.05")
    await chat.until("!voicechat.speaker.stats().playing && voicechat.speaker.stats().played > 0")
    stats = await chat.speaker()
    assert stats["receivedBytes"] == sent
    assert stats["played"] == stats["received"] == sent // 2
    assert stats["underruns"] == 0
    assert stats["state"] == "running"


async def test_samples_cut_in_the_middle_are_put_together(chat: Chat) -> None:
    reply = await chat.ask("Speak", voice="espeak:en-us")
    sound = tone(500)
    await chat.peer.send("sentence", reply=reply, index=0, text="One.", start=0, offset_ms=0)
    for at in range(0, len(sound), 4801):
        flags = FIRST if at == 0 else 0
        await chat.peer.send_audio(sound[at : at + 4801], position=at // 2, flags=flags)
    await chat.peer.send_audio(b"", position=len(sound) // 2, flags=LAST)
    await chat.until(f"voicechat.speaker.stats().played === {len(sound) // 2}")


async def test_the_server_is_told_how_much_was_played_and_when_it_was_all(chat: Chat) -> None:
    reply = await speaking(chat, ms=700)
    reports: list[dict[str, Any]] = []
    while not reports or not reports[-1]["done"]:
        reports.append(await chat.peer.receive("played"))
    assert {report["reply"] for report in reports} == {reply}
    played = [report["ms"] for report in reports]
    assert played == sorted(played)
    assert len(played) >= 6
    assert played[-1] == 700


async def test_the_sentence_being_spoken_is_marked_and_the_mark_goes(chat: Chat) -> None:
    reply = await speaking(chat, ms=1000)
    marked = "CSS.highlights.get('spoken-sentence')?.values().next().value.toString()"
    word = "CSS.highlights.get('spoken-word')?.values().next().value.toString()"
    await chat.until(f"{marked} === {SENTENCE.strip()!r}")
    first = await chat.page.evaluate(word)
    await chat.until(f"{word} !== {first!r}")
    await chat.until("!CSS.highlights.has('spoken-sentence')")
    await chat.peer.end_reply(reply, SENTENCE, heard=SENTENCE, heard_ms=1000)
    await expect(chat.page.locator("s")).to_have_count(0)


async def test_escape_silences_before_the_server_has_answered(chat: Chat) -> None:
    await speaking(chat)
    await chat.until("voicechat.speaker.stats().level > 0.05")
    await chat.page.keyboard.press("Escape")
    await chat.peer.receive("interrupt")
    assert chat.peer.played[-1]["ms"] < 3000
    await chat.until("voicechat.speaker.stats().level === 0")
    # What was under way when the person pressed is not played either.
    await chat.peer.send_audio(tone(500), position=72_000, flags=FIRST | LAST)
    await chat.until("voicechat.speaker.stats().droppedFrames === 1")
    assert not (await chat.speaker())["playing"]


async def test_sending_a_text_silences_the_bot(chat: Chat) -> None:
    await speaking(chat)
    await chat.write("Something else")
    await chat.peer.receive("text")
    await chat.until("!voicechat.speaker.stats().playing")


async def test_clear_drops_what_waits_and_older_frames_that_come_later(chat: Chat) -> None:
    reply = await speaking(chat)
    await chat.peer.send("clear", generation=1)
    await chat.until(
        "!voicechat.speaker.stats().playing && voicechat.speaker.stats().flushed > 24000"
    )
    await chat.peer.send_audio(tone(300), position=0, generation=0, flags=FIRST | LAST)
    await chat.until("voicechat.speaker.stats().droppedFrames === 1")
    await chat.peer.end_reply(reply, SENTENCE, status="interrupted", heard="This is", heard_ms=300)
    before = (await chat.speaker())["played"]
    await speaking(chat, ms=300, generation=1)
    await chat.until(f"voicechat.speaker.stats().played === {before + 7200}")


async def test_generations_may_begin_anew(chat: Chat) -> None:
    reply = await speaking(chat, ms=300)
    await chat.peer.send("clear", generation=65_535)
    await chat.peer.end_reply(reply, SENTENCE, status="interrupted", heard="", heard_ms=0)
    await chat.peer.send("clear", generation=0)
    await chat.peer.send_audio(tone(300), position=0, generation=65_535, flags=FIRST | LAST)
    await chat.until("voicechat.speaker.stats().droppedFrames === 1")


async def test_a_sentence_that_comes_too_late_in_parts_is_an_underrun(chat: Chat) -> None:
    reply = await chat.ask("Speak", voice="espeak:en-us")
    await chat.peer.send("sentence", reply=reply, index=0, text="One.", start=0, offset_ms=0)
    await chat.peer.send_audio(tone(150), position=0, flags=FIRST)
    await chat.until("voicechat.speaker.stats().underruns === 1")
    await chat.peer.send_audio(tone(150), position=3600, flags=LAST)
    await chat.until("voicechat.speaker.stats().played === 7200")


async def test_a_silenced_page_agrees_on_sound_and_asks_for_it_when_it_wants_some(
    open_chat: OpenChat,
) -> None:
    quiet = 'localStorage.setItem("voicechat.settings", \'{"speak": false}\')'
    chat = await open_chat(script=quiet)
    switch = chat.page.get_by_role("button", name="Read replies aloud")
    await expect(switch).to_have_attribute("aria-pressed", "false")
    assert await chat.peer.receive("configure") == {"type": "configure", "audio": False}
    await switch.click()
    assert (await chat.peer.receive("configure"))["audio"] is True


async def test_voice_and_speed_are_sent_and_remembered(chat: Chat) -> None:
    await chat.page.get_by_role("button", name="Voice settings").click()
    await chat.page.get_by_role("combobox", name="Voice").select_option("espeak:de")
    sent = await chat.peer.receive("configure")
    assert sent == {"type": "configure", "voice": "espeak:de", "speed": 1, "audio": True}
    await chat.page.get_by_label("Speed").fill("1.5")
    assert (await chat.peer.receive("configure"))["speed"] == 1.5
    await chat.page.reload()
    hello = await (await chat.server.connection()).ready()
    assert (hello["voice"], hello["speed"]) == ("espeak:de", 1.5)


async def test_without_a_worklet_replies_are_for_reading(open_chat: OpenChat) -> None:
    chat = await open_chat(script="delete window.AudioWorkletNode")
    await expect(chat.page.get_by_role("button", name="Read replies aloud")).to_be_disabled()
    reply = await chat.ask("Hi")
    await chat.peer.end_reply(reply, "Hello")
    await expect(chat.turns.nth(1).locator(".turn-text")).to_have_text("Hello")


# Chromium counts what Playwright evaluates as gestures, so its own policy cannot be tested with it.
WANTS_A_TAP = """
let tapped = false;
addEventListener("pointerdown", () => { tapped = true; }, { capture: true });
window.AudioContext = class extends AudioContext {
  constructor(options) { super(options); this.suspend(); }
  resume() { return tapped ? super.resume() : new Promise(() => {}); }
};
"""


async def test_a_browser_that_wants_a_gesture_is_told_with_one_prompt(open_chat: OpenChat) -> None:
    chat = await open_chat(script=WANTS_A_TAP)
    reply = "11111111-1111-4111-8111-111111111111"
    await chat.peer.start_reply(reply, kind="greeting", voice="espeak:en-us")
    await chat.peer.speak(reply, "Hello.", 400)
    hear = chat.page.get_by_role("button", name="Tap to hear")
    await hear.click()
    await chat.until("voicechat.speaker.stats().played === 9600")
    await expect(hear).to_be_hidden()


async def test_a_stored_turn_is_replayed_part_by_part_at_the_chosen_speed(
    open_chat: OpenChat,
) -> None:
    parts = [{"url": f"/audio/{n}.wav", "start_ms": 400 * n, "duration_ms": 400} for n in (0, 1)]
    spoken = [
        a_turn(
            seq=seq, rev=seq, role="assistant", kind="generic", text=f"Spoken {seq}", audio=parts
        )
        for seq in (1, 2)
    ]
    path = "/c/6f1f0c1e-5a0e-4a53-9d65-0d7c8f1f5f5a/"
    chat = await open_chat(path, ready={"turns": spoken, "rev": 2})
    for n in (0, 1):
        chat.server.files[f"/audio/{n}.wav"] = ("audio/wav", wav(tone(400)))
    fetched: list[str] = []

    def note(request: Request) -> None:
        fetched.append(request.url)

    chat.page.on("request", note)
    await chat.turns.nth(0).hover()
    await chat.turns.nth(0).get_by_role("button", name="Replay").click()
    player = chat.page.get_by_role("group", name="Replay")
    await player.get_by_label("Speed").select_option("2")
    await expect(player.get_by_role("button", name="Pause")).to_be_visible()
    await expect(player.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert f"{chat.server.url}/audio/1.wav" in fetched
    await chat.turns.nth(1).hover()
    await chat.turns.nth(1).get_by_role("button", name="Replay").click()
    await expect(player).to_have_count(1)
    await expect(chat.turns.nth(1).locator(".player")).to_have_count(1)
    settings = await chat.page.evaluate("localStorage.getItem('voicechat.settings')")
    assert '"replaySpeed":2' in settings


async def test_escape_stops_a_replay_and_a_new_question_closes_it(open_chat: OpenChat) -> None:
    part = {"url": "/audio/0.wav", "start_ms": 0, "duration_ms": 9000}
    spoken = a_turn(role="assistant", kind="generic", text="Spoken", audio=[part])
    path = "/c/6f1f0c1e-5a0e-4a53-9d65-0d7c8f1f5f5a/"
    chat = await open_chat(path, ready={"turns": [spoken], "rev": 1})
    chat.server.files["/audio/0.wav"] = ("audio/wav", wav(tone(9000)))
    await chat.turns.nth(0).get_by_role("button", name="Replay").click()
    player = chat.page.get_by_role("group", name="Replay")
    await expect(player.get_by_role("button", name="Pause")).to_be_visible()
    await chat.page.keyboard.press("Escape")
    await expect(player.get_by_role("button", name="Play", exact=True)).to_be_visible()
    await chat.write("Something else")
    await expect(player).to_have_count(0)


async def test_sound_goes_on_while_the_page_is_hidden(chat: Chat) -> None:
    await speaking(chat, ms=900)
    await chat.page.evaluate(
        "Object.defineProperty(document, 'visibilityState', { value: 'hidden' });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    await chat.until("voicechat.speaker.stats().played === 21600")


def wav(samples: bytes) -> bytes:
    size = len(samples)
    header = b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    header += b"\x01\x00\x01\x00" + (24_000).to_bytes(4, "little") + (48_000).to_bytes(4, "little")
    return header + b"\x02\x00\x10\x00data" + size.to_bytes(4, "little") + samples

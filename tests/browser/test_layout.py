"""What is shown has its room, on a desk and on a telephone, upright and lying."""

from __future__ import annotations

import pytest
from playwright.async_api import FloatRect, Locator, expect

from .conftest import OpenChat
from .microphones import NOTICED, OWN
from .scripted_server import a_turn, tone
from .test_sound import wav

EARLIER = "/c/6f1f0c1e-5a0e-4a53-9d65-0d7c8f1f5f5a/"
PHONE = {"width": 390, "height": 844}
SMALL = {"width": 320, "height": 640}
LYING = {"width": 740, "height": 360}
DESK = {"width": 1280, "height": 800}


async def box(one: Locator) -> FloatRect:
    found = await one.bounding_box()
    assert found is not None
    return found


def overlap(one: FloatRect, other: FloatRect) -> bool:
    return (
        one["x"] < other["x"] + other["width"]
        and other["x"] < one["x"] + one["width"]
        and one["y"] < other["y"] + other["height"]
        and other["y"] < one["y"] + one["height"]
    )


@pytest.mark.parametrize("viewport", [DESK, PHONE, SMALL])
async def test_a_replay_of_ones_own_words_has_room_to_seek_within_the_column(
    open_chat: OpenChat, viewport: dict[str, int]
) -> None:
    part = {"url": "/audio/0.wav", "start_ms": 0, "duration_ms": 9000}
    ready = {"turns": [a_turn(text="Words. " * 9, audio=[part])], "rev": 1}
    chat = await open_chat(EARLIER, viewport=viewport, ready=ready)
    chat.server.files["/audio/0.wav"] = ("audio/wav", wav(tone(9000)))
    await chat.turns.first.get_by_role("button", name="Replay").click()
    player, turn = await box(chat.page.locator(".player")), await box(chat.turns.first)
    assert player["x"] >= turn["x"] - 1
    assert player["x"] + player["width"] <= turn["x"] + turn["width"] + 1
    assert (await box(chat.page.get_by_label("Position")))["width"] >= 36
    words = await box(chat.turns.first.locator(".turn-body"))
    assert not overlap(player, words)


@pytest.mark.parametrize("viewport", [PHONE, SMALL])
async def test_the_cross_of_a_prompt_is_at_the_end_of_its_first_line(
    open_chat: OpenChat, viewport: dict[str, int]
) -> None:
    chat = await open_chat(
        script=f"{OWN} {NOTICED} microphone.refuse = 'NotReadableError';", viewport=viewport
    )
    await chat.page.get_by_role("button", name="Open the microphone").click()
    cross = await box(chat.prompt.get_by_role("button", name="Close"))
    text = await box(chat.prompt.locator(".microphone-prompt-text"))
    again = await box(chat.prompt.get_by_role("button", name="Try again"))
    assert cross["x"] >= text["x"] + text["width"]
    assert abs(cross["y"] - text["y"]) < 8
    assert again["y"] >= text["y"] + text["height"]


async def test_in_the_bar_of_a_small_phone_nothing_overlaps(open_chat: OpenChat) -> None:
    chat = await open_chat(script=OWN + NOTICED, viewport=SMALL)
    await chat.talk()
    state = chat.page.locator(".talk-state")
    end = await state.evaluate(
        "(one) => { const range = new Range(); range.selectNodeContents(one);"
        " return range.getBoundingClientRect().right; }"
    )
    assert end <= (await box(chat.page.locator(".talk-tools")))["x"]
    await expect(chat.page.locator(".talk-note")).to_be_hidden()


async def test_on_a_phone_that_lies_the_bar_and_the_composer_share_a_line(
    open_chat: OpenChat,
) -> None:
    chat = await open_chat(script=OWN + NOTICED, viewport=LYING)
    await chat.talk()
    bar, composer = (
        await box(chat.page.locator(".talk-bar")),
        await box(chat.page.locator(".composer")),
    )
    assert bar["x"] + bar["width"] <= composer["x"]
    assert abs(bar["y"] + bar["height"] - composer["y"] - composer["height"]) < 8
    assert composer["width"] > 240
    assert (await box(chat.page.locator(".dock")))["height"] < 80


async def test_while_the_browser_asks_there_is_nothing_to_set(open_chat: OpenChat) -> None:
    never = """
    microphone.wait = new Promise(() => {});
    navigator.permissions.query = async () => ({ state: "prompt" });
    """
    chat = await open_chat(script=OWN + NOTICED + never)
    await chat.page.get_by_role("button", name="Open the microphone").click()
    bar = chat.page.locator(".talk-bar")
    await expect(bar).to_contain_text("Allow the microphone")
    await expect(bar.get_by_role("button")).to_have_count(1)
    await expect(bar.get_by_role("button", name="Close the microphone")).to_be_visible()


async def test_a_notice_covers_nothing_of_the_conversation(open_chat: OpenChat) -> None:
    history = [a_turn(seq=n, rev=n, text=f"Line {n}\n" * 4) for n in range(1, 9)]
    chat = await open_chat(EARLIER, ready={"turns": history, "rev": 8})
    await chat.write("Too much")
    said = await chat.peer.receive("text")
    await chat.peer.send("error", code="x", message="It is too long.", retry=None, id=said["id"])
    await chat.peer.send("error", code="y", message="Something else.", retry=None, id=None)
    toast = chat.page.locator(".toast")
    await expect(toast).to_be_visible()
    at_end = "(v => v.scrollHeight - v.scrollTop - v.clientHeight < 2)(document.querySelector('.transcript'))"
    await chat.until(at_end)
    assert not overlap(await box(toast), await box(chat.turns.last))
    await expect(chat.page.get_by_role("button", name="New messages")).to_be_hidden()


async def test_the_microphone_is_struck_through_only_when_it_is_muted(open_chat: OpenChat) -> None:
    chat = await open_chat(script=OWN + NOTICED)
    await chat.talk()
    mute = chat.page.get_by_role("button", name="Mute the microphone")
    shown = mute.locator("svg:visible use")
    await expect(shown).to_have_attribute("href", "#icon-microphone")
    await mute.click()
    await expect(shown).to_have_attribute("href", "#icon-microphone-off")

"""A reviewer reads along in Chromium while somebody talks in another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.test_chat_page import until
from tests.e2e.test_watching import shell
from tests.services import VoicechatServer, voicechat_server

from .test_labels import faults, page_of, sideways

MOODY = {"VOICECHAT_DIALOGUE": "tests.e2e.bots.Moody"}
HOSTILE = "<b>bold</b> <script>alert(1)</script>"


@pytest.fixture(scope="module")
def watched_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoicechatServer]:
    """Its bots do what they are told."""
    with voicechat_server(tmp_path_factory.mktemp("live"), MOODY) as server:
        yield server


@dataclass
class Both:
    """Somebody in the chat page, and who reads along."""

    person: Page
    reviewer: Page
    conversation: str

    async def say(self, text: str) -> None:
        await self.person.get_by_label("Message").fill(text)
        await self.person.keyboard.press("Enter")

    @property
    def state(self) -> Any:
        return self.reviewer.locator(".live-text")


LIGHT, DARK_PHONE = ("light", 1280), ("dark", 360)
# An answer takes as long as it is spoken.
SPOKEN_MS = 20_000


@pytest.fixture
async def both(
    browser: Browser, watched_server: VoicechatServer, request: pytest.FixtureRequest
) -> AsyncIterator[Both]:
    """They have said hello; at the end nothing may have complained in either console."""
    scheme, width = getattr(request, "param", LIGHT)
    complaints: list[str] = []
    contexts = [
        await browser.new_context(
            base_url=watched_server.url,
            color_scheme=scheme,
            viewport={"width": width, "height": 800},
            reduced_motion="reduce",
        )
        for _ in range(2)
    ]
    person, reviewer = [await context.new_page() for context in contexts]
    for page in (person, reviewer):
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
    await person.goto("/")
    await until(person, "'voicechat' in window")
    here = Both(person, reviewer, "")
    await here.say("Hello?")
    await person.wait_for_url(lambda url: "/c/" in url)
    here.conversation = person.url.rstrip("/").rpartition("/")[2]
    await reviewer.goto("/accounts/login/")
    await reviewer.locator("[name=login]").fill("admin")
    await reviewer.locator("[name=password]").fill(watched_server.password)
    await reviewer.keyboard.press("Enter")
    await reviewer.wait_for_url(lambda url: "/login/" not in url)
    await reviewer.goto(page_of(here.conversation))
    yield here
    for context in contexts:
        await context.close()
    assert complaints == []


@pytest.mark.parametrize("both", [LIGHT, DARK_PHONE], indirect=True)
async def test_what_is_said_appears_and_the_person_knows(both: Both) -> None:
    await expect(both.state).to_contain_text("you read along")
    await expect(both.person.locator(".watched")).to_contain_text("reading along")
    assert await faults(both.person) == []
    turns = both.reviewer.locator(".turn")
    before = await turns.count()
    await both.say(f"{HOSTILE} from the page")
    said = both.reviewer.locator(".turn-user").last
    await expect(said).to_contain_text(f"{HOSTILE} from the page")
    answer = both.reviewer.locator(".turn-assistant").last
    await expect(answer).to_contain_text(f"You said: {HOSTILE} from the page")
    await expect(answer).not_to_contain_text("streaming", timeout=SPOKEN_MS)
    await expect(turns).to_have_count(before + 2)
    # Those of one call stay together.
    await expect(both.reviewer.locator(".stretch")).to_have_count(1)
    await expect(both.reviewer.locator(".live-announcer")).to_contain_text("You said")
    assert await faults(both.reviewer) == []
    assert await sideways(both.reviewer) <= 0


async def test_an_answer_is_read_word_by_word(both: Both) -> None:
    await expect(both.state).to_contain_text("you read along")
    await both.say("slowly 40")
    answer = both.reviewer.locator(".turn-assistant").last
    await expect(answer).to_contain_text("number 3 is here")
    await expect(answer).not_to_contain_text("number 39")
    await expect(answer.locator(".mark-streaming")).to_be_visible()
    assert await faults(both.reviewer) == []
    await expect(answer).to_contain_text("number 39 is here. ")
    whole = " ".join(f"Sentence number {number} is here." for number in range(40))
    await expect(answer.locator(".turn-text")).to_have_text(whole)
    await both.person.keyboard.press("Escape")
    # What was not heard is struck through as soon as it is known.
    await expect(answer.locator("s")).to_contain_text("number 39 is here.")


async def test_it_is_stopped_and_begun_by_keyboard(both: Both) -> None:
    toggle = both.reviewer.get_by_role("button", name="Stop reading along")
    await toggle.press("Enter")
    await expect(both.state).to_have_text("You do not read along.")
    assert await faults(both.reviewer) == []
    await both.say("Is anybody there?")
    await expect(both.person.get_by_text("You said: Is anybody there?")).to_be_visible()
    await expect(both.reviewer.get_by_text("Is anybody there?")).to_have_count(0)
    await both.reviewer.get_by_role("button", name="Read along").press("Enter")
    await expect(both.reviewer.get_by_text("You said: Is anybody there?")).to_be_visible()


async def test_a_new_call_is_told_from_the_one_before(both: Both) -> None:
    await expect(both.state).to_contain_text("you read along")
    await both.person.reload()
    await expect(both.person.locator(".watched")).to_be_visible(timeout=10_000)
    await both.say("Back again")
    await expect(both.reviewer.get_by_text("You said: Back again")).to_be_visible()
    await expect(both.reviewer.locator("h2.call-mark")).to_contain_text(["Call 1", "Call 2"])
    await both.person.goto("about:blank")
    await expect(both.state).to_contain_text("Nobody is connected now", timeout=30_000)
    assert await faults(both.reviewer) == []


async def test_corrections_can_be_saved_for_what_came_while_looking(both: Both) -> None:
    await expect(both.state).to_contain_text("you read along")
    await both.say("Are their horses?")
    said = both.reviewer.locator(".turn-user").last
    await expect(said).to_contain_text("Are their horses?")
    await both.person.get_by_text("You said: Are their horses?").wait_for()
    await said.locator("summary").click()
    await said.get_by_label("What was really said").fill("Are there houses?")
    await said.get_by_role("button", name="Save correction").click()
    await expect(both.reviewer.locator(".corrected").last).to_contain_text("Are there houses?")


async def test_sounds_of_turns_come_as_they_are_kept(both: Both) -> None:
    await expect(both.state).to_contain_text("you read along")
    await both.say("Say something")
    sound = both.reviewer.locator(".turn-assistant").last.locator("audio")
    await expect(sound).to_have_count(1, timeout=SPOKEN_MS)
    # Whoever listens to what comes is told once, however often it changes.
    good = both.person.get_by_role("button", name="Good answer")
    await expect(good).to_have_count(2, timeout=SPOKEN_MS)
    await good.last.press("Enter")
    await expect(both.reviewer.locator(".turn-assistant").last).to_contain_text("rated good")
    said = both.reviewer.locator(".live-announcer p", has_text="You said: Say something")
    await expect(said).to_have_count(1)
    # The promise of play() is kept once it really sounds.
    assert await sound.evaluate("async (audio) => (await audio.play(), !audio.paused)")


async def test_what_a_reviewer_types_is_not_replaced(both: Both) -> None:
    await expect(both.state).to_contain_text("you read along")
    answer = both.reviewer.locator(".turn-assistant", has_text="You said: Hello?")
    await expect(answer).not_to_contain_text("streaming", timeout=SPOKEN_MS)
    await answer.locator("summary", has_text="Correct").click()
    field = answer.get_by_label("What was really said")
    await field.fill("Not what I said.")
    await both.reviewer.locator(".live-toggle").focus()
    await both.person.get_by_role("button", name="Good answer").last.click()
    await both.say("And now?")
    await expect(both.reviewer.get_by_text("You said: And now?")).to_be_visible()
    await expect(field).to_have_value("Not what I said.")


async def test_where_too_much_was_missed_the_page_says_so_and_shows_no_half_of_it(
    both: Both, watched_server: VoicechatServer
) -> None:
    await expect(both.state).to_contain_text("you read along")
    await both.reviewer.get_by_role("button", name="Stop reading along").click()
    much = (
        "from conversations.models import Conversation, Turn\n"
        f"one = Conversation.objects.get(pk='{both.conversation}')\n"
        "Turn.objects.bulk_create(Turn(conversation=one, seq=one.next_seq + n, rev=one.rev + 1,"
        " role='user', status='done', text=f'missed {n}') for n in range(201))\n"
        "Conversation.objects.filter(pk=one.pk).update(rev=one.rev + 1, next_seq=one.next_seq + 201)\n"
    )
    await asyncio.to_thread(shell, watched_server, much)
    await both.reviewer.get_by_role("button", name="Read along").click()
    await expect(both.state).to_contain_text("Load the page again")
    await both.say("Anybody there?")
    await expect(both.person.get_by_text("You said: Anybody there?")).to_be_visible()
    await asyncio.sleep(1)
    await expect(both.state).to_contain_text("Load the page again")
    await expect(both.reviewer.get_by_text("Anybody there?")).to_have_count(0)

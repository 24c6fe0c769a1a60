"""What is said appears, as text and nothing else."""

from playwright.async_api import expect

from .conftest import Chat, OpenChat
from .scripted_server import a_turn

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>&amp;'
CARD = {
    "title": "A flat <b>in</b> Alfama", "subtitle": "Lisbon", "price": "€ 1,450", "text": "Bright.",
    "image": "/img/flat.svg", "url": "https://example.com/flat", "facts": [["Rooms", "3"]],
}  # fmt: skip


async def test_text_streams_in_as_it_is_generated(chat: Chat) -> None:
    reply = await chat.ask("Hi")
    answer = chat.turns.nth(1).locator(".turn-text")
    await chat.peer.send("delta", reply=reply, offset=0, text="Good ")
    await expect(answer).to_have_text("Good ", use_inner_text=True)
    await chat.peer.send("delta", reply=reply, offset=5, text="morning 👋 ")
    await chat.peer.send("delta", reply=reply, offset=15, text="to you.")
    await expect(answer).to_have_text("Good morning 👋 to you.")
    await expect(chat.turns.nth(1)).to_have_attribute("aria-busy", "true")
    await chat.peer.end_reply(reply, "Good morning 👋 to you.")
    await expect(chat.turns.nth(1)).to_have_attribute("aria-busy", "false")


async def test_a_delta_that_comes_twice_is_shown_once(chat: Chat) -> None:
    reply = await chat.ask("Hi")
    await chat.peer.send("delta", reply=reply, offset=0, text="One two ")
    await chat.peer.send("delta", reply=reply, offset=4, text="two three")
    await expect(chat.turns.nth(1).locator(".turn-text")).to_have_text("One two three")


async def test_a_gap_is_filled_by_the_turn(chat: Chat) -> None:
    reply = await chat.ask("Hi")
    await chat.peer.send("delta", reply=reply, offset=0, text="One ")
    await chat.peer.send("delta", reply=reply, offset=8, text="three")
    await expect(chat.page.locator(".turn.has-gap")).to_have_count(1)
    turn = a_turn(id=reply, seq=2, rev=3, role="assistant", kind="generic", text="One two three")
    await chat.peer.send("turn", turn=turn, rev=3)
    await expect(chat.turns.nth(1).locator(".turn-text")).to_have_text("One two three")
    await expect(chat.page.locator(".turn.has-gap")).to_have_count(0)


async def test_a_late_delta_fills_a_gap_too(chat: Chat) -> None:
    reply = await chat.ask("Hi")
    await chat.peer.send("delta", reply=reply, offset=4, text="two")
    await chat.peer.send("delta", reply=reply, offset=0, text="One ")
    await expect(chat.turns.nth(1).locator(".turn-text")).to_have_text("One two")


async def test_hostile_text_is_shown_as_text(open_chat: OpenChat) -> None:
    history = [a_turn(text=HOSTILE), a_turn(text=HOSTILE, seq=2, role="assistant", kind="generic")]
    chat = await open_chat(
        "/c/6f1f0c1e-5a0e-4a53-9d65-0d7c8f1f5f5a/", ready={"turns": history, "rev": 2}
    )
    for index in (0, 1):
        await expect(chat.turns.nth(index).locator(".turn-text")).to_have_text(HOSTILE)
    reply = await chat.ask(HOSTILE)
    card = CARD | {"title": HOSTILE, "url": "javascript:window.hacked=1", "image": "javascript:1"}
    await chat.peer.send("cards", reply=reply, cards=[card])
    await chat.peer.send("delta", reply=reply, offset=0, text=HOSTILE + " javascript:alert(1)")
    await expect(chat.page.locator(".card-title")).to_have_text(HOSTILE)
    await chat.peer.end_reply(reply, HOSTILE + " javascript:alert(1)")
    await expect(chat.turns.nth(3)).to_have_attribute("aria-busy", "false")
    assert await chat.page.evaluate("window.hacked") is None
    assert await chat.page.locator(".turn a, .turn img").count() == 0


async def test_addresses_become_links_that_tell_the_other_site_nothing(chat: Chat) -> None:
    reply = await chat.ask("Where?")
    text = "See https://example.com/a(b). Or http://x.test/?q=1, not ftp://x.test."
    await chat.peer.end_reply(reply, text)
    links = chat.page.locator(".turn a")
    await expect(links).to_have_count(2)
    assert await links.nth(0).get_attribute("rel") == "noopener noreferrer"
    assert await links.nth(1).get_attribute("href") == "http://x.test/?q=1"
    await expect(chat.turns.nth(1).locator(".turn-text")).to_have_text(text)


async def test_what_was_not_heard_is_struck_through_and_labelled(chat: Chat) -> None:
    reply = await chat.ask("Tell me")
    text = "The first half. The second half."
    await chat.peer.end_reply(
        reply, text, status="interrupted", heard="The first half.", heard_ms=900
    )
    await expect(chat.page.locator("s.turn-unheard")).to_have_text(" The second half.")
    await expect(chat.page.locator(".turn-note:visible")).to_have_text(
        "Interrupted. You did not hear what is struck through."
    )


async def test_an_answer_of_which_nothing_was_heard_is_one_line_that_opens(chat: Chat) -> None:
    reply = await chat.ask("Tell me")
    await chat.peer.end_reply(
        reply, "Not a word of it.", status="interrupted", heard="", heard_ms=0
    )
    answer = chat.turns.nth(1)
    fold = answer.get_by_role("button", name="Not heard")
    await expect(fold).to_have_text("Not heard · show")
    await expect(fold).to_have_attribute("aria-expanded", "false")
    await expect(answer.locator(".turn-text")).to_be_hidden()
    await fold.press("Enter")
    await expect(fold).to_have_attribute("aria-expanded", "true")
    await expect(fold).to_be_focused()
    await expect(answer.locator(".turn-text")).to_have_text("Not a word of it.")
    await expect(chat.page.locator("s")).to_have_count(0)


async def test_an_answer_that_came_while_nobody_listened_is_there_to_read(
    open_chat: OpenChat,
) -> None:
    turn = a_turn(role="assistant", kind="generic", text="Not a word of it.", heard="", heard_ms=0)
    path = "/c/6f1f0c1e-5a0e-4a53-9d65-0d7c8f1f5f5a/"
    chat = await open_chat(path, ready={"turns": [turn], "rev": 1})
    await expect(chat.turns.locator(".turn-text")).to_be_visible()
    await expect(chat.turns.locator(".turn-note")).to_have_text("Not heard")
    await expect(chat.page.locator("s")).to_have_count(0)


async def test_the_greeting_is_never_struck_through(chat: Chat) -> None:
    reply = "11111111-1111-4111-8111-111111111111"
    text = "Hello, I am Aurora. What can I do?"
    await chat.peer.start_reply(reply, kind="greeting", voice="espeak:en-us")
    await chat.peer.send("delta", reply=reply, offset=0, text=text)
    await chat.peer.end_reply(reply, text, status="interrupted", heard="Hello,", heard_ms=300)
    await expect(chat.turns.first).to_have_attribute("data-status", "interrupted")
    await expect(chat.turns.first.locator(".turn-text")).to_be_visible()
    await expect(chat.turns.first.locator(".turn-note")).to_be_hidden()
    await expect(chat.page.locator("s")).to_have_count(0)


async def test_a_reply_that_was_only_written_is_stopped_not_unheard(chat: Chat) -> None:
    reply = await chat.ask("Tell me")
    await chat.peer.end_reply(reply, "The first", status="interrupted")
    await expect(chat.page.locator(".turn-note:visible")).to_have_text("Stopped")
    await expect(chat.page.locator("s")).to_have_count(0)


async def test_property_cards_lead_to_their_listing(chat: Chat) -> None:
    chat.server.files["/img/flat.svg"] = (
        "image/svg+xml",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"/>',
    )
    reply = await chat.ask("Find me a flat", kind="property")
    await chat.peer.send("cards", reply=reply, cards=[CARD, CARD | {"image": "/img/none.svg"}])
    cards = chat.page.get_by_role("article")
    await expect(cards).to_have_count(2)
    await expect(cards.first.get_by_role("link")).to_have_attribute(
        "href", "https://example.com/flat"
    )
    await expect(cards.first.get_by_role("link")).to_have_attribute("rel", "noopener noreferrer")
    await expect(cards.first.locator("dl")).to_have_text("Rooms3")
    await expect(cards.first.locator("img")).to_have_count(1)
    await expect(cards.last.locator("img")).to_have_count(0)


async def test_realtime_items_stand_in_lines_of_their_own(chat: Chat) -> None:
    reply = await chat.ask("The time?", kind="realtime")
    await chat.peer.send("delta", reply=reply, offset=0, text="It is seven.")
    await chat.peer.send("delta", reply=reply, offset=12, text="\nThe sun is up.")
    await expect(chat.page.locator(".turn-item")).to_have_count(2)
    await chat.peer.end_reply(reply, "It is seven.\nThe sun is up.")
    await expect(chat.page.locator(".turn-item")).to_have_count(2)


async def test_a_failed_reply_can_be_asked_again(chat: Chat) -> None:
    reply = await chat.ask("What now?")
    await chat.peer.send(
        "error", code="dialogue_failed", message="Out of order.", retry=None, id=reply
    )
    await chat.peer.end_reply(reply, "", status="failed")
    await expect(chat.turns.nth(1).locator(".turn-note")).to_have_text("Out of order.")
    await chat.page.get_by_role("button", name="Ask again").click()
    message, _ = await chat.peer.take_text()
    assert message["text"] == "What now?"
    await expect(chat.turns).to_have_count(4)


async def test_a_refused_text_says_why_and_can_be_sent_again(chat: Chat) -> None:
    await chat.write("Too much")
    message = await chat.peer.receive("text")
    await chat.peer.send(
        "error", code="too_long", message="It is too long.", retry=None, id=message["id"]
    )
    await expect(chat.turns.first.locator(".turn-note")).to_have_text("It is too long.")
    await chat.page.get_by_role("button", name="Ask again").click()
    again = await chat.peer.receive("text")
    assert again["id"] != message["id"]
    await expect(chat.turns).to_have_count(1)


async def test_the_first_text_gives_the_conversation_its_address_and_its_place_in_the_list(
    chat: Chat,
) -> None:
    await chat.ask("Find me a   flat in Lisbon")
    address = f"{chat.server.url}/c/{chat.peer.conversation}/"
    await expect(chat.page).to_have_url(address)
    listed = chat.page.locator(".earlier a")
    await expect(listed).to_have_attribute("href", f"/c/{chat.peer.conversation}/")
    await expect(listed.locator(".earlier-title")).to_have_text("Find me a flat in Lisbon")
    await expect(chat.page.locator(".welcome")).to_be_hidden()


async def test_a_page_reloaded_while_the_first_words_are_said_comes_back_to_them(
    chat: Chat,
) -> None:
    await chat.peer.send("state", person="hearing", bot="silent")
    await expect(chat.page).to_have_url(f"{chat.server.url}/#{chat.peer.conversation}")
    await chat.page.get_by_label("Message").fill("And a bath")
    conversation = chat.peer.conversation
    await chat.page.reload()
    chat.peer = await chat.server.connection()
    hello = await chat.peer.ready(turns=[a_turn(text="Find me a flat")], rev=1)
    assert hello["conversation"] == conversation
    await expect(chat.page).to_have_url(f"{chat.server.url}/c/{conversation}/")
    await expect(chat.page.locator(".earlier a")).to_have_count(1)
    await expect(chat.turns).to_have_count(1)
    await expect(chat.page.get_by_label("Message")).to_have_value("And a bath")


async def test_a_page_reloaded_before_anything_was_kept_begins_anew_quietly(chat: Chat) -> None:
    await chat.peer.transcript("u1", "Find me")
    await expect(chat.page).to_have_url(f"{chat.server.url}/#{chat.peer.conversation}")
    await chat.page.reload()
    peer = await chat.server.connection()
    assert (await peer.receive("hello"))["conversation"] == chat.peer.conversation
    await peer.send("error", code="unknown_conversation", message="None.", retry=None, id=None)
    await peer.close(4403)
    chat.peer = await chat.server.connection()
    assert (await chat.peer.ready())["conversation"] is None
    await expect(chat.page.locator(".bot-state")).to_have_text("Ready")
    await expect(chat.page).to_have_url(f"{chat.server.url}/")
    await expect(chat.page.locator(".banner")).to_be_hidden()
    await expect(chat.page.locator(".toast")).to_be_hidden()


async def test_the_greeting_takes_the_place_of_the_title_and_leaves_the_examples(
    chat: Chat,
) -> None:
    reply = "11111111-1111-4111-8111-111111111111"
    await chat.peer.start_reply(reply, kind="greeting")
    await chat.peer.send("delta", reply=reply, offset=0, text="Hello, I am Aurora.")
    await expect(chat.turns.first.locator(".turn-text")).to_have_text("Hello, I am Aurora.")
    await expect(chat.page.locator(".welcome-title")).to_be_hidden()
    await chat.page.get_by_role("button", name="What can you do?").click()
    message, _ = await chat.peer.take_text()
    assert message["text"] == "What can you do?"
    await expect(chat.page.locator(".welcome")).to_be_hidden()


async def test_an_answer_is_rated_and_the_rating_taken_back(chat: Chat) -> None:
    reply = await chat.ask("Hi")
    await chat.peer.end_reply(reply, "Hello")
    good = chat.turns.nth(1).get_by_role("button", name="Good answer")
    await good.click()
    assert await chat.peer.receive("rate") == {"type": "rate", "turn": reply, "value": 1}
    await expect(good).to_have_attribute("aria-pressed", "true")
    await good.click()
    assert (await chat.peer.receive("rate"))["value"] == 0


async def test_the_view_follows_the_end_only_while_the_reader_is_there(open_chat: OpenChat) -> None:
    history = [a_turn(seq=n, rev=n, text=f"Line {n}\n" * 8) for n in range(1, 20)]
    chat = await open_chat(
        "/c/6f1f0c1e-5a0e-4a53-9d65-0d7c8f1f5f5a/", ready={"turns": history, "rev": 19}
    )
    at_end = "(v => v.scrollHeight - v.scrollTop - v.clientHeight < 2)(document.querySelector('.transcript'))"
    await chat.until(at_end)
    await chat.page.evaluate("document.querySelector('.transcript').scrollTop = 200")
    pill = chat.page.get_by_role("button", name="New messages")
    await chat.peer.send("turn", turn=a_turn(seq=20, rev=20, text="Newest"), rev=20)
    await expect(pill).to_be_visible()
    assert await chat.page.evaluate("document.querySelector('.transcript').scrollTop") == 200
    await pill.click()
    await chat.until(at_end)
    await expect(pill).to_be_hidden()


async def test_what_was_not_heard_of_a_stored_answer_is_struck_through(open_chat: OpenChat) -> None:
    heard = {"text": "One. Two.", "heard": "One.", "role": "assistant", "kind": "generic"}
    turns = [a_turn(**heard), a_turn(**heard | {"seq": 2, "rev": 2, "heard": "One. Two."})]
    path = "/c/6f1f0c1e-5a0e-4a53-9d65-0d7c8f1f5f5a/"
    chat = await open_chat(path, ready={"turns": turns, "rev": 2})
    await expect(chat.page.locator("s.turn-unheard")).to_have_text([" Two."])
    await expect(chat.page.locator(".turn-note:visible")).to_have_text(
        "You did not hear what is struck through."
    )


async def test_who_writes_is_taken_to_the_end_and_stays_there(open_chat: OpenChat) -> None:
    history = [a_turn(seq=n, rev=n, text=f"Line {n}\n" * 8) for n in range(1, 20)]
    path = "/c/6f1f0c1e-5a0e-4a53-9d65-0d7c8f1f5f5a/"
    chat = await open_chat(path, ready={"turns": history, "rev": 19})
    await expect(chat.turns).to_have_count(19)
    await chat.page.evaluate("document.querySelector('.transcript').scrollTop = 200")
    reply = await chat.ask("A question")
    for n in range(8):
        await chat.peer.send("delta", reply=reply, offset=n * 30, text="Ten words\n" * 3)
    await expect(chat.turns.last.locator(".turn-text")).to_have_text("Ten words " * 24)
    at_end = "(v => v.scrollHeight - v.scrollTop - v.clientHeight < 2)(document.querySelector('.transcript'))"
    await chat.until(at_end)
    await expect(chat.page.get_by_role("button", name="New messages")).to_be_hidden()


async def test_a_turn_of_another_tab_finds_its_place(chat: Chat) -> None:
    for seq, text in ((3, "third"), (1, "first"), (2, "second"), (3, "third, changed")):
        turn = a_turn(id=f"00000000-0000-4000-8000-00000000000{seq}", seq=seq, rev=seq, text=text)
        await chat.peer.send("turn", turn=turn, rev=seq)
    await expect(chat.page.locator(".turn-text")).to_have_text(
        ["first", "second", "third, changed"]
    )


async def test_each_final_turn_is_announced_once_and_the_log_is_silent(chat: Chat) -> None:
    status = chat.page.get_by_role("status")
    await expect(chat.page.get_by_role("log")).to_have_attribute("aria-live", "off")
    reply = await chat.ask("Hi")
    await chat.peer.send("delta", reply=reply, offset=0, text="Hello")
    await chat.peer.send("delta", reply=reply, offset=5, text=" there")
    await chat.peer.end_reply(reply, "Hello there")
    turn = a_turn(id=reply, seq=2, rev=4, role="assistant", kind="generic", text="Hello there")
    await chat.peer.send("turn", turn=turn, rev=4)
    await chat.peer.send("turn", turn=a_turn(seq=5, rev=5, text="From elsewhere"), rev=5)
    await expect(status.locator("p")).to_have_text(
        ["Aurora said: Hello there", "You said: From elsewhere"]
    )

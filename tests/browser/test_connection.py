"""Nothing is lost and nothing comes twice, whatever happens to the connection."""

from playwright.async_api import expect

from .conftest import Chat, OpenChat
from .scripted_server import a_turn

EARLIER = "/c/6f1f0c1e-5a0e-4a53-9d65-0d7c8f1f5f5a/"
REPLY = "22222222-2222-4222-8222-222222222222"


async def lose(chat: Chat, code: int = 1012) -> None:
    """The connection goes, and the server with it."""
    chat.server.refuse_sockets = True
    await chat.peer.close(code)
    await expect(chat.page.locator(".bot-state")).not_to_have_text("Ready")


async def come_back(chat: Chat, **ready: object) -> dict[str, object]:
    chat.server.refuse_sockets = False
    chat.peer = await chat.server.connection()
    return await chat.peer.ready(**ready)


async def test_hello_asks_for_a_new_conversation_and_for_sound(
    server_hello: dict[str, object],
) -> None:
    assert server_hello == {
        "type": "hello",
        "version": 1,
        "conversation": None,
        "bot": "default",
        "last_rev": 0,
        "audio": {
            "out": {"encoding": "pcm_s16le", "rate": 24_000, "framing": "binary"},
            "in": {"encoding": "pcm_s16le", "rate": 16_000},
        },
        "record": None,
        "speed": 1,
        "language": "en",
    }


async def test_a_text_that_was_not_acknowledged_is_sent_again_with_its_id(chat: Chat) -> None:
    await chat.write("Are you there?")
    first = await chat.peer.receive("text")
    await lose(chat)
    await come_back(chat)
    again = await chat.peer.receive("text")
    assert again == first
    await chat.peer.send("ack", id=again["id"], turn=REPLY, reply=REPLY[:-1] + "3", rev=2)
    await expect(chat.page.locator(".turn[data-role=user]")).to_have_count(1)


async def test_a_text_that_was_stored_before_the_loss_is_not_sent_again(chat: Chat) -> None:
    await chat.write("Are you there?")
    said = await chat.peer.receive("text")
    await lose(chat)
    turn = a_turn(client_id=said["id"], text="Are you there?", seq=1, rev=1)
    await come_back(chat, turns=[turn], rev=2)
    await expect(chat.page.locator(".turn")).to_have_count(1)
    await chat.write("And now?")
    assert (await chat.peer.receive("text"))["text"] == "And now?"


async def test_what_is_written_without_a_connection_waits_visibly_and_is_sent_once(
    chat: Chat,
) -> None:
    await lose(chat)
    await chat.write("One")
    await chat.write("Two")
    await expect(chat.page.locator(".turn[data-delivery=waiting]")).to_have_count(2)
    await expect(chat.page.locator(".turn-note").first).to_have_text("Waiting to be sent")
    await come_back(chat)
    assert (await chat.peer.receive("text"))["text"] == "One"
    assert (await chat.peer.receive("text"))["text"] == "Two"
    await expect(chat.page.locator(".turn[data-delivery=waiting]")).to_have_count(0)
    await expect(chat.page.locator(".turn")).to_have_count(2)


async def test_a_lost_connection_shows_a_banner_until_it_is_back(chat: Chat) -> None:
    await lose(chat)
    banner = chat.page.locator(".banner")
    await expect(banner).to_contain_text("The connection is lost.")
    await chat.page.get_by_role("button", name="Try now").focus()
    await come_back(chat)
    await expect(banner).to_be_hidden()
    await expect(chat.page.get_by_label("Message")).to_be_focused()


async def test_try_now_does_not_wait_for_the_back_off(chat: Chat) -> None:
    await lose(chat)
    await expect(chat.page.locator(".banner")).to_be_visible()
    chat.server.refuse_sockets = False
    await chat.page.get_by_role("button", name="Try now").click()
    await chat.server.connection(within=0.5)


async def test_it_resumes_after_the_last_revision_it_has_seen(open_chat: OpenChat) -> None:
    chat = await open_chat(EARLIER, ready={"turns": [a_turn(rev=7)], "rev": 7})
    await expect(chat.turns).to_have_count(1)
    await lose(chat)
    hello = await come_back(chat, rev=7)
    assert (hello["conversation"], hello["last_rev"]) == (EARLIER.split("/")[2], 7)
    await expect(chat.turns).to_have_count(1)


async def test_an_answer_cut_by_the_loss_goes_on_where_it_was(chat: Chat) -> None:
    reply = await chat.ask("Tell me")
    await chat.peer.send("delta", reply=reply, offset=0, text="One two ")
    await expect(chat.turns.nth(1).locator(".turn-text")).to_have_text("One two ")
    await lose(chat)
    streaming = a_turn(
        id=reply, seq=2, rev=2, role="assistant", kind="generic", status="streaming", text=""
    )
    hello = await come_back(chat, turns=[streaming], rev=2)
    # Before the answer began: it was not complete at any later revision.
    assert hello["last_rev"] == 0
    await chat.peer.send("delta", reply=reply, offset=14, text="four")
    await expect(chat.page.locator(".turn.has-gap")).to_have_count(1)
    await chat.peer.end_reply(reply, "One two three four")
    await expect(chat.turns.nth(1).locator(".turn-text")).to_have_text("One two three four")
    await expect(chat.turns).to_have_count(2)


async def test_an_answer_that_ended_meanwhile_is_complete(chat: Chat) -> None:
    reply = await chat.ask("Tell me")
    await chat.peer.send("delta", reply=reply, offset=0, text="One ")
    await lose(chat)
    done = a_turn(id=reply, seq=2, rev=3, role="assistant", kind="generic", text="One two")
    await come_back(chat, turns=[done], rev=3)
    await expect(chat.turns.nth(1).locator(".turn-text")).to_have_text("One two")
    await expect(chat.turns).to_have_count(2)


async def test_a_greeting_that_was_never_kept_is_not_shown_twice(chat: Chat) -> None:
    await chat.peer.start_reply(REPLY, kind="greeting")
    await chat.peer.send("delta", reply=REPLY, offset=0, text="Hello!")
    await chat.peer.end_reply(REPLY, "Hello!", rev=0)
    await expect(chat.turns).to_have_count(1)
    await lose(chat)
    hello = await come_back(chat)
    assert hello["conversation"] is None
    other = REPLY[:-1] + "3"
    await chat.peer.start_reply(other, kind="greeting")
    await chat.peer.send("delta", reply=other, offset=0, text="Hello!")
    await expect(chat.turns).to_have_count(1)


async def test_a_new_conversation_that_was_never_stored_begins_anew_with_the_waiting_text(
    chat: Chat,
) -> None:
    await chat.write("Hello?")
    said = await chat.peer.receive("text")
    await lose(chat)
    chat.server.refuse_sockets = False
    peer = await chat.server.connection()
    hello = await peer.receive("hello")
    assert hello["conversation"] == chat.peer.conversation
    await peer.send("error", code="unknown_conversation", message="None.", retry=None, id=None)
    await peer.close(4403)
    hello = await come_back(chat)
    assert hello["conversation"] is None
    assert await chat.peer.receive("text") == said


async def test_busy_sends_again_after_the_time_it_names(chat: Chat) -> None:
    await chat.write("Hi")
    first = await chat.peer.receive("text")
    await chat.peer.send("error", code="busy", message="Busy.", retry=0.3, id=first["id"])
    await expect(chat.turns.first.locator(".turn-note")).to_have_text("Waiting to be sent")
    assert await chat.peer.receive("text") == first


async def test_a_dead_connection_is_noticed_and_replaced(chat: Chat) -> None:
    await chat.page.clock.install()
    chat.server.answers_pings = False
    await chat.page.reload()
    chat.peer = await chat.server.connection()
    await chat.peer.ready()
    await expect(chat.page.locator(".bot-state")).to_have_text("Ready")
    await chat.page.clock.run_for(21_000)
    await chat.peer.receive("ping")
    await chat.page.clock.run_for(31_500)
    await chat.server.connection()


async def test_not_admitted_leads_to_the_login(chat: Chat) -> None:
    await chat.peer.send("error", code="not_admitted", message="Log in.", retry=None, id=None)
    await chat.peer.close(4401)
    link = chat.page.locator(".banner").get_by_role("link", name="Log in")
    await expect(link).to_have_attribute("href", "/accounts/login/?next=/")
    await expect(chat.page.get_by_label("Message")).to_be_disabled()


async def test_where_nobody_can_be_asked_it_is_not_offered(chat: Chat) -> None:
    await chat.write("Too much")
    said = await chat.peer.receive("text")
    await chat.peer.send("error", code="x", message="No.", retry=None, id=said["id"])
    again = chat.page.get_by_role("button", name="Ask again")
    await expect(again).to_be_visible()
    await chat.peer.close(4401)
    await expect(again).to_be_hidden()


async def test_what_is_not_ones_own_stops(chat: Chat) -> None:
    await chat.peer.close(4403)
    await expect(chat.page.locator(".banner")).to_contain_text("not open to you")
    await expect(chat.page.locator(".banner").get_by_role("button")).to_have_count(0)


async def test_misunderstandings_stop_and_offer_to_reload(chat: Chat) -> None:
    await chat.peer.close(4400)
    await expect(chat.page.get_by_role("button", name="Reload the page")).to_be_visible()


async def test_an_idle_connection_comes_back_with_the_next_keystroke(chat: Chat) -> None:
    await chat.peer.close(4408)
    await expect(chat.page.locator(".bot-state")).to_have_text("Resting")
    await chat.page.get_by_label("Message").press_sequentially("H")
    await chat.server.connection()


async def test_too_many_comes_back_when_it_may(chat: Chat) -> None:
    await chat.peer.send("error", code="too_many", message="Too many.", retry=0.1, id=None)
    await chat.peer.close(4429)
    await come_back(chat)
    await expect(chat.page.locator(".bot-state")).to_have_text("Ready")


async def test_a_conversation_that_was_deleted_elsewhere_says_so_once_and_keeps_nothing_waiting(
    open_chat: OpenChat,
) -> None:
    chat = await open_chat(EARLIER, ready={"turns": [a_turn()], "rev": 1})
    await chat.ask("Tell me")
    await expect(chat.page.get_by_role("button", name="Stop")).to_be_visible()
    await chat.write("And now?")
    said = await chat.peer.receive("text")
    words = "This conversation has been deleted."
    await chat.peer.send(
        "error", code="unknown_conversation", message=words, retry=None, id=said["id"]
    )
    await chat.peer.close(4403)
    await expect(chat.page.get_by_text(words).locator("visible=true")).to_have_count(2)
    await expect(chat.page.locator(".banner")).to_have_text(words, use_inner_text=True)
    await expect(chat.page.locator(".toast")).to_be_hidden()
    await expect(chat.page.get_by_role("button", name="Stop")).to_be_hidden()
    unsent = chat.page.locator(".turn[data-delivery=unsent]")
    await expect(unsent.locator(".turn-note")).to_have_text("Not sent")
    await expect(chat.page.locator(".turn[data-status=streaming]")).to_have_count(0)


async def test_a_reply_that_another_tab_speaks_can_be_stopped_here(chat: Chat) -> None:
    stop = chat.page.get_by_role("button", name="Stop")
    await chat.peer.start_reply(REPLY, kind="generic")
    await chat.peer.send("delta", reply=REPLY, offset=0, text="One two")
    await stop.click()
    await chat.peer.receive("interrupt")
    await chat.page.keyboard.press("Escape")
    await chat.peer.receive("interrupt")
    await chat.peer.end_reply(REPLY, "One two", status="interrupted")
    await expect(stop).to_be_hidden()


async def test_that_staff_read_along_is_taken_back_when_nobody_says_so_any_more(
    chat: Chat,
) -> None:
    watched = chat.page.locator(".watched")
    await chat.page.clock.install()
    await chat.peer.send("watched", watched=True, text="Our staff are reading along now.")
    await expect(watched).to_be_visible()
    await chat.page.clock.run_for(11_000)
    await expect(watched).to_be_visible()
    await lose(chat)
    await come_back(chat)
    await expect(chat.page.locator(".bot-state")).to_have_text("Ready")
    await expect(watched).to_be_visible()
    await chat.page.clock.run_for(11_000)
    await expect(watched).to_be_hidden()


async def test_a_server_that_goes_away_is_left_for_as_long_as_it_asks(chat: Chat) -> None:
    await chat.peer.send("going_away", retry_after=0.2)
    await chat.peer.close(1012)
    await come_back(chat)
    await expect(chat.page.locator(".bot-state")).to_have_text("Ready")


async def test_a_text_that_a_server_refuses_because_it_goes_away_is_sent_to_the_next(
    chat: Chat,
) -> None:
    await chat.write("Are you there?")
    first = await chat.peer.receive("text")
    await chat.peer.send("error", code="going_away", message="Soon.", retry=30.0, id=first["id"])
    await chat.peer.close(1012)
    await come_back(chat)
    assert await chat.peer.receive("text") == first


async def test_an_answer_whose_server_died_can_be_asked_for_again(open_chat: OpenChat) -> None:
    asked = a_turn(seq=1, rev=1, text="Tell me")
    lost = a_turn(
        seq=2, rev=3, role="assistant", kind="generic", status="interrupted", text="One",
        error="instance_lost", reply_to=asked["id"],
    )  # fmt: skip
    chat = await open_chat(EARLIER, ready={"turns": [asked, lost], "rev": 3})
    await expect(chat.turns.nth(1).locator(".turn-note")).to_contain_text("was lost")
    await chat.page.get_by_role("button", name="Ask again").click()
    assert (await chat.peer.receive("text"))["text"] == "Tell me"


async def test_an_answer_heard_in_another_tab_can_be_heard_here(chat: Chat) -> None:
    button = chat.page.get_by_role("button", name="Play here")
    await expect(button).to_be_hidden()
    await chat.peer.send("audio_owner", here=False)
    await expect(button).to_be_hidden()
    await chat.peer.start_reply(REPLY)
    await chat.peer.send("delta", reply=REPLY, offset=0, text="One. Two.")
    await button.click()
    await chat.peer.receive("take_audio")
    await chat.peer.send("audio_owner", here=True)
    await expect(button).to_be_hidden()
    await chat.peer.start_reply(REPLY, voice="espeak:en-us", generation=1)
    sent = await chat.peer.speak(REPLY, "Two.", 300, start=5, generation=1)
    await chat.until(f"voicechat.speaker.stats().receivedBytes >= {sent}")

"""Programs that talk: an API key, or a token for one, opens the chat's sockets as its user."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import websockets

from ..chat.protocols.voicebot_starts import CONNECTED, VOICEBOT, twilio
from ..services import VoicechatServer, voicechat_server
from ..speech_api.client import bearer, in_database, new_key, revoke, within_a_minute
from .fastrtc_client import Outputs, fill_in, stream
from .person import PATIENCE_S, Person, person

Json = dict[str, Any]
# From somewhere, through a proxy: no guest of a developer's machine.
STRANGER = {"X-Forwarded-For": "203.0.113.9"}
ALTERED = f"1-ffffffff-{'0' * 64}"
SOCKETS = ("voice-chat", "voicebot", "fastrtc")
PATHS = ("/ws/voice-chat/", "/ws/voicebot/", "/websocket/offer")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoicechatServer]:
    environment = {
        "VOICECHAT_TRUST_PROXY": "1",
        "VOICECHAT_LIMIT_REFUSED_KEYS_PER_ADDRESS": "5/hour",
    }
    with voicechat_server(tmp_path_factory.mktemp("programs"), environment) as started:
        yield started


@pytest.fixture
def key(server: VoicechatServer) -> str:
    return new_key(server, tts=0, voice=1)


@pytest.fixture(scope="module")
def house() -> Callable[[], dict[str, str]]:
    """Addresses that no other test has used."""
    return iter({"X-Forwarded-For": f"198.51.100.{n}"} for n in range(1, 250)).__next__


@asynccontextmanager
async def program(server: VoicechatServer, key: str, **more: str) -> AsyncIterator[Person]:
    async with person(server.socket_url, **STRANGER | bearer(key) | more) as somebody:
        yield somebody


async def addresses(server: VoicechatServer, key: str) -> Json:
    async with httpx.AsyncClient() as http:
        answer = await http.post(
            server.url + "/api/v1/voice/websocket-auth", headers=STRANGER | bearer(key)
        )
    answer.raise_for_status()
    told: Json = answer.json()
    return told


async def refusal(url: str, headers: dict[str, str], *frames: Json) -> tuple[str, int]:
    """The code of the error that comes first, and the close."""
    async with websockets.connect(url, additional_headers=headers) as socket:
        for frame in frames:
            await socket.send(json.dumps(frame))
        async with asyncio.timeout(PATIENCE_S):
            found = re.search(r'"code": ?"(\w+)"', str(await socket.recv()))
            await socket.wait_closed()
        assert found is not None
        assert socket.close_code is not None
        return found[1], socket.close_code


def websocket(server: VoicechatServer, path: str) -> str:
    return server.url.replace("http", "ws", 1) + path


class TestAKey:
    async def test_opens_the_conversations_of_its_user_and_of_nobody_else(self, server, key):
        async with program(server, key) as somebody:
            ready = await somebody.hello()
            await somebody.ask("hello")
        query = """
            select username from conversations_conversation as conversation
            join accounts_person as person on person.id = conversation.person_id
            join accounts_user as user on user.id = person.user_id
            where conversation.id = ?
        """
        conversation = ready["conversation"]
        assert in_database(server, query, conversation.replace("-", "")) == [("admin",)]
        async with program(server, new_key(server, voice=1)) as again:
            assert (await again.hello(conversation=conversation))["turns"]
        async with person(server.socket_url) as developer:
            await developer.send(type="hello", version=1, conversation=conversation)
            assert (await developer.until("error"))["code"] == "unknown_conversation"
            assert await developer.closed() == 4403

    async def test_a_client_of_the_original_protocol_brings_one_as_well(self, server, key):
        async with program(server, key) as somebody:
            await somebody.send(usr_query="hello", usr_id="a label", is_voice=False)
            assert (await somebody.until("text"))["text"]

    @pytest.mark.parametrize("path", PATHS)
    async def test_of_another_scope_is_refused_everywhere(self, server, path):
        headers = STRANGER | bearer(new_key(server, tts=1, realtime=1))
        assert await refusal(websocket(server, path), headers) == ("not_admitted", 4403)

    @pytest.mark.parametrize("path", PATHS)
    async def test_revoked_or_of_somebody_inactive_is_refused_everywhere(
        self, server, key, path, house
    ):
        revoke(server, key)
        in_database(
            server,
            "insert or ignore into accounts_user (username, password, is_active, is_staff, "
            "is_superuser, first_name, last_name, email, date_joined) "
            "values ('gone', '!', 0, 0, 0, '', '', '', '2026-11-21')",
        )
        [[gone]] = in_database(server, "select id from accounts_user where username = 'gone'")
        for text in (key, new_key(server, voice=1, user_id=gone)):
            told = await refusal(websocket(server, path), house() | bearer(text))
            assert told == ("not_admitted", 4401)

    async def test_decides_alone_whatever_the_session_is(self, server, house):
        async with httpx.AsyncClient() as browser:
            (await browser.get(server.url + "/")).raise_for_status()
            cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        headers = {"Origin": server.url, "Cookie": cookies, **bearer("vc_wrong"), **house()}
        assert await refusal(server.socket_url, headers) == ("not_admitted", 4401)

    async def test_has_no_more_sockets_than_its_limit(self, server):
        key = new_key(server, voice=1, sockets=1)
        async with program(server, key) as somebody:
            await somebody.hello()
            async with program(server, key) as second:
                error = await second.until("error")
                assert error["code"] == "busy"
                assert error["retry"] > 0
                assert await second.closed() == 4429
        async with program(server, key) as afterwards:
            await afterwards.hello()

    async def test_has_no_more_turns_than_commands(self, server):
        await within_a_minute()
        async with program(server, new_key(server, voice=1, commands_per_minute=1)) as somebody:
            await somebody.hello()
            await somebody.ask("hello")
            id = await somebody.type("once more")
            error = await somebody.until("error")
            assert (error["code"], error["id"]) == ("busy", id)
            assert error["retry"] > 0

    async def test_that_is_revoked_closes_its_sockets_at_once(self, server):
        key = new_key(server, voice=1, name="revoked")
        [[id]] = in_database(server, "select id from accounts_apikey where name = 'revoked'")
        async with (
            program(server, key) as somebody,
            program(server, new_key(server, voice=1)) as other,
        ):
            await somebody.hello()
            await other.hello()
            async with httpx.AsyncClient(base_url=server.url, follow_redirects=True) as admin:
                await admin.get("/accounts/login/")
                form = {"login": "admin", "password": server.password}
                await _post(admin, "/accounts/login/", form)
                chosen = {"action": "revoke", "_selected_action": str(id)}
                page = await _post(admin, "/admin/accounts/apikey/", chosen)
                assert "1 key was revoked" in page
            assert (await somebody.until("error"))["code"] == "not_admitted"
            assert await somebody.closed() == 4401
            assert (await other.ask("hello"))["type"] == "reply_end"


async def _post(browser: httpx.AsyncClient, path: str, form: dict[str, str]) -> str:
    token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    answer = await browser.post(path, data=form | token, headers={"Referer": str(browser.base_url)})
    answer.raise_for_status()
    return answer.text


class TestAToken:
    async def test_stands_in_an_address_for_each_protocol(self, server, key):
        told = await addresses(server, key)
        assert set(told) == {"webSocketUrls", "token", "expiresAt"}
        assert set(told["webSocketUrls"]) == set(SOCKETS)
        for url in told["webSocketUrls"].values():
            assert url.endswith(f"?token={told['token']}")
        async with person(told["webSocketUrls"]["voice-chat"], **STRANGER) as somebody:
            await somebody.hello()
            await somebody.ask("hello")
        url = told["webSocketUrls"]["voicebot"]
        async with websockets.connect(url, additional_headers=STRANGER) as caller:
            await caller.send(json.dumps(VOICEBOT))
            await _speaks(caller)
        id = "by-token"
        query = f"?token={told['token']}"
        async with stream(server.url, id, query, headers=STRANGER) as client:
            await client.until(lambda _: len(client.heard) > 0)

    @pytest.mark.parametrize("where", ["path", "start"])
    async def test_stands_where_a_telephone_service_forbids_queries(self, server, key, where):
        token = (await addresses(server, key))["token"]
        url = websocket(server, "/ws/voicebot/") + (f"{token}/" if where == "path" else "")
        custom = {} if where == "path" else {"customParameters": {"token": token}}
        async with websockets.connect(url, additional_headers=STRANGER) as caller:
            await caller.send(json.dumps(CONNECTED))
            await caller.send(json.dumps(twilio(**custom)))
            await _speaks(caller)

    @pytest.mark.parametrize("path", PATHS)
    async def test_altered_or_of_a_revoked_key_opens_nothing(self, server, key, path, house):
        token = (await addresses(server, key))["token"]
        revoke(server, key)
        for wrong in (ALTERED, token):
            url = websocket(server, f"{path}?token={wrong}")
            assert await refusal(url, house()) == ("not_admitted", 4401)

    async def test_altered_in_the_start_of_a_call_is_refused(self, server, key, house):
        start = twilio(customParameters={"token": ALTERED})
        url = websocket(server, "/ws/voicebot/")
        assert await refusal(url, house(), CONNECTED, start) == ("not_admitted", 4401)

    async def test_is_given_for_this_scope_alone(self, server):
        async with httpx.AsyncClient() as http:
            url = server.url + "/api/v1/voice/websocket-auth"
            answer = await http.post(url, headers=bearer(new_key(server)))
            assert (answer.status_code, answer.json()["code"]) == (403, "wrong_scope")


async def _speaks(caller: websockets.ClientConnection) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while json.loads(await caller.recv())["event"] != "media":
            pass


class TestAStream:
    async def test_is_the_keys_and_its_tokens_and_nobody_elses(self, server, key, house):
        mine = STRANGER | bearer(key)
        token = (await addresses(server, key))["token"]
        async with stream(server.url, "keyed", headers=mine) as client:
            await client.until(lambda _: len(client.heard) > 0)
            assert await fill_in(server.url, "keyed", mine, inputs="x") == 409  # nothing is asked
            async with httpx.AsyncClient() as http:
                answer = await http.post(
                    f"{server.url}/input_hook?token={token}",
                    json={"webrtc_id": "keyed", "inputs": "x"},
                    headers=STRANGER,
                )
                assert answer.status_code == 409
            others = STRANGER | bearer(new_key(server, voice=1))
            for headers, status in (
                (others, 403),
                (STRANGER, 403),
                (house() | bearer("vc_wrong"), 401),
                (STRANGER | bearer(new_key(server)), 403),
            ):
                assert await fill_in(server.url, "keyed", headers, inputs="x") == status
                outputs = Outputs()
                await outputs.listen(server.url, "keyed", headers)
                assert outputs.status == status


class TestWrongKeys:
    async def test_too_many_are_not_looked_at_any_more_on_any_way_in(self, server, key):
        guesser = {"X-Forwarded-For": "192.0.2.66"}
        wrong = guesser | bearer("vc_wrong")
        async with httpx.AsyncClient(base_url=server.url) as http:
            token = (await addresses(server, key))["token"]
            assert await refusal(server.socket_url, wrong) == ("not_admitted", 4401)
            url = f"{server.socket_url}?token={ALTERED}"
            assert await refusal(url, guesser) == ("not_admitted", 4401)
            answers = [
                await http.post("/api/v1/voice/websocket-auth", headers=wrong),
                await http.post("/v1/audio/speech", headers=guesser),
                await http.post("/input_hook", headers=wrong, json={"webrtc_id": "x"}),
            ]
            assert [answer.status_code for answer in answers] == [401] * 3
            # Five were allowed: now a right key has to wait, too.
            right = guesser | bearer(key)
            for headers in (wrong, right):
                answer = await http.post("/api/v1/voice/websocket-auth", headers=headers)
                assert answer.status_code == 429
                assert 1 <= int(answer.headers["Retry-After"]) <= 3601
                assert await refusal(server.socket_url, headers) == ("busy", 4429)
                answer = await http.post("/input_hook", headers=headers, json={"webrtc_id": "x"})
                assert answer.status_code == 429
                assert 1 <= int(answer.headers["Retry-After"]) <= 3601
            assert await refusal(url, guesser) == ("busy", 4429)
            # What was signed here needs no looking up.
            async with person(f"{server.socket_url}?token={token}", **guesser) as somebody:
                await somebody.hello()
        async with program(server, key) as elsewhere:
            await elsewhere.hello()

    async def test_no_key_and_no_token_is_logged(self, server, key):
        token = (await addresses(server, key))["token"]
        for url in (server.socket_url + f"?token={token}", f"{server.socket_url}?token={key}"):
            async with websockets.connect(url, additional_headers=STRANGER):
                pass
        log = server.log.read_text()
        assert key not in log
        assert token not in log

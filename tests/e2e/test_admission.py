"""Who is let in at the socket of a real server, and who is sent away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from tests.services import VoicechatServer

from .moody import MOODY, turns_of
from .person import guest_cookies, person

StartServer = Callable[..., VoicechatServer]


class TestAdmission:
    async def refused(self, server: VoicechatServer, cookies: str = "", **headers: str) -> int:
        async with person(server.socket_url, cookies, **headers) as somebody:
            assert (await somebody.until("error"))["code"] == "not_admitted"
            return await somebody.closed()

    async def test_a_foreign_page_is_refused_even_with_the_visitors_cookie(
        self, moody: VoicechatServer
    ) -> None:
        cookies = await guest_cookies(moody.url)
        assert await self.refused(moody, cookies, origin="https://evil.example") == 4403

    async def test_a_tunnel_to_a_developers_machine_does_not_get_in(
        self, moody: VoicechatServer
    ) -> None:
        headers = {"X-Forwarded-For": "203.0.113.5"}
        assert await self.refused(moody, **headers) == 4401

    async def test_a_program_without_credentials_is_refused_in_production(
        self, start_server: StartServer
    ) -> None:
        server = start_server(DJANGO_DEBUG="0", DJANGO_ALLOWED_HOSTS="127.0.0.1")
        assert await self.refused(server) == 4401

    async def test_guests_are_refused_where_they_are_not_allowed(
        self, start_server: StartServer
    ) -> None:
        server = start_server(VOICECHAT_ALLOW_GUESTS="0")
        assert await self.refused(server) == 4401

    async def test_a_listed_foreign_page_comes_as_a_guest(self, start_server: StartServer) -> None:
        server = start_server(VOICECHAT_ALLOWED_ORIGINS="https://friend.example", **MOODY)
        async with person(server.socket_url, origin="https://friend.example") as friend:
            await friend.hello()
            assert (await friend.ask("good morning"))["status"] == "done"


class TestLeaving:
    async def test_a_deleted_conversation_ends_its_calls_and_is_not_made_again(
        self, moody: VoicechatServer
    ) -> None:
        cookies = await guest_cookies(moody.url)
        async with person(moody.socket_url, cookies, origin=moody.url) as anna:
            ready = await anna.hello()
            await anna.ask("good morning")
            async with httpx.AsyncClient(base_url=moody.url) as browser:
                address = f"/conversations/{ready['conversation']}/delete/"
                page = await browser.get(address, headers={"Cookie": cookies})
                token = page.cookies["csrftoken"]
                gone = await browser.post(
                    address,
                    data={"csrfmiddlewaretoken": token},
                    headers={"Cookie": f"{cookies}; csrftoken={token}"},
                )
                assert gone.status_code == 302
            assert (await anna.until("error"))["code"] == "unknown_conversation"
            assert await anna.closed() == 4403
        assert not turns_of(moody, ready["conversation"])

    async def test_logging_out_closes_the_sockets_of_the_session(
        self, live_server_process: VoicechatServer
    ) -> None:
        server = live_server_process
        async with httpx.AsyncClient(base_url=server.url, follow_redirects=True) as browser:
            page = await browser.get("/accounts/login/")
            await browser.post(
                "/accounts/login/",
                data={
                    "login": "admin",
                    "password": server.password,
                    "csrfmiddlewaretoken": browser.cookies["csrftoken"],
                },
                headers={"Referer": str(page.url)},
            )
            cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
            async with person(server.socket_url, cookies, origin=server.url) as anna:
                await anna.hello()
                await browser.post(
                    "/accounts/logout/", data={"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
                )
                assert (await anna.until("error"))["code"] == "not_admitted"
                assert await anna.closed() == 4401

    @pytest.mark.parametrize("shared", [False, True])
    async def test_whoever_leaves_at_once_leaves_no_call_behind(
        self, start_server: StartServer, redis_server: str, shared: bool
    ) -> None:
        server = start_server(REDIS_URL=redis_server) if shared else start_server()
        cookies = await guest_cookies(server.url)
        for moment_s in (0, 0.001, 0.002, 0.005, 0.01, 0.05):
            async with person(server.socket_url, cookies, origin=server.url) as anna:
                await anna.hello()
                await asyncio.sleep(moment_s)
        async with httpx.AsyncClient(base_url=server.url) as prometheus, asyncio.timeout(8):
            while "voicechat_calls 0.0" not in (await prometheus.get("/metrics")).text:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

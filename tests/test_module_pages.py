"""Pages of modules: each fetches all its modules at once, and has the words that they say."""

from __future__ import annotations

import json
import re
from urllib.parse import urljoin

import httpx
import pytest

from tests.services import VoicechatServer

PAGES = ("/", "/voicebot/", "/fastrtc/", "/tts/")


def fetched(server: VoicechatServer, path: str) -> str:
    return httpx.get(urljoin(server.url, path)).raise_for_status().text


def imported(server: VoicechatServer, html: str) -> dict[str, str]:
    """The sources of all modules that the page needs, by path; types are for the checker alone."""
    waiting = re.findall(r'<script type="module" src="(.+?)"', html)
    sources: dict[str, str] = {}
    while waiting:
        path = waiting.pop()
        if path not in sources:
            sources[path] = fetched(server, path)
            there = re.findall(r'^(?:import|\}).* from "(.+)";', sources[path], re.MULTILINE)
            waiting += [urljoin(path, one) for one in there]
    return sources


@pytest.mark.parametrize("path", PAGES)
def test_every_module_is_fetched_at_once(live_server_process: VoicechatServer, path: str) -> None:
    html = fetched(live_server_process, path)
    named = re.findall(r'(?:modulepreload" href|type="module" src)="(.+?)"', html)
    assert sorted(named) == sorted(imported(live_server_process, html))


@pytest.mark.parametrize("path", PAGES)
def test_every_text_that_a_module_says_is_there(
    live_server_process: VoicechatServer, path: str
) -> None:
    html = fetched(live_server_process, path)
    [strings] = re.findall(r'<script id="strings" type="application/json">(.*?)</script>', html)
    source = "".join(imported(live_server_process, html).values())
    said = set(re.findall(r'\bsay\(\s*"(\w+)"', source))
    assert said
    assert said <= set(json.loads(strings))

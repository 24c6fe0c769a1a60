"""Signed addresses of the speech service and of the chat's sockets, in the shape of each of PlayAI's ways to ask for them. Pure,
but for the signing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from accounts.api_keys import tokens
from accounts.programs import SOCKETS

from .model_names import DEFAULT, MODELS

# Where the chat listens (docs/protocol.md), by the name of the protocol.
VOICE_SOCKETS = {
    "voice-chat": "/ws/voice-chat/",
    "voicebot": "/ws/voicebot/",
    "fastrtc": "/websocket/offer",
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """For one key, from ``now`` (Unix time) for an hour. ``base``: ``https://host``, as seen outside."""

    base: str
    key: int
    now: float

    @classmethod
    def from_now(cls, base: str, key: int) -> Addresses:
        return cls(base.rstrip("/"), key, time.time())

    def socket(self, model: str) -> str:
        return f"{self.base.replace('http', 'ws', 1)}/ws/tts/{model}?token={self._token(model)}"

    def stream(self, model: str) -> str:
        """Without "stream" (pyht takes that away) it is the address that is not streamed."""
        return f"{self.base}/tts/{model}/stream?token={self._token(model)}"

    def voice(self, path: str) -> str:
        """That of a chat socket."""
        token = tokens.sign(self.key, SOCKETS, self.now)
        return f"{self.base.replace('http', 'ws', 1)}{path}?token={token}"

    @property
    def expire_at(self) -> str:
        """ISO 8601 with milliseconds, which pyht insists on."""
        at = datetime.fromtimestamp(int(self.now) + tokens.LIFETIME_S, UTC)
        return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"

    def _token(self, model: str) -> str:
        return tokens.sign(self.key, model, self.now)


Shape = Callable[[Addresses], dict[str, Any]]


def v1(addresses: Addresses) -> dict[str, Any]:
    """play.ai's ``/api/v1/tts/websocket-auth``."""
    sockets = {model: addresses.socket(model) for model in MODELS}
    return {"webSocketUrls": sockets, "expiresAt": addresses.expire_at}


def v1_per_model(addresses: Addresses) -> dict[str, Any]:
    """play.ai's older ``/api/v1/tts/auth``."""
    both = {
        model: {
            "httpStreamingUrl": addresses.stream(model),
            "webSocketUrl": addresses.socket(model),
        }
        for model in MODELS
    }
    return {**both, "expiresAt": addresses.expire_at}


def v4(addresses: Addresses) -> dict[str, Any]:
    """play.ht's ``/api/v4/websocket-auth``."""
    sockets = {model: addresses.socket(model) for model in MODELS}
    return {"websocket_urls": sockets, "expires_at": addresses.expire_at}


def v4_per_model(addresses: Addresses) -> dict[str, Any]:
    """play.ht's ``/api/v4/sdk-auth``."""
    both = {
        model: {
            "http_streaming_url": addresses.stream(model),
            "websocket_url": addresses.socket(model),
        }
        for model in MODELS
    }
    return {**both, "expires_at": addresses.expire_at}


def voice(addresses: Addresses) -> dict[str, Any]:
    """Ours, in the shape of ``v1``, by protocol. The token stands in each, and by itself for the start of
    a telephone call.
    """
    sockets = {name: addresses.voice(path) for name, path in VOICE_SOCKETS.items()}
    token = next(iter(sockets.values())).partition("?token=")[2]
    return {"webSocketUrls": sockets, "token": token, "expiresAt": addresses.expire_at}


def v3(addresses: Addresses) -> dict[str, Any]:
    """play.ht's ``/api/v3/websocket-auth``, from before there were models."""
    return {"websocket_url": addresses.socket(DEFAULT)}

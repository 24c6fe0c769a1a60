"""The Redis channel layer with fewer questions: an event is one command out and one in.

channels-redis asks Redis four times to send to a group and three times to receive, because it keeps a
copy of what is received until it is sure of it. The feed trusts the layer to deliver nothing, and the
time between two instances is what those who follow wait. Here a script on the server does all of
sending, and receiving takes the message out; one that is lost with its reader is lost.

For one Redis, as ``feed.layers`` sets it up. All else is channels-redis.
"""

from __future__ import annotations

import struct
from typing import Any

from channels_redis.core import RedisChannelLayer

# KEYS: the group. ARGV: the message with its random bytes in front, how many those are, the prefix of
# all keys, how many messages a channel holds, and for how many seconds messages and groups live.
# A member "feed.1234!5678" has the key "feed.1234!"; its name goes along with the message.
# Redis's own clock orders messages, whatever those of the instances say.
_SEND = """
local message, random, prefix = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local capacity, expiry, group_expiry = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - group_expiry)
local full = 0
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    local key = prefix .. (string.match(member, '^.*!') or member)
    redis.call('ZREMRANGEBYSCORE', key, 0, now - expiry)
    if redis.call('ZCARD', key) < capacity then
        local named = '\\0' .. struct.pack('>I2', #member) .. member
        local whole = string.sub(message, 1, random) .. named .. string.sub(message, random + 1)
        redis.call('ZADD', key, string.format('%.6f', now), whole)
        redis.call('EXPIRE', key, expiry)
    else
        full = full + 1
    end
end
return full
"""
# Before a member's name. No message of msgpack's that is a map begins so.
_NAMED = 0
_LENGTH = struct.Struct(">H")
RANDOM_BYTES = 12


class PromptRedisLayer(RedisChannelLayer):  # type: ignore[misc] # channels-redis is untyped
    """Promptness for certainty. Takes what ``RedisChannelLayer`` takes, with one host."""

    def __init__(self, **config: Any) -> None:
        super().__init__(random_prefix_length=RANDOM_BYTES, **config)
        if self.ring_size != 1:
            raise ValueError("A prompt layer has one Redis.")

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send to all members of the group that have room."""
        assert self.require_valid_group_name(group)
        await self.connection(0).eval(
            _SEND,
            1,
            self._group_key(group),
            self.serialize(message),
            RANDOM_BYTES,
            self.prefix,
            self.capacity,
            int(self.expiry),
            self.group_expiry,
        )

    async def _brpop_with_clean(
        self,
        index: int,
        channel: str,
        timeout: float,  # noqa: ASYNC109 (Redis's own)
    ) -> bytes | None:
        found = await self.connection(index).bzpopmin(channel, timeout=timeout)
        return None if found is None else bytes(found[1])

    async def _clean_receive_backup(self, index: int, channel: str) -> None:
        """Nothing was kept."""

    def deserialize(self, message: bytes) -> dict[str, Any]:
        """A message that came through a group names its channel in front."""
        if message[RANDOM_BYTES] != _NAMED:
            return dict(super().deserialize(message))
        begin = RANDOM_BYTES + 1 + _LENGTH.size
        (length,) = _LENGTH.unpack_from(message, RANDOM_BYTES + 1)
        member = message[begin : begin + length].decode()
        plain = super().deserialize(message[:RANDOM_BYTES] + message[begin + length :])
        return {**plain, "__asgi_channel__": member}

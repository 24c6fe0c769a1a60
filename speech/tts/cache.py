"""Sentences spoken before, so that greetings and the like cost nothing the second time."""

from typing import Final, NamedTuple

from cachetools import LRUCache

CACHE_BYTES: Final = 32 * 1024 * 1024
"""12 minutes at 22 050 Hz."""

_LARGEST_SHARE: Final = 8  # one sentence takes at most an eighth of the cache


class SpokenKey(NamedTuple):
    """What makes two sentences sound the same."""

    engine: str
    voice: str
    speed: float
    text: str
    repeatably: bool = False


class SpokenCache:
    """Complete sentences of S16LE PCM, least recently used out first, bounded in bytes."""

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        self.largest = max_bytes // _LARGEST_SHARE
        """Bytes above which a sentence is not worth keeping."""
        self._spoken: LRUCache[SpokenKey, bytes] = LRUCache(max_bytes, getsizeof=len)

    def get(self, key: SpokenKey) -> bytes | None:
        """The audio of the whole sentence, or None."""
        return self._spoken.get(key)

    def put(self, key: SpokenKey, pcm: bytes) -> None:
        """Keep a sentence that was synthesised to its end; too long or empty ones are not."""
        if 0 < len(pcm) <= self.largest:
            self._spoken[key] = pcm

    @property
    def nbytes(self) -> int:
        """Bytes of audio kept now."""
        return int(self._spoken.currsize)

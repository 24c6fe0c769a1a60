from speech.tts.cache import SpokenCache, SpokenKey


def key(text: str) -> SpokenKey:
    return SpokenKey("espeak", "espeak:en-us", 1.0, text)


def test_it_gives_back_what_was_put() -> None:
    cache = SpokenCache(800)
    cache.put(key("a"), b"xy")
    assert cache.get(key("a")) == b"xy"
    assert cache.get(key("b")) is None
    assert cache.get(key("a")._replace(speed=1.5)) is None


def test_it_is_bounded_in_bytes_and_forgets_the_least_recently_used() -> None:
    cache = SpokenCache(800)
    for n in range(8):
        cache.put(key(str(n)), bytes(100))
    cache.get(key("0"))
    cache.put(key("8"), bytes(100))
    assert cache.nbytes == 800
    assert cache.get(key("0")) is not None
    assert cache.get(key("1")) is None


def test_one_long_sentence_does_not_push_out_the_others() -> None:
    cache = SpokenCache(800)
    cache.put(key("a"), bytes(101))
    assert cache.nbytes == 0


def test_no_audio_is_not_kept() -> None:
    cache = SpokenCache(800)
    cache.put(key("a"), b"")
    assert cache.get(key("a")) is None


def test_a_cache_of_no_bytes_keeps_nothing() -> None:
    cache = SpokenCache(0)
    cache.put(key("a"), b"xy")
    assert cache.get(key("a")) is None

"""Which voice speaks a language, when tags are written in many ways."""

from collections.abc import Iterable
from typing import Final

from speech.tts.engine import Voice

# Codes that name one language (IANA subtag registry: deprecated codes and macrolanguages).
_SAME: Final = {"zh": "cmn", "no": "nb", "iw": "he", "jw": "jv", "in": "id", "tl": "fil"}
_SAME_TAG: Final = {"zh-hk": "yue", "zh-yue": "yue"}
# The region meant when none is named and the engine has only regions.
_DEFAULT_REGION: Final = {"en": "en-us", "fr": "fr-fr"}


def normal(tag: str) -> str:
    """A language tag in lower case, with hyphens, and one code per language."""
    tag = tag.strip().lower().replace("_", "-")
    tag = _SAME_TAG.get(tag, tag)
    primary, *rest = tag.split("-")
    return "-".join([_SAME.get(primary, primary), *rest])


def best_voice(language: str, voices: Iterable[Voice]) -> Voice | None:
    """The voice nearest to ``language``: the same tag, else a wider one, else another region."""
    by_tag: dict[str, Voice] = {}
    for voice in voices:
        by_tag.setdefault(normal(voice.language), voice)
    subtags = normal(language).split("-")
    for length in range(len(subtags), 0, -1):
        if found := by_tag.get("-".join(subtags[:length])):
            return found
    if found := by_tag.get(_DEFAULT_REGION.get(subtags[0], "")):
        return found
    regional = [tag for tag in by_tag if tag.split("-")[0] == subtags[0]]
    return by_tag[min(regional, key=len)] if regional else None

"""What a voice should say for a text that was written for the eye (markdown, links, emoji)."""

import re
import unicodedata
from typing import Final
from urllib.parse import urlsplit

_FENCE: Final = re.compile(r"^[ \t]*(?:```|~~~).*$", re.MULTILINE)
_RULE: Final = re.compile(r"^[ \t]*(?:[-*_][ \t]*){3,}$", re.MULTILINE)
_LINE_START: Final = re.compile(r"^[ \t]*(?:>[ \t]*)*(?:#{1,6}[ \t]+|[-*+•][ \t]+)?", re.MULTILINE)
# Lengths are bounded so that a run of opening brackets cannot cost quadratic time.
_LINK: Final = re.compile(r"!?\[([^\[\]]{0,500})\]\([^()\s]{0,2000}(?:[ \t][^()]{0,200})?\)")
_URL: Final = re.compile(r"<?\bhttps?://[^\s<>\"]{1,2000}>?", re.IGNORECASE)
# A mark hugs a word on one side; "2 * 3" and "snake_case" are left alone.
_EMPHASIS: Final = re.compile(r"(?<!\w)[*_~]{1,3}(?=\S)|(?<=[^\s*_~])[*_~]{1,3}(?!\w)|\*\*|~~|`+")
_SPACES: Final = re.compile(r"[ \t\u00a0]+")
_BLANK_LINES: Final = re.compile(r"\s*\n\s*")
_SPEAKABLE: Final = re.compile(r"[^\W_]")
# Cc control, Cs surrogate, Co private use, Cn unassigned, So emoji and other pictures.
_SILENT: Final = frozenset(("Cc", "Cs", "Co", "Cn", "So"))
_SPOKEN_SYMBOLS: Final = frozenset("°©®™№")  # So as well, but words to a voice
# Format characters that shape words in Persian and Indic scripts.
_JOINERS: Final = frozenset("\u200c\u200d")
_LOOSE_JOINERS: Final = re.compile(r"(?:^|(?<=\s))[\u200c\u200d]+")  # left over from emoji
_EMOJI_GLUE: Final = re.compile("[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]")


def speakable(text: str) -> str:
    """The words of ``text``: no markup, no emoji, no control characters, URLs as their host.

    Returns "" when nothing that can be pronounced is left. Markup that looks like SSML is text
    like any other. Never raises, whatever is in the string.
    """
    text = _FENCE.sub("", text)
    text = _RULE.sub("", text)
    text = _LINE_START.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _URL.sub(_host, text)
    text = _EMPHASIS.sub("", text)
    text = "".join(map(_voiced, _EMOJI_GLUE.sub("", text)))
    text = _LOOSE_JOINERS.sub("", text)
    text = _SPACES.sub(" ", _BLANK_LINES.sub("\n", text)).strip()
    return text if _SPEAKABLE.search(text) else ""


def _voiced(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() or character == "\n" else " "
    category = unicodedata.category(character)
    if category in _SILENT and character not in _SPOKEN_SYMBOLS:
        return " " if category == "Cc" else ""
    if category == "Cf" and character not in _JOINERS:
        return ""
    return character


def _host(match: re.Match[str]) -> str:
    url = match[0].strip("<>")
    # Punctuation after a URL belongs to the sentence around it.
    tail = url[len(url.rstrip(".,;:!?)]*_~'")) :]
    try:
        host = urlsplit(url.rstrip(".,;:!?)]*_~'")).hostname or ""
    except ValueError:  # "http://[": not a URL after all
        host = ""
    return host.removeprefix("www.") + tail

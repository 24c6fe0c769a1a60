"""A conversation as plain text, to keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils import timezone
from django.utils.translation import gettext as _

from .models import Conversation, Turn
from .shown_cards import shown_cards
from .visible_text import visible, visible_line


def transcript_text(conversation: Conversation, turns: Iterable[Turn]) -> str:
    """All ``turns`` in their order, each with its time, ending in a line feed.

    Lines within a turn are indented, so that nothing said can pass for the start of a turn.
    """
    started = timezone.localtime(conversation.created_at)
    head = [
        visible_line(str(conversation)),
        _("with %(bot)s, started %(started)s")
        % {
            "bot": visible_line(conversation.bot.name),
            "started": f"{started:%Y-%m-%d %H:%M %Z}",
        },
    ]
    purged_at = conversation.text_purged_at
    if purged_at is not None:
        until = timezone.localtime(purged_at)
        gone = _("What was said until %(until)s has been deleted for its age.")
        head.append(gone % {"until": f"{until:%Y-%m-%d}"})
        turns = (turn for turn in turns if turn.created_at > purged_at)
    bot = visible_line(conversation.bot.name)
    blocks = ["\n".join(head), *("\n".join(_turn_lines(turn, bot)) for turn in turns)]
    return "\n\n".join(blocks) + "\n"


def _turn_lines(turn: Turn, bot: str) -> Iterator[str]:
    who = _("You") if turn.role == Turn.Role.USER else bot
    at = timezone.localtime(turn.created_at)
    yield f"[{at:%Y-%m-%d %H:%M:%S}] {who}:"
    unheard = turn.unheard_text
    heard = turn.text[: len(turn.text) - len(unheard)]
    if heard.strip():
        yield from _indented(heard.strip())
    if unheard.strip():
        yield from _indented(_("(not heard: %(text)s)") % {"text": unheard.strip()})
    for card in shown_cards(turn):
        yield from _indented(" · ".join(filter(None, (card.title, card.price, card.link))))
    if turn.status == Turn.Status.FAILED:
        yield from _indented(_("(this reply failed)"))


def _indented(text: str) -> Iterator[str]:
    return (f"    {line}" for line in visible(text).split("\n"))

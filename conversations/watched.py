"""What members of the staff see of a conversation while it goes on: the turns that have changed.

``look`` reads, ``render`` makes the same pieces of page of it as are in the admin's page.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.template.loader import render_to_string

from .call_rows import live_calls
from .conversation_page import Stretch, changed_since
from .models import Conversation, Turn
from .turn_link import TURNS_PER_PAGE

TEMPLATES = "admin/conversations/conversation"


@dataclass(frozen=True, slots=True)
class Look:
    """``is_live``: somebody is connected. ``may_…``: what the reviewer may besides. ``stretches`` hold one turn each, in order.

    ``has_all``: no turn that has changed is left out.
    """

    conversation: Conversation
    is_live: bool
    may_hear: bool
    may_label: bool
    stretches: tuple[Stretch, ...]
    has_all: bool

    @property
    def streaming(self) -> dict[str, str]:
        """The text, as far as it is stored, of what is being said, by the id of its turn."""
        turns = [turn for stretch in self.stretches for turn in stretch.turns]
        streams = Turn.Status.STREAMING
        return {str(turn.pk): turn.text for turn in turns if turn.status == streams}


def look(
    conversation_id: uuid.UUID, since_rev: int, *, may_hear: bool, may_label: bool
) -> Look | None:
    """What has changed after ``since_rev``; None: there is no such conversation."""
    known = Conversation.objects.select_related("person__user", "bot")
    # Read before the turns: a change between the two is then seen again, and never missed.
    conversation = known.filter(pk=conversation_id).first()
    if conversation is None:
        return None
    is_live = live_calls().filter(conversation=conversation_id).exists()
    stretches = changed_since(conversation, since_rev, may_hear=may_hear)
    has_all = len(stretches) <= TURNS_PER_PAGE
    newest = stretches[-TURNS_PER_PAGE:]
    return Look(conversation, is_live, may_hear, may_label, newest, has_all)


def render(look: Look, texts: Mapping[str, str]) -> tuple[str, list[str]]:
    """The facts, and each turn within its stretch, as HTML. Reads nothing from the database.

    ``texts``: what is known to have been said, by turn, where more may be known than is stored.
    """
    context = {
        "original": look.conversation,
        "may_hear": look.may_hear,
        "may_label": look.may_label,
    }
    facts = render_to_string(f"{TEMPLATES}/_facts.html", context)
    turns: list[str] = []
    for stretch in look.stretches:
        for turn in stretch.turns:
            turn.text = texts.get(str(turn.pk), turn.text)
        turns.append(render_to_string(f"{TEMPLATES}/_stretch.html", context | {"stretch": stretch}))
    return facts, turns

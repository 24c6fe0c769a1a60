"""The columns of the list of conversations: few and narrow, trouble marked by more than colour.

Each value carries its heading in ``.cell-label``, which is shown where a row is a card (phones).
"""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin
from django.db.models import F
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .models import P95_ORDER, Conversation, Grade
from .templatetags.transcript import minutes
from .visible_text import visible_line

# From here on people notice that they wait.
SLOW_MS = 2000
NOTHING = format_html('<span class="nothing">{}</span>', "\u2013")


@admin.display(description=gettext_lazy("who"))
def who(conversation: Conversation) -> SafeString:
    """The person, and how they spoke to which bot."""
    how = [conversation.protocol, conversation.language, str(conversation.bot)]
    return format_html(
        '<bdi>{}</bdi><span class="cell-more">{}</span>',
        visible_line(str(conversation.person)),
        " · ".join(visible_line(word) for word in how if word),
    )


@admin.display(description=gettext_lazy("last turn"), ordering="last_at")
def last_turn(conversation: Conversation) -> SafeString:
    """Whether it goes on now, else when it did last; and since when."""
    if conversation.open_calls:  # type: ignore[attr-defined]
        when = format_html('<strong class="live">{}</strong>', _("live now"))
    else:
        when = _time(conversation.last_at)
    is_same_day = timezone.localdate(conversation.created_at) == timezone.localdate(
        conversation.last_at
    )
    since = format_html(_("since {}"), _time(conversation.created_at, with_day=not is_same_day))
    return format_html('{}<span class="cell-more">{}</span>', when, since)


@admin.display(description=gettext_lazy("length"), ordering="duration_ms")
def length(conversation: Conversation) -> SafeString:
    ms = conversation.duration_ms
    return _labelled(_("length"), minutes(ms) if ms else NOTHING)


@admin.display(description=gettext_lazy("turns"), ordering="turn_count")
def turns(conversation: Conversation) -> SafeString:
    return _labelled(_("turns"), localize(conversation.turn_count))


@admin.display(description=gettext_lazy("cut off"), ordering="interruption_count")
def cut_off(conversation: Conversation) -> SafeString:
    return _labelled(_("cut off"), localize(conversation.interruption_count or NOTHING))


@admin.display(description=gettext_lazy("errors"), ordering="error_count")
def errors(conversation: Conversation) -> SafeString:
    count = conversation.error_count
    return _labelled(_("errors"), _trouble(localize(count)) if count else NOTHING)


@admin.display(description=gettext_lazy("p95"), ordering=P95_ORDER)
def p95(conversation: Conversation) -> SafeString:
    ms = conversation.p95_ms
    if ms is None:
        return _labelled(_("p95"), NOTHING)
    seconds = format_html("{}\u00a0s", localize(round(ms / 1000, 1)))
    return _labelled(_("p95"), _trouble(seconds) if ms >= SLOW_MS else seconds)


@admin.display(description=gettext_lazy("rating"), ordering="disliked_count")
def rating(conversation: Conversation) -> SafeString:
    """What the person thought of the answers."""
    liked, disliked = conversation.liked_count, conversation.disliked_count
    shown = []
    if liked:
        shown.append(format_html('+{}<span class="visually-hidden"> {}</span>', liked, _("liked")))
    if disliked:
        words = format_html(
            '\N{MINUS SIGN}{}<span class="visually-hidden"> {}</span>', disliked, _("disliked")
        )
        shown.append(_trouble(words))
    return _labelled(_("rating"), _beside(shown) or NOTHING)


@admin.display(description=gettext_lazy("review"), ordering=F("grade").asc(nulls_first=True))
def review(conversation: Conversation) -> SafeString:
    """What reviewers noted: that they did, their grade, their tags."""
    shown = []
    if conversation.grade is not None:
        # There is no grade of this number: then nobody knows its name either.
        name = dict(Grade.choices).get(conversation.grade, conversation.grade)
        bad = conversation.grade <= Grade.POOR
        shown.append(_trouble(str(name)) if bad else format_html("{}", name))
    if conversation.reviewed_at is not None:
        by = conversation.reviewed_by
        shown.append(
            format_html('<span class="reviewed">{}</span>', _("reviewed"))
            if by is None
            else format_html(
                '<span class="reviewed"><span class="visually-hidden">{} </span>{}</span>',
                _("reviewed by"),
                visible_line(by.get_username()),
            )
        )
    tags = [format_html('<span class="tag">{}</span>', tag) for tag in conversation.tags.all()]
    if tags:
        shown.append(format_html('<span class="tags">{}</span>', _beside(tags)))
    return _beside(shown) or NOTHING


COLUMNS = (who, last_turn, length, turns, cut_off, errors, p95, rating, review)


def _labelled(label: str, value: str) -> SafeString:
    return format_html('<span class="cell-label">{}</span> {}', label, value)


def _beside(values: list[SafeString]) -> SafeString:
    return format_html_join(" ", "{}", ((value,) for value in values))


def _trouble(value: str) -> SafeString:
    return format_html(
        '<strong class="trouble"><span aria-hidden="true">▲</span>\u00a0{}</strong>', value
    )


def _time(at: datetime, *, with_day: bool = True) -> SafeString:
    local = timezone.localtime(at)
    shown = f"{local:%Y-%m-%d %H:%M}" if with_day else f"{local:%H:%M}"
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), shown)

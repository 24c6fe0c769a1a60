"""What the list of conversations is narrowed by, besides who, bot and date.

None of them joins: on the way to the first page every row of the list would be joined.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.guest_filter import GuestFilter
from accounts.models import Person

from .call_rows import live_conversations
from .distinct_values import distinct_values
from .list_columns import SLOW_MS
from .models import Conversation, Grade, Tag
from .visible_text import visible_line

MINUTE_MS = 60_000
# Clients name languages and reviewers make tags: a list of links ends somewhere.
SHOWN_VALUES = 50


class WhoFilter(GuestFilter):
    user_field = "person__user"

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Conversation]
    ) -> QuerySet[Conversation]:
        """Guests as those who are no users: a join would sort all that guests ever said."""
        if self.value() == "guest":
            return queryset.exclude(person__in=Person.objects.filter(user__isnull=False))
        return super().queryset(request, queryset)


class ChoiceFilter(admin.SimpleListFilter):
    """Choices that each stand for a condition. A choice that there is not narrows nothing."""

    choice: ClassVar[dict[str, tuple[str | Promise, Q]]]

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, (label, _condition) in self.choice.items()]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Conversation]
    ) -> QuerySet[Conversation]:
        _label, condition = self.choice.get(self.value() or "", ("", Q()))
        return queryset.filter(condition)


class TroubleFilter(ChoiceFilter):
    title = gettext_lazy("trouble")
    parameter_name = "trouble"
    choice = {
        "errors": (gettext_lazy("with errors"), Q(error_count__gt=0)),
        "interruptions": (gettext_lazy("with interruptions"), Q(interruption_count__gt=0)),
        "none": (gettext_lazy("neither"), Q(error_count=0, interruption_count=0)),
    }


class SpeedFilter(ChoiceFilter):
    title = gettext_lazy("p95 to the answer")
    parameter_name = "p95"
    choice = {
        "quick": (gettext_lazy("under 1 s"), Q(p95_ms__lt=1000)),
        "fair": (gettext_lazy("1 to 2 s"), Q(p95_ms__gte=1000, p95_ms__lt=SLOW_MS)),
        "slow": (gettext_lazy("2 s and more"), Q(p95_ms__gte=SLOW_MS)),
    }


class LengthFilter(ChoiceFilter):
    title = gettext_lazy("length")
    parameter_name = "length"
    choice = {
        "1": (gettext_lazy("under 1 minute"), Q(duration_ms__lt=MINUTE_MS)),
        "5": (
            gettext_lazy("1 to 5 minutes"),
            Q(duration_ms__gte=MINUTE_MS, duration_ms__lt=5 * MINUTE_MS),
        ),
        "30": (
            gettext_lazy("5 to 30 minutes"),
            Q(duration_ms__gte=5 * MINUTE_MS, duration_ms__lt=30 * MINUTE_MS),
        ),
        "more": (gettext_lazy("30 minutes and more"), Q(duration_ms__gte=30 * MINUTE_MS)),
    }


class TurnsFilter(ChoiceFilter):
    title = gettext_lazy("turns")
    parameter_name = "turn_count"
    choice = {
        "2": (gettext_lazy("up to 2"), Q(turn_count__lte=2)),
        "10": (gettext_lazy("3 to 10"), Q(turn_count__gt=2, turn_count__lte=10)),
        "50": (gettext_lazy("11 to 50"), Q(turn_count__gt=10, turn_count__lte=50)),
        "more": (gettext_lazy("more than 50"), Q(turn_count__gt=50)),
    }


class RatingFilter(ChoiceFilter):
    title = gettext_lazy("rating by the person")
    parameter_name = "rating"
    choice = {
        "disliked": (gettext_lazy("disliked an answer"), Q(disliked_count__gt=0)),
        "liked": (gettext_lazy("liked an answer"), Q(liked_count__gt=0)),
        "none": (gettext_lazy("rated nothing"), Q(disliked_count=0, liked_count=0)),
    }


class GradeFilter(ChoiceFilter):
    title = gettext_lazy("grade")
    parameter_name = "grade"
    choice = {
        **{str(grade.value): (grade.label, Q(grade=grade.value)) for grade in Grade},
        "none": (gettext_lazy("no grade"), Q(grade__isnull=True)),
    }


class ReviewedFilter(admin.SimpleListFilter):
    title = gettext_lazy("reviewed")
    parameter_name = "reviewed"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        return [("no", _("not yet")), ("yes", _("reviewed")), ("me", _("by me"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Conversation]
    ) -> QuerySet[Conversation]:
        match self.value():
            case "no":
                return queryset.filter(reviewed_at__isnull=True)
            case "yes":
                return queryset.filter(reviewed_at__isnull=False)
            case "me":
                return queryset.filter(reviewed_at__isnull=False, reviewed_by=request.user.pk)
        return queryset


class LiveFilter(admin.SimpleListFilter):
    title = gettext_lazy("live")
    parameter_name = "live"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        return [("now", _("live now")), ("over", _("not live"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Conversation]
    ) -> QuerySet[Conversation]:
        match self.value():
            case "now":
                return queryset.filter(pk__in=live_conversations())
            case "over":
                return queryset.exclude(pk__in=live_conversations())
        return queryset


class ValueFilter(admin.SimpleListFilter):
    """Every value that a column has, as far as that can be listed. The column has an index."""

    column: ClassVar[str]

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        values = distinct_values(self.column, SHOWN_VALUES)
        return [(value, visible_line(value)) for value in values]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Conversation]
    ) -> QuerySet[Conversation]:
        chosen = self.value()
        return queryset if chosen is None else queryset.filter(**{self.column: chosen})


class ProtocolFilter(ValueFilter):
    title = gettext_lazy("protocol")
    parameter_name = column = "protocol"


class LanguageFilter(ValueFilter):
    title = gettext_lazy("language")
    parameter_name = column = "language"


class TagFilter(admin.SimpleListFilter):
    title = gettext_lazy("tag")
    parameter_name = "tag"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        tags = [(str(tag.pk), str(tag)) for tag in Tag.objects.all()[:SHOWN_VALUES]]
        return [*tags, ("none", _("no tag"))] if tags else []

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Conversation]
    ) -> QuerySet[Conversation]:
        chosen = self.value()
        tagged = Conversation.tags.through.objects
        if chosen == "none":
            return queryset.exclude(pk__in=tagged.values("conversation_id"))
        if chosen is None:
            return queryset
        if not (chosen.isascii() and chosen.isdigit() and len(chosen) < 19):
            return queryset.none()
        with_it = tagged.filter(tag_id=int(chosen))
        return queryset.filter(pk__in=with_it.values("conversation_id"))


FILTERS = (
    TroubleFilter,
    SpeedFilter,
    RatingFilter,
    ReviewedFilter,
    GradeFilter,
    TagFilter,
    LiveFilter,
    WhoFilter,
    ProtocolFilter,
    LanguageFilter,
    "bot",
    LengthFilter,
    TurnsFilter,
    "created_at",
    "last_at",
)

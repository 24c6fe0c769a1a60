"""Staff edit bots and answers here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from .engines import UnknownEngine, engine_class
from .models import Answer, Bot


class BotForm(forms.ModelForm[Bot]):
    """Refuses an engine that cannot be found, before a person meets it."""

    class Meta:
        model = Bot
        fields = (
            "name", "slug", "is_default", "engine", "prompt", "greeting", "voice", "language",
        )  # fmt: skip

    def clean_engine(self) -> str:
        engine: str = self.cleaned_data["engine"].strip()
        if engine:
            try:
                engine_class(engine, source=str(_("The engine")))
            except UnknownEngine as error:
                raise ValidationError(str(error)) from error
        return engine


@admin.register(Bot)
class BotAdmin(admin.ModelAdmin[Bot]):
    form = BotForm
    list_display = ("name", "slug", "engine_or_default", "language", "voice", "is_default")
    list_filter = ("language", "is_default")
    search_fields = ("name", "slug", "engine")
    prepopulated_fields = {"slug": ("name",)}

    @admin.display(description=_("engine"), ordering="engine")
    def engine_or_default(self, bot: Bot) -> str:
        return bot.engine or str(_("as VOICECHAT_DIALOGUE"))

    def has_delete_permission(self, request: HttpRequest, obj: Bot | None = None) -> bool:
        """The default bot stays: first make another one the default."""
        is_default = obj is not None and obj.is_default
        return not is_default and super().has_delete_permission(request, obj)

    def get_deleted_objects(
        self, objs: QuerySet[Bot] | Sequence[Bot], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[Any]]:
        """What keeps a bot, as counts: there may be very many conversations, and titles say what was said."""
        bots = Bot.objects.filter(pk__in=[bot.pk for bot in objs])
        counts = {
            str(Bot._meta.verbose_name_plural): len(objs),
            str(Answer._meta.verbose_name_plural): Answer.objects.filter(bot__in=bots).count(),
        }
        kept = [
            ngettext(
                "%(bot)s: %(count)d conversation", "%(bot)s: %(count)d conversations", bot.kept
            )
            % {"bot": bot, "count": bot.kept}
            for bot in bots.annotate(kept=Count("conversations")).filter(kept__gt=0)
        ]
        denied = {
            str(model._meta.verbose_name)
            for model in (Bot, Answer)
            if counts[str(model._meta.verbose_name_plural)]
            and not self.admin_site.get_model_admin(model).has_delete_permission(request)
        }
        return [str(bot) for bot in objs], counts, denied, kept

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Bot]) -> None:
        super().delete_queryset(request, queryset.filter(is_default=False))


@admin.register(Answer)
class AnswerAdmin(admin.ModelAdmin[Answer]):
    list_display = ("__str__", "beginning", "bot", "enabled", "updated_at")
    list_filter = ("enabled", "bot")
    list_select_related = ("bot",)
    search_fields = ("questions", "text")
    fields = ("questions", "text", "bot", "enabled")
    actions = ("enable", "disable")

    @admin.display(description=_("answer"))
    def beginning(self, answer: Answer) -> str:
        return Truncator(answer.text).chars(80)

    @admin.action(description=_("Enable selected answers"), permissions=["change"])
    def enable(self, _request: HttpRequest, answers: QuerySet[Answer]) -> None:
        _set_enabled(answers, enabled=True)

    @admin.action(description=_("Disable selected answers"), permissions=["change"])
    def disable(self, _request: HttpRequest, answers: QuerySet[Answer]) -> None:
        _set_enabled(answers, enabled=False)


def _set_enabled(answers: QuerySet[Answer], *, enabled: bool) -> None:
    # One by one, so that the time of the change tells every process.
    for answer in answers:
        answer.enabled = enabled
        answer.save(update_fields=["enabled", "updated_at"])

"""Bots, and the answers that staff write for them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _


class Bot(models.Model):
    """Whom a conversation is with: which engine answers, as whom, in which voice and language.

    As soon as there is a bot, exactly one is the default: saving another one as the default moves
    the mark, and the mark of the only default cannot be taken away.
    """

    slug = models.SlugField(_("short name"), unique=True)
    name = models.CharField(_("name"), max_length=80)
    engine = models.CharField(
        _("engine"),
        max_length=200,
        blank=True,
        help_text=_(
            "builtin, openai, or the dotted path of your own class. Empty: what VOICECHAT_DIALOGUE "
            "says."
        ),
    )
    prompt = models.TextField(
        _("prompt"), blank=True, help_text=_("What a language model is told before the first turn.")
    )
    greeting = models.TextField(
        _("greeting"), blank=True, help_text=_("Shown and spoken when a conversation begins.")
    )
    voice = models.CharField(
        _("voice"),
        max_length=100,
        blank=True,
        help_text=_("Such as espeak:en-us. Empty: the best available."),
    )
    language = models.CharField(_("language"), max_length=16, default="en")
    is_default = models.BooleanField(
        _("default"), default=False, help_text=_("New conversations are with the default bot.")
    )

    class Meta:
        verbose_name = _("bot")
        verbose_name_plural = _("bots")
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_bot"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            others = Bot.objects.filter(is_default=True).exclude(pk=self.pk)
            if self.is_default:
                others.update(is_default=False)
            elif not others.exists():
                self.is_default = True
            super().save(*args, **kwargs)

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        # A form that marks a second default is right: save() moves the mark.
        super().validate_constraints({*(exclude or ()), "is_default"})


class Answer(models.Model):
    """What the builtin engine says to a question, however it is phrased."""

    key = models.SlugField(
        _("key"),
        unique=True,
        null=True,
        editable=False,
        help_text=_("The name it has in a file it was loaded from."),
    )
    bot = models.ForeignKey(
        Bot,
        verbose_name=_("bot"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="answers",
        help_text=_("Empty: every bot with the builtin engine gives this answer."),
    )
    questions = models.TextField(
        _("questions"),
        help_text=_("Ways to ask for it, one a line. Spelling mistakes are forgiven."),
    )
    text = models.TextField(_("answer"), help_text=_("Spoken as it stands: write short sentences."))
    enabled = models.BooleanField(_("enabled"), default=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True, db_index=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")

    def __str__(self) -> str:
        return self.phrasings[0] if self.phrasings else self.text[:60]

    @property
    def phrasings(self) -> list[str]:
        return [line.strip() for line in self.questions.splitlines() if line.strip()]

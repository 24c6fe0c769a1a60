"""API keys, and what was done with them. The text of a key is not kept, only its hash."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

_AT_LEAST_ONE = [MinValueValidator(1)]


class ApiKey(models.Model):
    """One key of one user. ``prefix`` is what may be shown of it, to tell it from others."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        related_name="api_keys",
    )
    name = models.CharField(
        _("name"), max_length=100, blank=True, help_text=_("What it is for, in your own words.")
    )
    prefix = models.CharField(_("begins with"), max_length=16, editable=False)
    hash = models.CharField(max_length=64, unique=True, editable=False)

    tts = models.BooleanField(_("speech synthesis"), default=True, help_text=_("Text to speech."))
    voice = models.BooleanField(
        _("voice"), default=False, help_text=_("Voice chat and transcription.")
    )
    realtime = models.BooleanField(
        _("realtime"), default=False, help_text=_("The Realtime protocol.")
    )

    commands_per_minute = models.PositiveIntegerField(
        _("commands a minute"), default=600, validators=_AT_LEAST_ONE
    )
    characters_per_minute = models.PositiveIntegerField(
        _("characters a minute"),
        default=200_000,
        validators=_AT_LEAST_ONE,
        help_text=_("Of text that is spoken."),
    )
    sockets = models.PositiveIntegerField(
        _("sockets at a time"), default=20, validators=_AT_LEAST_ONE
    )

    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}…" + (f" ({self.name})" if self.name else "")

    @property
    def is_active(self) -> bool:
        return self.revoked_at is None

    def revoke(self) -> None:
        """From now on it opens nothing. A second call changes nothing."""
        if self.revoked_at is None:
            self.revoked_at = timezone.now()
            self.save(update_fields=["revoked_at"])


class ApiKeyUsage(models.Model):
    """What was done with a key on one day (UTC)."""

    key = models.ForeignKey(
        ApiKey, verbose_name=_("API key"), on_delete=models.CASCADE, related_name="usage"
    )
    day = models.DateField(_("day"))
    commands = models.PositiveBigIntegerField(_("commands"), default=0)
    characters = models.PositiveBigIntegerField(_("characters"), default=0)
    spoken_ms = models.PositiveBigIntegerField(_("spoken ms"), default=0)
    heard_ms = models.PositiveBigIntegerField(_("transcribed ms"), default=0)
    refused = models.PositiveBigIntegerField(_("refused"), default=0)

    class Meta:
        verbose_name = _("usage of an API key")
        verbose_name_plural = _("usage of API keys")
        ordering = ["-day"]
        constraints = [
            models.UniqueConstraint(fields=["key", "day"], name="one_usage_per_key_and_day")
        ]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"

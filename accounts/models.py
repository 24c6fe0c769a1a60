"""Who is there: users, and the persons they (or guests) are in conversations."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A login. Kept as a model of its own so that it can grow without a painful migration."""


class Person(models.Model):
    """Somebody who talks: a guest (``user`` empty) or a user.

    Conversations belong to persons. When a guest logs in, the guest's person is given to the user
    by one update, with everything that hangs on it; a user may therefore have several persons.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        User,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="persons",
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("persons")

    def __str__(self) -> str:
        if self.user is not None:
            return self.user.get_username()
        return str(_("Guest %(id)s") % {"id": str(self.id)[:8]})

    @property
    def is_guest(self) -> bool:
        return self.user_id is None


from .api_keys.models import ApiKey, ApiKeyUsage  # noqa: E402 (need a User before them)

__all__ = ["ApiKey", "ApiKeyUsage", "Person", "User"]

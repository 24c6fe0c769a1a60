"""Which bot a conversation is with."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from .engine import BotInfo
from .models import Bot


def bot_info(bot: Bot) -> BotInfo:
    """The row without the database, as engines get it."""
    return BotInfo(
        slug=bot.slug,
        name=bot.name,
        engine=bot.engine,
        prompt=bot.prompt,
        greeting=bot.greeting,
        voice=bot.voice,
        language=bot.language,
    )


def default_bot() -> Bot:
    """The default bot; the oldest one if none is marked; a new plain one if there is none at all."""
    bot = Bot.objects.order_by("-is_default", "pk").first()
    if bot is not None:
        return bot
    try:
        with transaction.atomic():
            return Bot.objects.create(slug="default", name=_("Assistant"), is_default=True)
    except IntegrityError:  # another process was faster
        return Bot.objects.get(slug="default")


def bot_by_slug(slug: str) -> Bot | None:
    """The bot of this short name, the default one for an empty name, ``None`` if there is none."""
    if not slug:
        return default_bot()
    return Bot.objects.filter(slug=slug).first()

"""What a tag may be called."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from ..models import Tag
from ..visible_text import visible

CHARS = 40
PER_CONVERSATION = 20


def cleaned(name: str) -> str:
    """``name`` on one line, without space around it. Raises ValidationError."""
    name = " ".join(name.split())
    if not name:
        raise ValidationError(_("A tag has a name."))
    if len(name) > CHARS:
        raise ValidationError(
            _("“%(name)s…” is too long: a tag has at most %(count)d characters.")
            % {"name": visible(name[:CHARS]), "count": CHARS}
        )
    if visible(name) != name:
        raise ValidationError(
            _("“%(name)s” has characters that do not show: a tag has none.")
            % {"name": visible(name)}
        )
    if "," in name:
        raise ValidationError(_("Commas are between tags, not in them."))
    return name


def tag_of(name: str) -> Tag:
    """The tag of this name (``cleaned``), however it is capitalised; a new one if there is none."""
    known = Tag.objects.filter(name__iexact=name).first()
    return known if known is not None else Tag.objects.get_or_create(name=name)[0]

"""What the page of a conversation needs to know of corrections."""

from __future__ import annotations

from django import template

from conversations.labels.keeping import can_be_corrected, correction_version_of
from conversations.visible_text import without_hidden

register = template.Library()
register.filter("without_hidden", without_hidden)
register.filter("can_be_corrected", can_be_corrected)
register.filter("correction_version", correction_version_of)

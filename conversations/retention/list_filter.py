"""What the list of conversations is narrowed by: what is kept longer, and what is gone."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy

from ..list_filters import ChoiceFilter


class KeptFilter(ChoiceFilter):
    title = gettext_lazy("kept")
    parameter_name = "kept"
    choice = {
        "held": (gettext_lazy("on legal hold"), Q(legal_hold=True)),
        "asked": (
            gettext_lazy("on legal hold, to be deleted"),
            Q(legal_hold=True, erasure_asked_at__isnull=False),
        ),
        "no_sound": (gettext_lazy("sound deleted"), Q(sound_purged_at__isnull=False)),
        "no_text": (gettext_lazy("text deleted"), Q(text_purged_at__isnull=False)),
    }

"""The names of PlayAI's models, under which our one set of voices is served.

No model is another engine here: the voice decides. Clients ask for an address by the model's name, and
some (pyht) then send commands for other models over it.
"""

from __future__ import annotations

from typing import Final

MODELS: Final = (
    "Play3.0-mini",
    "PlayDialog",
    "PlayDialogMultilingual",
    "PlayDialogArabic",
    "PlayDialogHindi",
    "PlayDialogLora",
    "PlayDialog-turbo",
)
DEFAULT: Final = "PlayDialog"

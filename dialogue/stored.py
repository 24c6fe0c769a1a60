"""The JSON in which a reply is kept, in the three shapes of the original backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from .engine import Card


def stored_shape(
    kind: str, text: str, cards: Sequence[Card | dict[str, Any]] = (), items: Sequence[str] = ()
) -> dict[str, Any]:
    """What to store for a reply of ``kind`` (generic, property, realtime or greeting).

    Raises ``ValueError`` for any other kind.
    """
    match kind:
        case "property":
            return {"propertyData": {"cards": msgspec.to_builtins(list(cards)), "text": text}}
        case "realtime":
            return {"realtimeData": list(items)}
        case "generic" | "greeting":
            return {"genericData": text}
        case _:
            raise ValueError(f"There are no replies of kind {kind!r}.")

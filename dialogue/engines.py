"""From the name of a dialogue engine to the engine: one instance per name and process."""

from __future__ import annotations

import threading
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from .engine import DialogueEngine, DialogueError

SHIPPED = {
    "builtin": "dialogue.builtin.BuiltinEngine",
    "openai": "dialogue.openai_engine.OpenAIEngine",
}

_engines: dict[str, DialogueEngine] = {}
_making = threading.Lock()


class UnknownEngine(DialogueError):
    """No engine can be made from this name; the text says where the name stands and what is wrong."""


def engine_if_made(bot_engine: str = "") -> DialogueEngine | None:
    """What ``engine_for`` would give, if it need not make it first."""
    return _engines.get(bot_engine.strip() or settings.VOICECHAT_DIALOGUE)


def engine_for(bot_engine: str = "") -> DialogueEngine:
    """The engine that a bot names: ``builtin``, ``openai`` or the dotted path of a class.

    An empty name means ``settings.VOICECHAT_DIALOGUE``. Raises ``UnknownEngine``.
    """
    name = bot_engine.strip() or settings.VOICECHAT_DIALOGUE
    engine = _engines.get(name)
    if engine is None:
        with _making:
            engine = _engines.get(name)
            if engine is None:
                engine = _engines[name] = _make(name, bot_engine)
    return engine


def engine_class(name: str, *, source: str) -> type[DialogueEngine]:
    """The class that ``name`` means. ``source`` says where the name stands, for ``UnknownEngine``."""
    path = SHIPPED.get(name, name)
    if "." not in path:
        raise UnknownEngine(
            _(
                "%(source)s is “%(name)s”, which is no dialogue engine. Use builtin, openai or the "
                "dotted path of a class, such as mypackage.MyBot."
            )
            % {"source": source, "name": name}
        )
    try:
        found = import_string(path)
    except Exception as error:  # the module is the operator's: it may raise anything
        raise UnknownEngine(
            _("%(source)s is “%(name)s”, which cannot be imported: %(error)s")
            % {
                "source": source,
                "name": name,
                # Any other text might hold what no person should read; the log has it.
                "error": error if isinstance(error, ImportError) else type(error).__name__,
            }
        ) from error
    if not isinstance(found, type) or not callable(getattr(found, "reply", None)):
        raise UnknownEngine(
            _("%(source)s is “%(name)s”, which is not a class with a method “reply”.")
            % {"source": source, "name": name}
        )
    return cast("type[DialogueEngine]", found)


def _make(name: str, bot_engine: str) -> DialogueEngine:
    source = _("The engine of this bot") if bot_engine.strip() else "VOICECHAT_DIALOGUE"
    made_of = engine_class(name, source=source)
    try:
        return made_of()
    except Exception as error:  # as above
        raise UnknownEngine(
            _("%(source)s is “%(name)s”, which cannot be started: %(error)s")
            % {"source": source, "name": name, "error": type(error).__name__}
        ) from error

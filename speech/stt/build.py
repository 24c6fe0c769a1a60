"""Which recogniser a process has."""

from importlib import import_module

from speech.stt.engine import Recogniser


def build_recogniser(name: str) -> Recogniser | None:
    """The recogniser of that name, or of a class at that dotted path; None for "none"."""
    if name == "none":
        return None
    module, _, attribute = name.rpartition(".")
    recogniser: Recogniser = getattr(import_module(module), attribute)()
    return recogniser

"""What a dialogue engine may ask the person for while it answers: fields of a small form. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

MOST_FIELDS = 12
MOST_CHARS = 2_000
"""Of one answer; the rest is left out."""

Kind = Literal["text", "number", "email", "tel", "date", "choice"]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}(?![\s\S])")]
Label = Annotated[str, msgspec.Meta(max_length=200)]


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing to fill in. ``label`` is for people, ``name`` for the engine.

    ``choices`` are those of the kind *choice*. ``required`` is a hint for forms: what was left empty
    comes as an empty text all the same.
    """

    name: Name
    label: Label = ""
    kind: Kind = "text"
    required: bool = False
    choices: tuple[Label, ...] = ()


def checked_fields(fields: object) -> tuple[Field, ...]:
    """The fields an engine asks for. Raises ``TypeError`` for what is no form."""
    if not isinstance(fields, Sequence) or not 0 < len(fields) <= MOST_FIELDS:
        raise TypeError(f"A dialogue engine asks for 1 to {MOST_FIELDS} fields at a time.")
    try:
        checked = msgspec.convert([_as_dict(field) for field in fields], tuple[Field, ...])
    except msgspec.ValidationError as error:
        raise TypeError(f"A Field of a dialogue engine is wrong: {error}.") from error
    if len({field.name for field in checked}) < len(checked):
        raise TypeError("Two fields of a dialogue engine have one name.")
    return checked


def _as_dict(field: object) -> dict[str, Any]:
    if not isinstance(field, Field):
        raise TypeError(f"A dialogue engine asks for Field, not {type(field).__name__}.")
    return msgspec.structs.asdict(field)


def answers_to(fields: Sequence[Field], given: object) -> dict[str, str]:
    """What the person filled in, by the names of ``fields``; what is missing is empty.

    ``given`` is an object of values by name; a list of them in the order of the fields; or one
    value, which is the first field's.
    """
    values: Mapping[str, object]
    if isinstance(given, Mapping):
        values = given
    else:
        in_order = given if isinstance(given, list) else [given]
        values = dict(zip((field.name for field in fields), in_order, strict=False))
    return {field.name: _text(values.get(field.name)) for field in fields}


def as_texts(given: object) -> dict[str, str] | list[str]:
    """What ``answers_to`` would read in ``given``, so that it can travel: nothing deep, no large number."""
    if isinstance(given, Mapping):
        return {name: _text(value) for name, value in given.items()}
    return [_text(value) for value in (given if isinstance(given, list) else [given])]


def _text(value: object) -> str:
    match value:
        case str():
            text = value
        case bool():
            text = "true" if value else "false"
        case int() | float():
            text = str(value)
        case _:
            text = ""
    # What JSON and PostgreSQL can hold: no NUL, no half of a surrogate pair.
    return text[:MOST_CHARS].replace("\0", "").encode("utf-8", "replace").decode()

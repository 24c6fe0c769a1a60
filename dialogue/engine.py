"""What a dialogue engine is: one async method that takes a turn and yields typed pieces.

An engine is any object with ``reply``; docs/engines.md shows one of ten lines. It may be an async
generator; closing it (the person interrupted, or left) raises ``asyncio.CancelledError`` or
``GeneratorExit`` at its ``await`` or ``yield``, so ``try/finally`` cleans up as usual.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import msgspec

from .asking import Field, checked_fields

MOST_CARDS = 24
"""Of one piece; the rest is left out. Nobody looks at more, and each goes over the socket."""


@dataclass(frozen=True, slots=True)
class Said:
    """One earlier turn, as the person heard it: an interrupted reply ends where it was cut."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class PersonInfo:
    """Who asks. ``id`` is the person's UUID; ``name`` is empty for guests."""

    id: str
    name: str = ""
    is_guest: bool = True


@dataclass(frozen=True, slots=True)
class BotInfo:
    """Whom they ask: the row in the admin, without the database."""

    slug: str = "default"
    name: str = "Assistant"
    engine: str = ""
    prompt: str = ""
    greeting: str = ""
    voice: str = ""
    language: str = "en"


class DialogueError(Exception):
    """The engine cannot answer; ``str(error)`` is shown to the person."""


class NotAnswered(DialogueError):
    """The person did not fill in what they were asked for, or nobody can ask them."""


async def _nobody(fields: tuple[Field, ...]) -> dict[str, str]:
    raise NotAnswered("You cannot be asked for anything here.")


@dataclass(frozen=True, slots=True)
class UserTurn:
    """What an engine is asked: the new text, and all that it may need to answer it.

    ``history`` is oldest first, without ``text``, and bounded (the last 40 turns).
    ``language`` is a BCP 47 tag such as ``en`` or ``pt-BR``.
    """

    text: str
    history: Sequence[Said] = ()
    person: PersonInfo = field(default_factory=lambda: PersonInfo(id=""))
    bot: BotInfo = field(default_factory=BotInfo)
    language: str = "en"
    # How the person is asked; given by whoever asks the engine.
    form: Callable[[tuple[Field, ...]], Awaitable[dict[str, str]]] = _nobody

    async def ask(self, fields: Sequence[Field]) -> dict[str, str]:
        """Ask the person to fill in a form, and wait: their answers by the names of the fields.

        What was left empty is an empty text. Raises ``NotAnswered`` when nothing has come within
        five minutes; when the person says something else meanwhile, the reply is cut like any other.
        """
        return await self.form(checked_fields(fields))


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing to look at, such as a listing. All strings are plain text; URLs are http(s)."""

    title: str
    subtitle: str = ""
    price: str = ""
    text: str = ""
    image: str = ""
    url: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """The next few characters of the answer. Spoken as soon as a sentence is complete."""

    delta: str


@dataclass(frozen=True, slots=True)
class Cards:
    """Cards to show at once. Makes the reply of kind *property*; ``Text`` adds its spoken summary."""

    cards: Sequence[Card]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of live information, a sentence or two. Makes the reply of kind *realtime*."""

    text: str


Piece = Text | Cards | Item


class DialogueEngine(Protocol):
    """The whole interface. Raise ``DialogueError`` to tell the person something in your words."""

    def reply(self, turn: UserTurn) -> AsyncIterator[Piece]: ...


async def ask(engine: DialogueEngine, turn: UserTurn) -> AsyncGenerator[Piece, None]:
    """The pieces of an engine's reply, checked; closing this closes the engine's own generator.

    Raises ``TypeError`` for what is not a piece, and whatever the engine raises.
    """
    pieces = engine.reply(turn)
    try:
        async for piece in pieces:
            yield _checked(piece)
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()


def _checked(piece: object) -> Piece:
    match piece:
        case Text(str(delta)):
            return Text(_plain(delta))
        case Item(str(text)):
            return Item(_plain(text))
        case Cards(cards) if isinstance(cards, Sequence):
            return Cards([_clean(card) for card in cards[:MOST_CARDS]])
        case Text(wrong) | Item(wrong) | Cards(wrong):
            name = type(piece).__name__
            raise TypeError(f"{name} of a dialogue engine holds {type(wrong).__name__}.")
    raise TypeError(f"A dialogue engine yields Text, Cards or Item, not {type(piece).__name__}.")


def _clean(card: object) -> Card:
    """The card with fields of the right types, text that can be kept and addresses of the web."""
    if not isinstance(card, Card):
        raise TypeError(f"Cards of a dialogue engine hold Card, not {type(card).__name__}.")
    try:
        card = msgspec.convert(msgspec.structs.asdict(card), Card)
    except msgspec.ValidationError as error:
        raise TypeError(f"A Card of a dialogue engine is wrong: {error}.") from error
    return Card(
        title=_plain(card.title),
        subtitle=_plain(card.subtitle),
        price=_plain(card.price),
        text=_plain(card.text),
        image=_web_address(card.image),
        url=_web_address(card.url),
        facts=tuple((_plain(name), _plain(value)) for name, value in card.facts),
    )


def _web_address(text: str) -> str:
    address = _plain(text).strip()
    return address if address.lower().startswith(("http://", "https://")) else ""


def _plain(text: str) -> str:
    """What JSON and PostgreSQL can hold: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()

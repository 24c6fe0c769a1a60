"""Somebody says a word among many others and is erased: where is it found before, and after?

A process of its own, because it looks at a database in files: ``python -m … WAY``. What it prints is
what ``test_scan.py`` reads.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Person, User  # noqa: E402
from accounts.people import SESSION_KEY  # noqa: E402
from conversations import recorder  # noqa: E402
from conversations.models import AudioSegment, Conversation, Turn  # noqa: E402
from conversations.retention import background  # noqa: E402
from conversations.search import search  # noqa: E402
from conversations.spool import Spool  # noqa: E402
from conversations.stored import FinishedReply  # noqa: E402
from dialogue.models import Bot  # noqa: E402

WORD = "qyzzyvaxjw"
# As samples of sound that no voice makes.
PATTERN = bytes(range(64)) * 4
CROWD = 40
TURNS = 5
SPOOL = settings.VOICECHAT_DATA_DIR / "spool"


class Voice:
    """A person in one conversation, who says something and is answered, all through the recorder."""

    def __init__(self, person: Person, bot: Bot, said: str, pattern: bytes) -> None:
        self.call = recorder.LiveCall(
            id=str(uuid.uuid4()),
            conversation=str(uuid.uuid4()),
            person=str(person.pk),
            bot_id=bot.pk,
            language="en",
            protocol="native",
            instance="scenario",
            started_at=timezone.now(),
            client_label=f"label {said}",
            is_new=True,
        )
        self.said = said
        self.pattern = pattern

    def speak(self, number: int) -> None:
        said, turn, reply = self.said, str(uuid.uuid4()), str(uuid.uuid4())
        recorder.begin_turn(
            self.call,
            turn_id=turn,
            reply_id=reply,
            client_id=f"{number} {said}",
            text=f"{said} is what I ask about, for the time number {number}",
        )
        self.call = replace(self.call, is_new=False, is_open=True)
        answer = f"I have heard of {said} {'and so on ' * number}"
        for end in (20, 60):
            recorder.renew_lease(self.call, reply, answer[:end])
        recorder.write_conversation_data_into_database(
            self.call,
            FinishedReply(
                id=reply,
                kind="property",
                status="interrupted",
                text=answer,
                heard_text=answer[:30],
                heard_ms=700,
                cards=({"title": f"The {said}"},),
                items=(said,),
            ),
            tuple(
                recorder.Recording(file, 0)
                for file in (self._sound(turn, "person"), self._sound(reply, "bot"))
            ),
        )

    def _sound(self, turn: str, track: str) -> Any:
        async def spooled() -> Any:
            spool = Spool(SPOOL, turn, track, 16_000)
            await spool.append(self.pattern * 10)
            return await spool.close()

        return asyncio.run(spooled())


def told() -> tuple[Person, Client, list[str]]:
    """Somebody's conversations among those of a crowd; the ids of all that is theirs alone."""
    bot, _ = Bot.objects.get_or_create(slug="scenario", defaults={"name": "Scenario"})
    person, others = Person.objects.create(), Person.objects.create()
    client = Client()
    session = client.session
    session[SESSION_KEY] = str(person.pk)
    session.save()
    voices = [
        Voice(person, bot, WORD, PATTERN)
        if number % 20 == 10
        else Voice(others, bot, f"word{number}", bytes(512))
        for number in range(CROWD)
    ]
    for number in range(TURNS):
        for voice in voices:
            voice.speak(number)
    for voice in voices:
        recorder.end_call(voice.call, 1000)
    own = Conversation.objects.filter(person=person)
    own.update(note=f"Note: {WORD}")
    Turn.objects.filter(conversation__in=own).update(corrected_text=f"No, {WORD}!")
    lost = Turn.objects.filter(conversation__in=own).first()
    assert lost is not None
    # What the store did not take waits in the spool.
    (SPOOL / f"{lost.pk}.bot-7.wav").write_bytes(PATTERN)
    ids = [
        *own.values_list("pk", flat=True),
        *Turn.objects.filter(conversation__in=own).values_list("pk", flat=True),
        *AudioSegment.objects.filter(turn__conversation__in=own).values_list("pk", flat=True),
    ]
    assert search(WORD).hits
    return person, client, [str(id) for id in ids]


def forms_of(text: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        yield text.encode(encoding)
        yield text.upper().encode(encoding)


def needles(ids: list[str]) -> dict[str, list[bytes]]:
    """What is looked for. FTS5 keeps a word without what it shares with the one before."""
    return {
        "word": [form for part in (WORD, WORD[2:]) for form in forms_of(part)],
        "sound": [PATTERN],
        "ids": [
            form
            for id in ids
            for form in (id.encode(), uuid.UUID(id).hex.encode(), uuid.UUID(id).bytes)
        ],
    }


def found(ids: list[str]) -> dict[str, list[str]]:
    """In which files (or tables) each of them is found, in a name or in a byte."""
    places: dict[str, list[str]] = {}
    wanted = needles(ids)
    for name, content in store():
        for what, forms in wanted.items():
            if any(form in content or form in name.encode() for form in forms):
                places.setdefault(what, []).append(name)
    return places


def store() -> Iterator[tuple[str, bytes]]:
    """Every file of the data directory, and every row of PostgreSQL."""
    root = Path(settings.VOICECHAT_DATA_DIR)
    for path in sorted(root.rglob("*")):
        yield str(path.relative_to(root)), path.read_bytes() if path.is_file() else b""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT "{table}"::text FROM "{table}"')
            yield table, "\n".join(row for (row,) in cursor.fetchall()).encode()


def by_command(person: Person, client: Client) -> None:
    call_command("erase_person", str(person.pk), "--yes", verbosity=0)


def by_command_with_vacuum(person: Person, client: Client) -> None:
    call_command("erase_person", str(person.pk), "--yes", "--vacuum", verbosity=0)


def by_themselves(person: Person, client: Client) -> None:
    assert client.post("/conversations/delete/").status_code == 302
    # What the server does within half a minute.
    asyncio.run(background.scrub())


def by_staff(person: Person, client: Client) -> None:
    staff = Client()
    staff.force_login(User.objects.create_superuser("staff"))
    own = Conversation.objects.filter(person=person).values_list("pk", flat=True)
    asked = {"action": "delete_selected", "_selected_action": list(own), "post": "yes"}
    assert staff.post("/admin/conversations/conversation/", asked).status_code == 302
    asyncio.run(background.scrub())


def by_age(person: Person, client: Client) -> None:
    Conversation.objects.filter(person=person).update(last_at=timezone.now() - timedelta(days=99))
    call_command("purge", "--sound-days", "30", "--text-days", "30", verbosity=0)


WAYS: dict[str, Callable[[Person, Client], None]] = {
    "command": by_command,
    "vacuum": by_command_with_vacuum,
    "themselves": by_themselves,
    "staff": by_staff,
    "age": by_age,
}


def main(way: str) -> None:
    call_command("migrate", verbosity=0)
    person, client, ids = told()
    before = found(ids)
    WAYS[way](person, client)
    after = found(ids)
    stays = {
        "conversations": Conversation.objects.exclude(person=person).count(),
        "own": Conversation.objects.filter(person=person).count(),
        "sounds": sum(path.is_file() for path in Path(settings.MEDIA_ROOT).rglob("*")),
    }
    sys.stdout.write(json.dumps({"before": before, "after": after, "stays": stays}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

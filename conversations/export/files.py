"""The files of an export, one after the other, and the account of what is in it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from django.utils import timezone

from ..models import AudioSegment
from . import as_csv, as_json, as_wav, as_webvtt, names, sound
from .formats import Format
from .kept import KeptCall, KeptConversation, KeptTurn
from .reading import kept_conversations
from .selection import Selection

SCHEMA = "voicechat.export/1"
MOST_PROBLEMS = 1_000


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file to be written: its pieces have to be taken, or closed, before the next file is.

    ``size``: how many bytes there will be, where that is known; ``is_compressed``: packing it once
    more gains nothing.
    """

    name: str
    pieces: Iterator[bytes]
    size: int | None = None
    is_compressed: bool = False


class Problem(msgspec.Struct, frozen=True):
    """What could not be exported as it should. Whatever is not named is whole."""

    what: str
    conversation: uuid.UUID
    call: uuid.UUID | None = None
    turn: uuid.UUID | None = None
    segment: uuid.UUID | None = None


@dataclass(slots=True)
class Report:
    """What an export holds so far, out of ``selected`` conversations.

    ``steps`` of ``all_steps`` are done: the CSV of all of them takes a reading of its own.
    ``with_review``: with what reviewers noted, which is in no export of a person's own.
    """

    selected: int
    formats: frozenset[Format]
    with_review: bool = True
    steps: int = 0
    exported: int = 0
    gone: int = 0
    problems: list[Problem] = field(default_factory=list)
    unlisted_problems: int = 0

    @property
    def all_steps(self) -> int:
        return self.selected * len(self.readings)

    @property
    def readings(self) -> list[frozenset[Format]]:
        """The formats that are written in each reading of all conversations, in their order."""
        csv = frozenset({Format.CSV})
        return [each for each in (self.formats & csv, self.formats - csv) if each]

    def note(self, problem: Problem) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)
        else:
            self.unlisted_problems += 1

    def manifest(self, made_at: datetime) -> bytes:
        """The account as JSON; ``docs/export.md`` explains it."""
        account = {
            "schema": SCHEMA,
            "made_at": made_at,
            "formats": sorted(self.formats),
            "selected": self.selected,
            "exported": self.exported,
            "gone": self.gone,
            "problems": self.problems,
            "unlisted_problems": self.unlisted_problems,
        }
        return msgspec.json.format(msgspec.json.encode(account), indent=1) + b"\n"


def export_files(
    selection: Selection, report: Report, on_step: Callable[[Report], None]
) -> Iterator[ExportFile]:
    """All files of an export of ``report.formats``. ``on_step``: after each conversation.

    Of a conversation that is deleted meanwhile there is nothing, or what was read before.
    """
    for formats in report.readings:
        report.exported = 0
        conversations = counted(kept_conversations(selection), report, on_step)
        if formats == {Format.CSV}:
            yield ExportFile(names.TURNS, turns_csv(conversations))
        else:
            for kept in conversations:
                folder = names.folder(kept.conversation)
                for file in conversation_files(kept, report):
                    yield ExportFile(folder + file.name, file.pieces, file.size, file.is_compressed)
        report.gone = report.selected - report.exported
    yield manifest_file(report)


def counted(
    conversations: Iterable[KeptConversation], report: Report, on_step: Callable[[Report], None]
) -> Iterator[KeptConversation]:
    """The same, each counted when the next one is asked for."""
    for kept in conversations:
        yield kept
        report.exported += 1
        report.steps += 1
        on_step(report)


def conversation_files(kept: KeptConversation, report: Report) -> Iterator[ExportFile]:
    """The files of one conversation, with names inside its folder; no CSV."""
    if Format.JSON in report.formats:
        pieces = as_json.document(kept, report.formats, with_review=report.with_review)
        yield ExportFile(names.CONVERSATION, pieces)
    for call in kept.calls:
        if Format.VTT in report.formats:
            yield webvtt_file(kept, call)
        if Format.WAV in report.formats and call.sound_ms:
            try:
                yield wav_file(kept, call, report)
            except as_wav.CallTooLongError as error:
                report.note(Problem(str(error), kept.conversation.pk, call.id))
    if Format.SEGMENTS in report.formats:
        for turn in kept.turns():
            yield from _segment_files(kept, turn, report)


def turns_csv(conversations: Iterable[KeptConversation]) -> Iterator[bytes]:
    """One CSV of the turns of all these."""
    yield as_csv.heading()
    for kept in conversations:
        yield from as_csv.rows(kept)


def webvtt_file(kept: KeptConversation, call: KeptCall) -> ExportFile:
    """What was said in one call."""
    pieces = as_webvtt.webvtt(kept.turns(call), _zero_of(kept, call))
    return ExportFile(names.webvtt(call), pieces)


def wav_file(kept: KeptConversation, call: KeptCall, report: Report) -> ExportFile:
    """The sound of one call. Raises ``CallTooLongError``."""

    def note(segment: AudioSegment, what: str) -> None:
        report.note(Problem(what, kept.conversation.pk, call.id, segment.turn_id, segment.pk))

    def note_left_out(name: str) -> None:
        report.note(Problem(sound.TOO_MANY, kept.conversation.pk, call.id, segment=uuid.UUID(name)))

    # Nothing is read before the first piece; what is said meanwhile does not make it longer.
    length = as_wav.frames_of(call.sound_ms)
    segments = (segment for turn in kept.turns(call) for segment in turn.segments)
    sounds = sound.placed(segments, note)
    pieces = as_wav.wav(sounds, length, note_left_out)
    return ExportFile(names.wav(call), pieces, as_wav.size_of(length))


def manifest_file(report: Report) -> ExportFile:
    """The account of the export, when all else is written."""
    return ExportFile(names.MANIFEST, iter([report.manifest(timezone.now())]))


def _zero_of(kept: KeptConversation, call: KeptCall) -> datetime:
    if call.call is not None:
        return call.call.started_at
    first = next(kept.turns(call), None)
    return kept.conversation.created_at if first is None else first.turn.created_at


def _segment_files(kept: KeptConversation, turn: KeptTurn, report: Report) -> Iterator[ExportFile]:
    def note(segment: AudioSegment, what: str) -> None:
        report.note(
            Problem(what, kept.conversation.pk, turn.turn.call_id, turn.turn.pk, segment.pk)
        )

    for number, segment in enumerate(turn.segments, 1):
        pieces = sound.original(segment, note)
        if pieces is not None:
            name = names.segment(turn.turn, segment, number)
            yield ExportFile(name, pieces, is_compressed=segment.codec != "wav")

"""An export written into a directory, which can go on where it stopped.

The files of a conversation are written into a folder beside their own, which gets its name when
they are complete. So a folder that is there is whole, and is left as it is the next time.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from ..media import DIRECTORY_MODE, FILE_MODE
from . import names
from .files import (
    ExportFile,
    Problem,
    Report,
    conversation_files,
    counted,
    manifest_file,
    turns_csv,
)
from .formats import Format
from .kept import KeptConversation
from .reading import kept_conversations
from .selection import Selection

UNFINISHED = ".unfinished"


class OtherExportError(Exception):
    """The directory holds something else."""


def write(
    selection: Selection, report: Report, directory: Path, on_step: Callable[[Report], None]
) -> int:
    """Write an export, or what is missing of one; returns how many conversations were there already.

    What was wrong with those goes over into the report. Raises ``OtherExportError`` for a directory
    with other files, or with other formats, and ``OSError`` where the disk refuses.
    """
    problems = _problems_of_before(directory, report)
    directory.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
    try:
        known = _write_all(selection, report, directory, on_step, problems)
    except BaseException:
        # Tells the next run what is written here, and what was wrong with it.
        with suppress(OSError):
            _write(directory, manifest_file(report))
        raise
    _write(directory, manifest_file(report))
    return known


def _write_all(
    selection: Selection,
    report: Report,
    directory: Path,
    on_step: Callable[[Report], None],
    problems: dict[uuid.UUID, list[Problem]],
) -> int:
    if not (directory / names.MANIFEST).exists():
        _write(directory, manifest_file(report))  # the same, if there is no end to come to
    known = 0
    for formats in report.readings:
        report.exported = 0
        conversations = counted(kept_conversations(selection), report, on_step)
        if formats == {Format.CSV}:
            _write(directory, ExportFile(names.TURNS, turns_csv(conversations)))
        else:
            for kept in conversations:
                if not _write_conversation(directory, kept, report):
                    known += 1
                    for problem in problems.get(kept.conversation.pk, ()):
                        report.note(problem)
        report.gone = report.selected - report.exported
    return known


def write_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file that gets its name when it is complete; for its owner's eyes. Raises OSError.

    Whatever ends the writing early, nothing is left.
    """
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(pieces)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _write_conversation(directory: Path, kept: KeptConversation, report: Report) -> bool:
    folder = directory / names.folder(kept.conversation)
    if folder.is_dir():
        return False
    unfinished = folder.with_name(folder.name + UNFINISHED)
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(DIRECTORY_MODE, parents=True)
    for file in conversation_files(kept, report):
        _write(unfinished, file)
    unfinished.rename(folder)
    return True


def _write(directory: Path, file: ExportFile) -> None:
    path = directory / file.name
    path.parent.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
    write_file(path, file.pieces)


class _Manifest(msgspec.Struct):
    """What is needed of the manifest of an earlier run."""

    formats: list[str]
    problems: list[Problem] = []


def _problems_of_before(directory: Path, report: Report) -> dict[uuid.UUID, list[Problem]]:
    """What an earlier run found wrong, by conversation. Raises ``OtherExportError``."""
    found: defaultdict[uuid.UUID, list[Problem]] = defaultdict(list)
    if not directory.exists() or not any(directory.iterdir()):
        return found
    try:
        manifest = msgspec.json.decode((directory / names.MANIFEST).read_bytes(), type=_Manifest)
    except (OSError, msgspec.DecodeError):
        raise OtherExportError(f"{directory} holds something else than an export") from None
    if set(manifest.formats) != report.formats:
        there = ", ".join(sorted(manifest.formats))
        raise OtherExportError(f"{directory} holds an export in other formats: {there}")
    for problem in manifest.problems:
        found[problem.conversation].append(problem)
    return found

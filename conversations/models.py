"""What is kept of every conversation. Written by ``recorder.py`` and by nothing else while live."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .retention.hold import cascade_unless_held
from .visible_text import visible_line


class Tag(models.Model):
    """A word that reviewers put on conversations, to find them again."""

    name = models.CharField(_("name"), max_length=40, unique=True)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ["name"]

    def __str__(self) -> str:
        return visible_line(self.name)


class Grade(models.IntegerChoices):
    """What a reviewer thinks of a conversation."""

    BAD = 1, _("bad")
    POOR = 2, _("poor")
    FAIR = 3, _("fair")
    GOOD = 4, _("good")
    EXCELLENT = 5, _("excellent")


# What has no p95 sorts below all that have one, in both databases alike. The zero stands in the
# template: SQLite takes an index for an expression only if both are the same without parameters.
P95_ORDER = models.Func("p95_ms", template="COALESCE(%(expressions)s, 0)")


class Conversation(models.Model):
    """Everything between one person and one bot under one id, over many calls and protocols.

    ``rev`` rises by one, under this row's lock, with every change of any turn. ``next_seq`` is the
    position of the next turn, ``answering`` the turn that is streaming, if there is one. What
    reviewers note in it changes no ``rev``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        "accounts.Person",
        verbose_name=_("person"),
        on_delete=cascade_unless_held,
        related_name="conversations",
    )
    bot = models.ForeignKey(
        "dialogue.Bot",
        verbose_name=_("bot"),
        on_delete=models.PROTECT,
        related_name="conversations",
    )
    title = models.CharField(_("title"), max_length=120, blank=True)
    language = models.CharField(_("language"), max_length=16, default="en")
    rev = models.PositiveBigIntegerField(_("revision"), default=0)
    next_seq = models.PositiveIntegerField(default=0, editable=False)
    answering = models.UUIDField(null=True, blank=True, editable=False)
    turn_count = models.PositiveIntegerField(_("turns"), default=0)
    interruption_count = models.PositiveIntegerField(_("interruptions"), default=0)
    error_count = models.PositiveIntegerField(_("errors"), default=0)
    audio_ms = models.PositiveBigIntegerField(_("audio (ms)"), default=0)
    protocol = models.CharField(
        _("protocol"), max_length=24, blank=True, help_text=_("Of the latest call.")
    )
    duration_ms = models.PositiveBigIntegerField(
        _("duration (ms)"), default=0, help_text=_("Of all calls that have ended.")
    )
    p95_ms = models.PositiveIntegerField(
        _("p95 to the answer (ms)"),
        null=True,
        blank=True,
        help_text=_("From the end of what was said to the first sound or word of the answer."),
    )
    liked_count = models.PositiveIntegerField(_("liked answers"), default=0)
    disliked_count = models.PositiveIntegerField(_("disliked answers"), default=0)
    created_at = models.DateTimeField(_("started"), auto_now_add=True)
    last_at = models.DateTimeField(_("last turn"), auto_now_add=True)

    tags = models.ManyToManyField(
        Tag, verbose_name=_("tags"), blank=True, related_name="conversations"
    )
    grade = models.PositiveSmallIntegerField(
        _("grade"), null=True, blank=True, choices=Grade, help_text=_("By a reviewer.")
    )
    note = models.TextField(_("note"), blank=True, max_length=10_000)
    reviewed_at = models.DateTimeField(_("reviewed"), null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("reviewed by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    legal_hold = models.BooleanField(
        _("legal hold"), default=False, help_text=_("Nothing of it is deleted, by nobody.")
    )
    erasure_asked_at = models.DateTimeField(
        _("deletion asked for"),
        null=True,
        blank=True,
        help_text=_("By the person, while on legal hold: it is deleted when that ends."),
    )
    sound_purged_at = models.DateTimeField(_("sound deleted"), null=True, blank=True)
    text_purged_at = models.DateTimeField(_("text deleted"), null=True, blank=True)

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        # In the admin "view" opens the list; what was said needs a permission of its own.
        permissions = [
            ("read_transcript", "Can read what was said"),
            ("export_conversation", "Can export conversations"),
            ("label_conversation", "Can rate, tag, annotate and correct"),
            ("watch_live", "Can watch a conversation while it goes on"),
            ("hold_conversation", "Can put on legal hold and release"),
        ]
        indexes = [
            models.Index(fields=["person", "-last_at"], name="conversation_of_person"),
            # With the id, as the list is sorted: skipping to a deep page reads the index alone.
            models.Index(fields=["-last_at", "-id"], name="conversation_latest"),
            models.Index(
                fields=["-error_count", "-interruption_count", "-last_at"],
                name="conversation_worst",
            ),
            models.Index(fields=["p95_ms"], name="conversation_p95"),
            models.Index(
                P95_ORDER.desc(),
                models.F("last_at").desc(),
                models.F("id").desc(),
                name="conversation_slowest",
            ),
            models.Index(
                fields=["-disliked_count", "-last_at", "-id"], name="conversation_disliked"
            ),
            models.Index(fields=["protocol"], name="conversation_protocol"),
            models.Index(fields=["language"], name="conversation_language"),
            models.Index(fields=["duration_ms"], name="conversation_duration"),
            models.Index(
                fields=["-last_at"],
                condition=models.Q(reviewed_at__isnull=True),
                name="conversation_unreviewed",
            ),
            models.Index(
                fields=["-last_at"], condition=models.Q(legal_hold=True), name="conversation_held"
            ),
        ]

    def __str__(self) -> str:
        return visible_line(self.title) or str(_("Untitled conversation"))


class Call(models.Model):
    """One live stretch of a conversation on one socket; its start is zero of the timeline."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation,
        verbose_name=_("conversation"),
        on_delete=models.CASCADE,
        related_name="calls",
    )
    protocol = models.CharField(_("protocol"), max_length=24)
    instance = models.CharField(_("instance"), max_length=64)
    client_label = models.CharField(
        _("client's label"),
        max_length=100,
        blank=True,
        help_text=_("What the client called its user. Never believed, only shown."),
    )
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    seen_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("Until then it was surely going on.")
    )
    close_code = models.PositiveSmallIntegerField(_("close code"), null=True, blank=True)
    recorded = models.BooleanField(
        _("recorded"), default=True, help_text=_("Whether its sound may be kept.")
    )

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        indexes = [
            models.Index(
                fields=["seen_at"], condition=models.Q(ended_at__isnull=True), name="call_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.protocol} {self.started_at:%Y-%m-%d %H:%M:%S}"


class Stream(models.Model):
    """A stream under an id that its client chose (FastRTC), so that any instance finds its conversation.

    ``owner`` tells who may read and answer it (``chat/stream_owner.py``). It goes on until ``ended_at``,
    or until ``alive_until`` has passed without its instance renewing it. Forgotten after a day.
    """

    id = models.CharField(primary_key=True, max_length=100)
    owner = models.CharField(max_length=100)
    # No key: a conversation is not stored before something is said in it.
    conversation = models.UUIDField(null=True)
    instance = models.CharField(max_length=64)
    began_at = models.DateTimeField()
    alive_until = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("stream")
        verbose_name_plural = _("streams")

    def __str__(self) -> str:
        return f"{self.instance} {self.began_at:%Y-%m-%d %H:%M:%S}"


class Turn(models.Model):
    """One thing said by one side.

    An assistant turn in status *streaming* is the lease of its reply: ``lease_instance`` renews
    ``lease_until``, and only that process finishes it.
    """

    class Role(models.TextChoices):
        USER = "user", _("person")
        ASSISTANT = "assistant", _("bot")

    class Kind(models.TextChoices):
        GENERIC = "generic", _("generic")
        PROPERTY = "property", _("property")
        REALTIME = "realtime", _("realtime")
        GREETING = "greeting", _("greeting")

    class Status(models.TextChoices):
        STREAMING = "streaming", _("streaming")
        DONE = "done", _("done")
        INTERRUPTED = "interrupted", _("interrupted")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation,
        verbose_name=_("conversation"),
        on_delete=models.CASCADE,
        related_name="turns",
    )
    call = models.ForeignKey(
        Call,
        verbose_name=_("call"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="turns",
    )
    reply_to = models.OneToOneField(
        "self",
        verbose_name=_("reply to"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="reply",
    )
    seq = models.PositiveIntegerField(_("position"))
    rev = models.PositiveBigIntegerField(_("revision"))
    role = models.CharField(_("role"), max_length=12, choices=Role)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status)
    text = models.TextField(_("text"), blank=True)
    heard_text = models.TextField(_("heard text"), blank=True)
    heard_ms = models.PositiveIntegerField(_("heard (ms)"), null=True, blank=True)
    corrected_text = models.TextField(
        _("corrected text"), blank=True, help_text=_("What was really said, by a reviewer.")
    )
    corrected_at = models.DateTimeField(_("corrected"), null=True, blank=True)
    corrected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("corrected by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    data = models.JSONField(_("data"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=40, blank=True)
    client_id = models.CharField(_("client's id"), max_length=64, null=True, blank=True)
    rating = models.SmallIntegerField(_("rating"), null=True, blank=True)
    start_ms = models.PositiveBigIntegerField(_("start (ms)"), null=True, blank=True)
    timings = models.JSONField(_("timings"), default=dict, blank=True)
    engines = models.JSONField(_("engines"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    lease_instance = models.CharField(max_length=64, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("turn")
        verbose_name_plural = _("turns")
        ordering = ["seq"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="turn_position"),
            models.UniqueConstraint(
                fields=["conversation", "client_id"],
                condition=models.Q(client_id__isnull=False),
                name="turn_client_id",
            ),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=models.Q(status="streaming"),
                name="turn_streaming",
            ),
        ]
        indexes = [
            models.Index(fields=["conversation", "rev"], name="turn_revision"),
            models.Index(
                fields=["lease_until"],
                condition=models.Q(status="streaming"),
                name="turn_lease",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.seq}"

    @property
    def unheard_text(self) -> str:
        """What the person did not hear of a spoken reply: it was cut, or they left."""
        if self.heard_ms is None:
            return ""
        return self.text[len(self.heard_text) :]


class AudioSegment(models.Model):
    """A stretch of sound of one turn on one track of the call's timeline.

    A turn has several where it paused and went on.
    """

    class Track(models.TextChoices):
        PERSON = "person", _("person")
        BOT = "bot", _("bot")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    turn = models.ForeignKey(
        Turn, verbose_name=_("turn"), on_delete=models.CASCADE, related_name="segments"
    )
    track = models.CharField(_("track"), max_length=8, choices=Track)
    start_ms = models.PositiveBigIntegerField(_("start (ms)"))
    duration_ms = models.PositiveIntegerField(_("duration (ms)"))
    key = models.CharField(_("storage key"), max_length=200, unique=True)
    codec = models.CharField(_("codec"), max_length=8)
    size = models.PositiveIntegerField(_("size (bytes)"), default=0)
    peaks = models.JSONField(_("peaks"), default=list, blank=True)

    class Meta:
        verbose_name = _("audio segment")
        verbose_name_plural = _("audio segments")
        permissions = [("hear_audio", "Can hear what was said")]
        ordering = ["start_ms"]

    def __str__(self) -> str:
        return f"{self.track} {self.start_ms} ms"


class NeverChangedError(Exception):
    """What somebody has read is a fact: no code changes or deletes an entry of the access log."""


class AccessLog(models.QuerySet["Access"]):
    """Only grows. (That a user is deleted empties ``user``, by another way.)"""

    def update(self, **fields: Any) -> int:
        raise NeverChangedError

    def delete(self) -> tuple[int, dict[str, int]]:
        raise NeverChangedError


class Access(models.Model):
    """That somebody of the staff read, heard, took away or changed what was said. Never changed itself.

    The conversation is named by its id alone, so that the entry outlives it; nothing that was said
    is in here.
    """

    class What(models.TextChoices):
        READ = "read", _("read")
        HEARD = "heard", _("heard")
        EXPORTED = "exported", _("exported")
        LABELLED = "labelled", _("labelled")
        WATCHED = "watched", _("watched")
        SEARCHED = "searched", _("searched")
        DELETED = "deleted", _("deleted")
        HELD = "held", _("put on legal hold")
        RELEASED = "released", _("released from legal hold")

    at = models.DateTimeField(_("at"), auto_now_add=True, db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    username = models.CharField(_("username"), max_length=150)
    what = models.CharField(_("what"), max_length=12, choices=What)
    conversation_id = models.UUIDField(_("conversation"), null=True, db_index=True)
    turn_id = models.UUIDField(_("turn"), null=True)
    detail = models.CharField(_("detail"), max_length=200, blank=True)

    objects = AccessLog.as_manager()

    class Meta:
        verbose_name = _("access log entry")
        verbose_name_plural = _("access log entries")
        ordering = ["-at"]

    def __str__(self) -> str:
        return (
            f"{visible_line(self.username)} {self.get_what_display()} {self.at:%Y-%m-%d %H:%M:%S}"
        )

    def save(self, **how: Any) -> None:
        if not self._state.adding:
            raise NeverChangedError
        super().save(**how)

    def delete(self, *args: Any, **how: Any) -> tuple[int, dict[str, int]]:
        raise NeverChangedError

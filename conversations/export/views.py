"""Exports on the web: for reviewers in the admin, and for everybody what is their own.

A reviewer needs ``export_conversation`` and ``read_transcript``, and for sound ``hear_audio``. Who
lacks one is refused alike whether there is such a conversation or not.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Generator

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet, Sum
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.people import asked_to_log_in, mark_of

from .. import access_log
from ..access import may_export_all, may_hear_all, visible_to
from ..models import Access, Conversation
from . import as_json, as_wav, names
from .as_wav import CallTooLongError
from .files import ExportFile, Report, turns_csv, wav_file, webvtt_file
from .formats import OWN, SOUND, TEXT, Format
from .kept import KeptCall, KeptConversation
from .progress import Teller, progress_of
from .reading import kept_conversation
from .streaming import End, Places, SentExport
from .zipped import in_pieces, zip_of, zipped

# Of reviewers in this process, and of all others.
REVIEWERS = Places(of_all=16, of_one=4)
PERSONS = Places(of_all=16, of_one=1)
BUSY_S = 30
Pieces = Generator[bytes, None, None]
CONTENT_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "wav": "audio/wav",
    "zip": "application/zip",
}


def urls(site: admin.AdminSite) -> list[URLPattern]:
    """The pages of the admin, to stand before those of the model."""
    return [
        path(
            "<uuid:conversation_id>/export/",
            site.admin_view(export_one),
            name="conversations_conversation_export",
        ),
        path(
            "export/progress/<str:token>/",
            site.admin_view(export_progress),
            name="conversations_conversation_export_progress",
        ),
    ]


@require_GET
def export_one(request: HttpRequest, conversation_id: uuid.UUID) -> HttpResponseBase:
    """One conversation: ``?format=`` json, csv, vtt, wav or zip.

    vtt and wav are one file for each call: with several calls they come in a zip, unless ``call=``
    names one by its number. A zip has sound in it with ``sound=1``.
    """
    chosen = request.GET.get("format", "")
    with_sound = chosen == "wav" or (chosen == "zip" and request.GET.get("sound") == "1")
    _check_permissions(request, with_sound)
    if chosen not in CONTENT_TYPES:
        return HttpResponseBadRequest(
            _("There is no such format. One of: %(formats)s")
            % {"formats": ", ".join(CONTENT_TYPES)},
            content_type="text/plain; charset=utf-8",
        )
    kept = kept_conversation(conversation_id)
    if kept is None:
        raise Http404(_("There is no such conversation."))
    try:
        name, pieces, size = _content(kept, chosen, with_sound, request.GET.get("call"))
    except CallTooLongError as error:
        return HttpResponse(str(error), status=422, content_type="text/plain; charset=utf-8")
    response = _sent(request, pieces, name, size)
    if response.streaming:
        what = "zip with sound" if chosen == "zip" and with_sound else chosen
        access_log.note(request.user, Access.What.EXPORTED, conversation_id, detail=what)
    return response


class ExportForm(forms.Form):
    """What the zip shall hold. ``progress`` is the token by which the page asks how far it is."""

    formats = forms.MultipleChoiceField(
        label=gettext_lazy("What it holds"), widget=forms.CheckboxSelectMultiple
    )
    progress = forms.SlugField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: object, may_hear: bool, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["formats"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [
            (value, label) for value, label in Format.choices if may_hear or value not in SOUND
        ]


@admin.action(description=gettext_lazy("Export selected conversations"), permissions=["export"])
def export_selected(
    model_admin: admin.ModelAdmin[Conversation],
    request: HttpRequest,
    queryset: QuerySet[Conversation],
) -> HttpResponseBase:
    """Ask what the zip shall hold, then send it. The page stays, and tells how far it is."""
    may_hear = may_hear_all(request.user)
    # Apart from what the list sorts and joins.
    conversations = Conversation.objects.filter(pk__in=queryset.order_by().values("pk"))
    asked = "post" in request.POST
    initial = {"formats": sorted(TEXT), "progress": get_random_string(22)}
    form = ExportForm(request.POST if asked else None, may_hear=may_hear, initial=initial)
    if asked and form.is_valid():
        formats = frozenset(Format(value) for value in form.cleaned_data["formats"])
        note = functools.partial(
            access_log.note_each,
            request.user,
            Access.What.EXPORTED,
            detail=", ".join(sorted(formats)),
        )
        teller = Teller(request.user.pk, form.cleaned_data["progress"])
        name = f"conversations-{timezone.localdate():%Y-%m-%d}.zip"
        pieces = zip_of(conversations, formats, teller.step, note=note)
        return _sent(request, pieces, name, on_end=teller.end)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Export conversations"),
        "opts": model_admin.opts,
        "form": form,
        "may_hear": may_hear,
        "all": conversations.aggregate(
            conversations=Count("pk"), turns=Sum("turn_count"), audio_ms=Sum("audio_ms")
        ),
        # With "all that match" the list's own address says which, so one of them is enough.
        "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "selected_name": ACTION_CHECKBOX_NAME,
        "select_across": request.POST.get("select_across", "0"),
    }
    return TemplateResponse(request, "admin/conversations/conversation/export.html", context)


@require_GET
def export_progress(request: HttpRequest, token: str) -> HttpResponse:
    """How far one's own export is, as JSON."""
    _check_permissions(request, with_sound=False)
    progress = progress_of(request.user.pk, token)
    if progress is None:
        raise Http404(_("There is no such export."))
    return HttpResponse(progress, content_type="application/json")


@require_GET
@never_cache
@asked_to_log_in
def export_own(request: HttpRequest) -> HttpResponseBase:
    """Everything that is the visitor's own: what was said, and its sound as it is kept."""
    own = visible_to(request.user, request.session)
    if not own.exists():
        return redirect("conversations")
    name = f"conversations-{timezone.localdate():%Y-%m-%d}.zip"
    pieces = zip_of(own, OWN, with_review=False)
    return _sent(request, pieces, name, places=PERSONS)


def _check_permissions(request: HttpRequest, with_sound: bool) -> None:
    if not may_export_all(request.user):
        raise PermissionDenied(_("You may not export conversations."))
    if with_sound and not may_hear_all(request.user):
        raise PermissionDenied(_("You may not hear conversations."))


def _content(
    kept: KeptConversation, chosen: str, with_sound: bool, call: str | None
) -> tuple[str, Pieces, int | None]:
    """The name, the bytes and, where it is known, the size. Raises ``CallTooLongError``."""
    stem = names.stem(kept.conversation)
    match chosen:
        case "zip":
            conversations = Conversation.objects.filter(pk=kept.conversation.pk)
            formats = TEXT | {Format.WAV} if with_sound else TEXT
            return f"{stem}.zip", zip_of(conversations, formats), None
        case "json":
            return f"{stem}.json", in_pieces(as_json.document(kept)), None
        case "csv":
            return f"{stem}.csv", in_pieces(turns_csv([kept])), None
    calls = _calls_with(kept, Format(chosen), call)
    if len(calls) > 1:
        files = (_of_call(kept, each, Format(chosen)) for each in calls)
        return f"{stem}_{chosen}.zip", zipped(files), None
    file = _of_call(kept, calls[0], Format(chosen))
    return f"{stem}_{file.name}", in_pieces(file.pieces), file.size


def _calls_with(kept: KeptConversation, format: Format, number: str | None) -> list[KeptCall]:
    """Each call that has such a thing, or the one call of this number. Raises as ``_content``."""
    calls = [
        call
        for call in kept.calls
        if number in (None, str(call.number)) and (call.sound_ms or format != Format.WAV)
    ]
    if not calls:
        raise Http404(_("There is no such call, or nothing of it is kept."))
    if format == Format.WAV:
        for call in calls:
            as_wav.size_of(as_wav.frames_of(call.sound_ms))
    return calls


def _of_call(kept: KeptConversation, call: KeptCall, format: Format) -> ExportFile:
    if format == Format.VTT:
        return webvtt_file(kept, call)
    return wav_file(kept, call, Report(1, frozenset({format})))


def _sent(
    request: HttpRequest,
    pieces: Pieces,
    name: str,
    size: int | None = None,
    *,
    on_end: Callable[[End], None] = lambda _end: None,
    places: Places | None = None,
) -> HttpResponseBase:
    places, who = places or REVIEWERS, mark_of(request.user, request.session)
    if not places.are_free(who):
        return HttpResponse(
            _("Other exports are still being sent. Try again when they have ended."),
            status=503,
            headers={"Retry-After": str(BUSY_S)},
            content_type="text/plain; charset=utf-8",
        )
    response = StreamingHttpResponse(
        SentExport(pieces, places, who, on_end),
        content_type=CONTENT_TYPES[name.rpartition(".")[2]],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    if size is not None:
        response.headers["Content-Length"] = str(size)
    return response

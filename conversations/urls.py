"""The pages of one's own history, and the sound of what was said."""

from django.urls import path

from . import audio, call_audio, views
from .export.views import export_own
from .retention.views import delete_everything

urlpatterns = [
    path("", views.own_conversations, name="conversations"),
    path("export/", export_own, name="conversations-export"),
    path("delete/", delete_everything, name="conversations-delete"),
    path("<uuid:conversation_id>/", views.open_conversation, name="conversation"),
    path("<uuid:conversation_id>/delete/", views.delete_conversation, name="conversation-delete"),
    path(
        "<uuid:conversation_id>/transcript.txt",
        views.download_transcript,
        name="conversation-transcript",
    ),
    path(
        "<uuid:conversation_id>/audio/<uuid:segment_id>",
        audio.play_segment,
        name="conversation-audio",
    ),
    path(
        "<uuid:conversation_id>/calls/<uuid:call_id>/audio.wav",
        call_audio.play_call,
        name="conversation-call-audio",
    ),
    path(
        "<uuid:conversation_id>/calls/<uuid:call_id>/waveform.json",
        call_audio.draw_call,
        name="conversation-call-waveform",
    ),
]

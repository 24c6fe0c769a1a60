"""The pages of one's own history, and the sound of what was said."""

from django.urls import path

from . import audio, views

urlpatterns = [
    path("", views.own_conversations, name="conversations"),
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
]

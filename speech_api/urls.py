"""The HTTP side of the speech service. Which client calls what: docs/speech.md."""

from django.urls import path

from . import addresses, openai_speech, openai_transcriptions, page, playai_views, voices_view

_AUTH = (
    ("api/v1/tts/websocket-auth", addresses.v1),
    ("api/v1/websocket-auth", addresses.v1),
    ("api/v1/tts/auth", addresses.v1_per_model),
    ("api/v4/websocket-auth", addresses.v4),
    ("api/v4/sdk-auth", addresses.v4_per_model),
    ("api/v3/websocket-auth", addresses.v3),
)

urlpatterns = [
    *(path(route, playai_views.addresses, {"shape": shape}) for route, shape in _AUTH),
    path(
        "api/v1/voice/websocket-auth",
        playai_views.addresses,
        {"shape": addresses.voice, "scope": "voice"},
    ),
    path(
        "api/v1/tts/stream",
        playai_views.stream_with_key,
        {"default_format": "mp3"},
        name="speech-stream",
    ),
    path("api/v2/tts/stream", playai_views.stream_with_key, {"default_format": "wav"}),
    path("api/v1/voices", voices_view.voices),
    path("v1/audio/speech", openai_speech.speech),
    path("v1/audio/transcriptions", openai_transcriptions.transcriptions),
    path("tts/", page.page, name="speech-page"),
    path("tts/clips", page.clips, name="speech-clips"),
    path("tts/clips/<uuid:id>", page.clip, name="speech-clip"),
    path("tts/<str:model>/stream", playai_views.stream),
    path("tts/<str:model>/", playai_views.at_once),
    path("tts/<str:model>", playai_views.at_once),
]

"""Which socket address leads to which consumer."""

from django.urls import path

from .consumers import VoiceBotConsumer, VoiceChatConsumer

urlpatterns = [
    path("ws/voice-chat/", VoiceChatConsumer.as_asgi()),
    path("ws/voicebot/", VoiceBotConsumer.as_asgi()),
    # Telephone services that forbid queries take a token in the path.
    path("ws/voicebot/<str:token>/", VoiceBotConsumer.as_asgi()),
]

"""Which socket address leads to which consumer."""

from django.urls import path

from .consumers import VoiceBotConsumer, VoiceChatConsumer
from .fastrtc_consumer import FastRtcConsumer
from .watching import WatchConsumer

urlpatterns = [
    path("ws/voice-chat/", VoiceChatConsumer.as_asgi()),
    path("ws/voicebot/", VoiceBotConsumer.as_asgi()),
    # Telephone services that forbid queries take a token in the path.
    path("ws/voicebot/<str:token>/", VoiceBotConsumer.as_asgi()),
    # FastRTC's own path: its clients change the host and nothing else.
    path("websocket/offer", FastRtcConsumer.as_asgi()),
    # For staff, from the admin's page of a conversation.
    path("ws/watch/<uuid:conversation>/", WatchConsumer.as_asgi()),
]

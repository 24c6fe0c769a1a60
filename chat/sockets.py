"""Which socket address leads to which consumer."""

from django.urls import path

from .consumers import VoiceChatConsumer

urlpatterns = [path("ws/voice-chat/", VoiceChatConsumer.as_asgi())]

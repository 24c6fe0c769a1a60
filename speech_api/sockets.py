"""Which socket address leads to which application."""

from django.urls import path

from .socket import speech_socket

# Django's types know views alone; Channels routes to any ASGI application.
urlpatterns = [path("ws/tts/<str:model>", speech_socket)]  # type: ignore[arg-type]

"""Which socket address leads to which application."""

from django.urls import path

from .socket import speech_socket

urlpatterns = [path("ws/tts/<str:model>", speech_socket)]

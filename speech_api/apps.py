from django.apps import AppConfig


class SpeechApiConfig(AppConfig):
    name = "speech_api"

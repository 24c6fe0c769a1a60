from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        from . import checks, revocation  # noqa: F401, PLC0415 (register themselves)

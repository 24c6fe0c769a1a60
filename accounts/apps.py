from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from . import claim  # noqa: F401, PLC0415 (needs models; connects its receiver)

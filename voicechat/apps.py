from django.apps import AppConfig


class VoicechatConfig(AppConfig):
    name = "voicechat"

    def ready(self) -> None:
        from . import checks  # noqa: F401, PLC0415 (needs settings; registers itself)

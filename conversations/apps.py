from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConversationsConfig(AppConfig):
    name = "conversations"
    verbose_name = _("Conversations")

    def ready(self) -> None:
        from . import deletion  # noqa: F401, PLC0415 (needs models; connects its receiver)
        from .retention import checks  # noqa: F401, PLC0415 (registers itself)
        from .search import backends  # noqa: F401, PLC0415 (likewise)

"""Which address leads where."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

urlpatterns = [
    path("", include("chat.urls")),
    path("", include("speech_api.urls")),
    path("accounts/", include("accounts.urls")),
    path("conversations/", include("conversations.urls")),
    path("admin/", admin.site.urls),
    # Browsers ask for it on pages that name no icon of their own.
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("voicechat/icon.svg"))),
]

"""The pages of the live side."""

from django.urls import path

from . import views, webhooks
from .voicebot_page import voicebot_page

urlpatterns = [
    path("", views.new_conversation, name="chat"),
    path("c/<uuid:conversation_id>/", views.earlier_conversation, name="chat-conversation"),
    path("voicebot/", voicebot_page, name="voicebot"),
    path("voicebot/twiml", webhooks.twiml, name="voicebot-twiml"),
    path("voicebot/exotel", webhooks.exotel, name="voicebot-exotel"),
]

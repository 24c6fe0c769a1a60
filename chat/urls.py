"""The pages of the live side."""

from django.urls import path

from . import stream_views, views, webhooks
from .fastrtc_page import fastrtc_page
from .voicebot_page import voicebot_page

urlpatterns = [
    path("", views.new_conversation, name="chat"),
    path("c/<uuid:conversation_id>/", views.earlier_conversation, name="chat-conversation"),
    path("voicebot/", voicebot_page, name="voicebot"),
    path("voicebot/twiml", webhooks.twiml, name="voicebot-twiml"),
    path("fastrtc/", fastrtc_page, name="fastrtc"),
    # FastRTC's own paths.
    path("outputs", stream_views.outputs, name="stream-outputs"),
    path("input_hook", stream_views.input_hook, name="stream-input"),
    path("voicebot/exotel", webhooks.exotel, name="voicebot-exotel"),
]

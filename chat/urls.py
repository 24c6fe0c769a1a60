"""The pages of the live side."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.new_conversation, name="chat"),
    path("c/<uuid:conversation_id>/", views.earlier_conversation, name="chat-conversation"),
]

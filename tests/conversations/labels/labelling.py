"""What a reviewer opens and sends to label a conversation."""

from __future__ import annotations

from conversations.labels.keeping import correction_version_of, labels_of, version_of

from ..test_admin import LIST

REVIEWER = ("view_conversation", "read_transcript", "label_conversation")
NEXT = f"{LIST}next/"


def labels_page(conversation):
    return f"{LIST}{conversation.pk}/labels/"


def correction_page(turn):
    return f"{LIST}{turn.conversation_id}/turns/{turn.pk}/correction/"


def filled_in(conversation, **fields):
    """What the form of the conversation's page sends, with these fields changed."""
    conversation.refresh_from_db()
    kept = {
        "seen": version_of(conversation, labels_of(conversation)),
        "grade": conversation.grade or "",
        "tags": [tag.name for tag in conversation.tags.all()],
        "note": conversation.note,
        **({"reviewed": "on"} if conversation.reviewed_at else {}),
    }
    return {name: value for name, value in {**kept, **fields}.items() if value is not None}


def corrected(turn, text, **more):
    turn.refresh_from_db()
    return {"seen": correction_version_of(turn), "text": text, **more}


def tags_of(conversation):
    return {tag.name for tag in conversation.tags.all()}

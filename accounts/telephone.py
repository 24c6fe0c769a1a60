"""Who may call by telephone: told by a token, since a telephone service has no session.

There are two kinds: the operator's own secrets (``VOICECHAT_TELEPHONE_TOKENS``), and tokens that we
sign for one call which Twilio has announced to us (``chat/webhooks.py``).
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.signing import BadSignature, TimestampSigner
from django.utils.crypto import constant_time_compare

from .admission import NotAdmitted, Visitor

# A call begins within seconds of being announced, unless its TwiML says something first.
LIFETIME_S = 300
_signer = TimestampSigner(salt="voicechat.telephone")


def telephones_are_admitted() -> bool:
    """Whether there is any token that could be right."""
    return bool(settings.VOICECHAT_TELEPHONE_TOKENS or settings.VOICECHAT_TWILIO_AUTH_TOKEN)


def token_for_call(call_sid: str) -> str:
    """A token for the telephone service's own id of a call; it holds for five minutes."""
    return _signer.sign(call_sid)


def is_operators_token(token: str) -> bool:
    """Whether it is one of ``VOICECHAT_TELEPHONE_TOKENS``."""
    known = settings.VOICECHAT_TELEPHONE_TOKENS
    # All are compared, so that the time it takes does not tell which one is nearly right.
    return sum(constant_time_compare(token, one) for one in known) > 0


def admit_telephone(token: str, call_sid: str) -> Visitor:
    """A guest without a session, whatever ``VOICECHAT_ALLOW_GUESTS`` says. Raises ``NotAdmitted``."""
    if not is_operators_token(token) and not _is_signed_for(token, call_sid):
        raise NotAdmitted("The token is wrong, has expired, or is another call's.", 4401)
    return Visitor(str(uuid.uuid4()), "", True, AnonymousUser(), None)


def _is_signed_for(token: str, call_sid: str) -> bool:
    try:
        return _signer.unsign(token, max_age=LIFETIME_S) == call_sid
    except BadSignature:
        return False

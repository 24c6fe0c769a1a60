"""Whether a request is Twilio's: https://www.twilio.com/docs/usage/security, "Validating requests".

Twilio's own package does the same and brings aiohttp, requests and PyJWT along, for twenty lines.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, urlsplit


def is_signed(auth_token: str, url: str, form: Mapping[str, Sequence[str]], signature: str) -> bool:
    """Whether ``signature`` (``X-Twilio-Signature``) is right for a POST of ``form`` to ``url``.

    ``url`` is the one that Twilio called, with its query. Twilio is not consistent about naming the
    scheme's own port, so both ways count.
    """
    fields = "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    return any(
        hmac.compare_digest(_sign(auth_token, spelling + fields), signature.encode())
        for spelling in _with_and_without_port(urlsplit(url))
    )


def _sign(auth_token: str, text: str) -> bytes:
    digest = hmac.new(auth_token.encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(digest.digest())


def _with_and_without_port(url: SplitResult) -> tuple[str, str]:
    port = url.port or (443 if url.scheme == "https" else 80)
    host = url.netloc.removesuffix(f":{port}")
    return url._replace(netloc=host).geturl(), url._replace(netloc=f"{host}:{port}").geturl()

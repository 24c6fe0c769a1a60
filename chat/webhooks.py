"""Where telephone services ask how to connect a call: docs/protocol.md, VoiceBot, Exotel, Twilio."""

from __future__ import annotations

from urllib.parse import quote
from xml.etree import ElementTree

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts.telephone import is_operators_token, token_for_call

from .twilio_signature import is_signed

SOCKET_PATH = "/ws/voicebot/"
# What the operator may add to the webhook's address, to have it back in the call's start.
CUSTOM = ("bot", "language", "voice")
RATES = ("8000", "16000", "24000")


@csrf_exempt
@require_POST
@never_cache
def twiml(request: HttpRequest) -> HttpResponseBase:
    """Twilio's webhook "A call comes in": connect it to our socket, with a token for this call."""
    if not settings.VOICECHAT_TWILIO_AUTH_TOKEN:
        return _refusal(404, "Twilio is not set up here: set VOICECHAT_TWILIO_AUTH_TOKEN.")
    form = dict(request.POST.lists())
    signature = request.headers.get("X-Twilio-Signature", "")
    url = request.build_absolute_uri()
    if not is_signed(settings.VOICECHAT_TWILIO_AUTH_TOKEN, url, form, signature):
        return _refusal(
            403,
            "The X-Twilio-Signature is wrong. VOICECHAT_TWILIO_AUTH_TOKEN has to be the token of the "
            f"account, and {url} the address that Twilio calls (behind a proxy: "
            "VOICECHAT_TRUST_PROXY=1).",
        )
    call_sid = request.POST.get("CallSid", "")
    if not call_sid:
        return _refusal(400, "CallSid is missing.")
    custom = {name: request.GET[name] for name in CUSTOM if name in request.GET}
    answer = ElementTree.Element("Response")
    connect = ElementTree.SubElement(answer, "Connect")
    stream = ElementTree.SubElement(connect, "Stream", url=_socket_url(request))
    for name, value in {"token": token_for_call(call_sid), **custom}.items():
        ElementTree.SubElement(stream, "Parameter", name=name, value=value)
    xml = ElementTree.tostring(answer, "utf-8", xml_declaration=True)
    return HttpResponse(xml, content_type="text/xml; charset=utf-8")


@csrf_exempt
@require_http_methods(["GET", "POST"])
@never_cache
def exotel(request: HttpRequest) -> HttpResponseBase:
    """Exotel's dynamic address of a Voicebot applet: where to connect, with the token it came with."""
    if not settings.VOICECHAT_TELEPHONE_TOKENS:
        return _refusal(404, "Exotel is not set up here: set VOICECHAT_TELEPHONE_TOKENS.")
    token = request.GET.get("token", "")
    if not is_operators_token(token):
        return _refusal(403, "?token= has to be one of VOICECHAT_TELEPHONE_TOKENS.")
    rate = request.GET.get("sample-rate", RATES[0])
    if rate not in RATES:
        return _refusal(400, f"?sample-rate= can be {', '.join(RATES)}.")
    path = f"{_socket_url(request)}{quote(token)}/?sample-rate={rate}"
    given = "".join(f"&{name}={quote(request.GET[name])}" for name in CUSTOM if name in request.GET)
    return JsonResponse({"url": path + given})


def _socket_url(request: HttpRequest) -> str:
    """As the outside sees it."""
    return request.build_absolute_uri(SOCKET_PATH).replace("http", "ws", 1)


def _refusal(status: int, sentence: str) -> HttpResponse:
    """What an operator finds in the log of the telephone service."""
    return HttpResponse(sentence + "\n", status=status, content_type="text/plain; charset=utf-8")

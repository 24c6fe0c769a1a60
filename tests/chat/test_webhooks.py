"""What telephone services are told when they ask how to connect a call."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from django.core.signing import TimestampSigner
from django.test import Client

from accounts.telephone import admit_telephone
from chat.twilio_signature import is_signed

AUTH_TOKEN = "12345-of-the-account"
SECRET = "a-secret-of-the-operator"
CALL = {"CallSid": "CA1", "From": "+14158675309", "To": "+18005551212"}
TWIML, EXOTEL = "/voicebot/twiml", "/voicebot/exotel"


@pytest.fixture(autouse=True)
def _set_up(settings: Any) -> None:
    settings.VOICECHAT_TWILIO_AUTH_TOKEN = AUTH_TOKEN
    settings.VOICECHAT_TELEPHONE_TOKENS = ["another-secret-of-theirs", SECRET]
    settings.ALLOWED_HOSTS = ["voice.example"]


def signature(url: str, form: dict[str, str], token: str = AUTH_TOKEN) -> str:
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1)).decode()


def call_in(
    query: str = "", form: dict[str, str] = CALL, signed: str | None = None, **headers: str
) -> Any:
    """Twilio's request, signed unless ``signed`` says otherwise."""
    url = f"https://voice.example{TWIML}{query}"
    headers = {"X-Twilio-Signature": signature(url, form)} if signed is None else headers
    if signed:
        headers["X-Twilio-Signature"] = signed
    return Client(enforce_csrf_checks=True).post(
        TWIML + query, form, secure=True, headers={"host": "voice.example", **headers}
    )


class TestTwilio:
    def test_a_call_is_connected_to_our_socket_with_a_token_of_its_own(self) -> None:
        response = call_in()
        assert response.status_code == 200
        assert response["Content-Type"] == "text/xml; charset=utf-8"
        answer = ElementTree.fromstring(response.content)
        assert [element.tag for element in answer.iter()] == [
            "Response", "Connect", "Stream", "Parameter"
        ]  # fmt: skip
        stream = answer.find("Connect/Stream")
        assert stream is not None
        assert stream.get("url") == "wss://voice.example/ws/voicebot/"
        [token] = stream
        assert token.get("name") == "token"
        assert admit_telephone(token.get("value") or "", "CA1").is_guest

    def test_what_the_operator_adds_to_the_address_comes_back_in_the_call(self) -> None:
        answer = ElementTree.fromstring(call_in("?bot=sales&language=de&other=1").content)
        given = {
            parameter.get("name"): parameter.get("value") for parameter in answer.iter("Parameter")
        }
        given.pop("token")
        assert given == {"bot": "sales", "language": "de"}

    def test_markup_in_it_stays_text(self) -> None:
        bot = '"/><Hangup/>'
        answer = ElementTree.fromstring(call_in("?" + urlencode({"bot": bot})).content)
        assert [element.get("value") for element in answer.iter("Parameter")][1] == bot

    @pytest.mark.parametrize(
        "signed",
        ["", "no", "ä", signature(f"https://voice.example{TWIML}", CALL, "another account's"),
         signature(f"https://evil.example{TWIML}", CALL),
         signature(f"https://voice.example{TWIML}", CALL | {"CallSid": "CA2"})],
    )  # fmt: skip
    def test_nobody_else_is_told(self, signed: str) -> None:
        response = call_in(signed=signed)
        assert response.status_code == 403
        assert b"https://voice.example/voicebot/twiml" in response.content
        assert AUTH_TOKEN.encode() not in response.content

    def test_the_query_is_signed_too(self) -> None:
        response = call_in("?bot=b", signed=signature(f"https://voice.example{TWIML}", CALL))
        assert response.status_code == 403

    def test_behind_a_proxy_the_address_is_the_outside_one(self, settings: Any) -> None:
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        response = Client().post(
            TWIML,
            CALL,
            headers={
                "host": "voice.example",
                "X-Forwarded-Proto": "https",
                "X-Twilio-Signature": signature(f"https://voice.example{TWIML}", CALL),
            },
        )
        assert b"wss://voice.example/ws/voicebot/" in response.content

    def test_without_a_token_of_the_account_there_is_nothing_here(self, settings: Any) -> None:
        settings.VOICECHAT_TWILIO_AUTH_TOKEN = ""
        response = call_in(signed=signature(f"https://voice.example{TWIML}", CALL, ""))
        assert response.status_code == 404
        assert b"VOICECHAT_TWILIO_AUTH_TOKEN" in response.content

    def test_it_needs_to_know_the_call(self) -> None:
        assert call_in(form={"From": "+1"}).status_code == 400

    def test_it_rejects_get(self) -> None:
        response = Client().get(TWIML, headers={"host": "voice.example"})
        assert response.status_code == 405


class TestSignature:
    # The example in the tests of Twilio's own library.
    URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
    FORM = {
        "CallSid": ["CA1234567890ABCDE"],
        "Digits": ["1234"],
        "From": ["+14158675309"],
        "To": ["+18005551212"],
        "Caller": ["+14158675309"],
    }
    SIGNED = "RSOYDt4T1cUTdK1PDd93/VVr8B8="

    def test_twilios_own_example(self) -> None:
        assert is_signed("12345", self.URL, self.FORM, self.SIGNED)
        assert not is_signed("12346", self.URL, self.FORM, self.SIGNED)

    @pytest.mark.parametrize(
        ("called", "signed"),
        [
            ("https://a.example/x", "https://a.example:443/x"),
            ("https://a.example:443/x", "https://a.example/x"),
            ("http://a.example:80/x", "http://a.example/x"),
            ("https://a.example:8443/x", "https://a.example:8443/x"),
            ("https://A.example:8443/x", "https://A.example/x"),
        ],
    )
    def test_the_port_may_be_named_or_not(self, called: str, signed: str) -> None:
        assert is_signed("t", called, {}, signature(signed, {}, "t"))

    def test_of_several_values_each_different_one_counts_once(self) -> None:
        form = {"a": ["2", "1", "1"]}
        signed = signature("https://a.example/x", {"a": "1a2"}, "t")
        assert is_signed("t", "https://a.example/x", form, signed)


def dynamic(query: dict[str, str], method: str = "get") -> Any:
    client = Client(enforce_csrf_checks=True)
    send = client.get if method == "get" else client.post
    url = f"{EXOTEL}?{urlencode(query)}"
    return send(url, secure=True, headers={"host": "voice.example"})


class TestExotel:
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_a_call_is_sent_to_our_socket_with_the_token_it_came_with(self, method: str) -> None:
        response = dynamic({"token": SECRET, "CallSid": "c"}, method)
        assert json.loads(response.content) == {
            "url": f"wss://voice.example/ws/voicebot/{SECRET}/?sample-rate=8000"
        }

    def test_rate_and_bot_come_from_the_address(self) -> None:
        query = {"token": SECRET, "sample-rate": "16000", "bot": "a&b", "language": "de"}
        url = json.loads(dynamic(query).content)["url"]
        assert url.endswith("/?sample-rate=16000&bot=a%26b&language=de")

    @pytest.mark.parametrize("query", [{}, {"token": ""}, {"token": "no"}, {"token": SECRET + "x"}])
    def test_nobody_else_is_told(self, query: dict[str, str]) -> None:
        response = dynamic(query)
        assert response.status_code == 403
        assert SECRET.encode() not in response.content

    def test_a_token_for_one_call_is_not_enough(self) -> None:
        signed = TimestampSigner(salt="voicechat.telephone").sign("c")
        assert dynamic({"token": signed, "CallSid": "c"}).status_code == 403

    def test_other_rates_are_refused(self) -> None:
        response = dynamic({"token": SECRET, "sample-rate": "44100"})
        assert response.status_code == 400
        assert b"8000, 16000, 24000" in response.content

    def test_without_tokens_there_is_nothing_here(self, settings: Any) -> None:
        settings.VOICECHAT_TELEPHONE_TOKENS = []
        response = dynamic({"token": ""})
        assert response.status_code == 404
        assert b"VOICECHAT_TELEPHONE_TOKENS" in response.content

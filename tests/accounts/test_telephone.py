"""Who may call by telephone: the operator's tokens, and those for one call."""

from __future__ import annotations

import time
from typing import Any

import pytest

from accounts.admission import NotAdmitted, still_admitted
from accounts.telephone import admit_telephone, telephones_are_admitted, token_for_call

TOKENS = ["the-first-of-two-secrets", "the-other-of-two-secrets"]


@pytest.fixture(autouse=True)
def _tokens(settings: Any) -> None:
    settings.VOICECHAT_TELEPHONE_TOKENS = TOKENS


def refused(token: str, call: str = "CA1") -> int:
    with pytest.raises(NotAdmitted) as error:
        admit_telephone(token, call)
    return error.value.close


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_of_the_operator_admits_any_call(token: str) -> None:
    one, two = admit_telephone(token, "CA1"), admit_telephone(token, "CA2")
    assert one.is_guest
    assert one.session is None
    assert one.person != two.person
    assert still_admitted(one)


@pytest.mark.parametrize(
    "token", ["", "no", "ä", TOKENS[0] + "x", TOKENS[0][:-1], ",".join(TOKENS)]
)
def test_no_other_token_does(token: str) -> None:
    assert refused(token) == 4401


def test_where_there_are_none_the_empty_one_does_not_either(settings: Any) -> None:
    settings.VOICECHAT_TELEPHONE_TOKENS = []
    assert refused("") == 4401


def test_a_signed_token_admits_its_call_alone() -> None:
    token = token_for_call("CA1")
    assert admit_telephone(token, "CA1").is_guest
    assert refused(token, "CA2") == 4401
    assert refused(token.replace("CA1", "CA2"), "CA2") == 4401


@pytest.mark.parametrize(("after_s", "holds"), [(299, True), (302, False)])
def test_it_holds_for_five_minutes(
    monkeypatch: pytest.MonkeyPatch, after_s: float, holds: bool
) -> None:
    token, now = token_for_call("CA1"), time.time()
    monkeypatch.setattr("time.time", lambda: now + after_s)
    if holds:
        assert admit_telephone(token, "CA1").is_guest
    else:
        assert refused(token) == 4401


def test_guests_need_not_be_allowed(settings: Any) -> None:
    settings.VOICECHAT_ALLOW_GUESTS = False
    assert admit_telephone(TOKENS[0], "CA1").is_guest


@pytest.mark.parametrize(
    ("tokens", "twilio", "admitted"),
    [([], "", False), (TOKENS, "", True), ([], "auth", True)],
)
def test_whether_any_token_could_be_right(
    settings: Any, tokens: list[str], twilio: str, admitted: bool
) -> None:
    settings.VOICECHAT_TELEPHONE_TOKENS = tokens
    settings.VOICECHAT_TWILIO_AUTH_TOKEN = twilio
    assert telephones_are_admitted() is admitted

"""Programs at the socket's door, by an API key or a token that was signed for one."""

from __future__ import annotations

import pytest

from accounts.admission import still_admitted
from accounts.api_keys import tokens
from accounts.api_keys.making import make_key
from accounts.models import Person, User
from accounts.programs import (
    SOCKETS,
    Credential,
    ProgramRefused,
    admit_program,
    credential_in,
    programs_are_admitted,
)

LONG_AGO = 1_000_000_000


@pytest.fixture
def ann(db) -> User:
    return User.objects.create_user("ann")


def header(value: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"chat.example"), (b"authorization", value.encode())]


def refused(credential: Credential | None) -> int:
    assert credential is not None
    with pytest.raises(ProgramRefused) as error:
        admit_program(credential)
    return error.value.close


class TestWhatCounts:
    @pytest.mark.parametrize("value", ["Bearer vc_a", "bearer  vc_a", "vc_a"])
    def test_a_key_in_the_header(self, value):
        assert credential_in(header(value)) == Credential("vc_a", is_token=False)

    @pytest.mark.parametrize("value", ["", "Basic dmNfYTp2Y19h", "Bearer eyJhbGciOi", "Bearer"])
    def test_what_proxies_and_telephone_services_send_is_none_of_ours(self, value):
        assert credential_in(header(value)) is None

    def test_a_token_counts_by_its_form(self):
        token = tokens.sign(1, SOCKETS)
        assert credential_in((), token) == Credential(token, is_token=True)
        assert credential_in((), token[:-1] + "!") is None
        assert credential_in((), "a-secret-of-the-operator") is None

    def test_a_key_comes_before_a_token(self):
        found = credential_in(header("Bearer vc_a"), tokens.sign(1, SOCKETS))
        assert found == Credential("vc_a", is_token=False)

    def test_neither_is_shown(self):
        assert "vc_a" not in repr(credential_in(header("Bearer vc_a")))


class TestWhoTheyAre:
    def test_the_user_of_the_key(self, ann):
        key, text = make_key(ann, voice=True, sockets=3)
        by_key = admit_program(Credential(text, is_token=False))
        by_token = admit_program(Credential(tokens.sign(key.pk, SOCKETS), is_token=True))
        assert by_key == by_token
        assert by_key.user == ann
        assert by_key.name == "ann"
        assert not by_key.is_guest
        assert by_key.session is None
        assert by_key.key is not None
        assert (by_key.key.key, by_key.key.sockets) == (key.pk, 3)
        assert Person.objects.get(user=ann).pk.hex == by_key.person.replace("-", "")

    def test_what_they_are_revoked_by_is_the_keys_own(self, ann):
        visitors = [
            admit_program(Credential(make_key(ann, voice=True)[1], is_token=False))
            for _ in range(2)
        ]
        assert visitors[0].mark
        assert visitors[0].mark != visitors[1].mark


class TestWhoIsRefused:
    def test_an_unknown_key_or_an_altered_token(self, ann):
        key, _ = make_key(ann, voice=True)
        token = tokens.sign(key.pk, SOCKETS)
        assert refused(Credential("vc_wrong", is_token=False)) == 4401
        altered = token[:-1] + ("0" if token[-1] != "0" else "1")
        assert refused(Credential(altered, is_token=True)) == 4401

    def test_a_token_that_has_expired(self, ann):
        key, _ = make_key(ann, voice=True)
        assert refused(Credential(tokens.sign(key.pk, SOCKETS, LONG_AGO), is_token=True)) == 4401

    def test_a_token_for_a_voice_of_the_speech_service(self, ann):
        key, _ = make_key(ann, voice=True)
        assert refused(Credential(tokens.sign(key.pk, "PlayDialog"), is_token=True)) == 4401

    def test_a_key_that_stands_in_an_address(self, ann):
        _, text = make_key(ann, voice=True)
        assert refused(credential_in((), text)) == 4401

    @pytest.mark.parametrize("scope", ["tts", "realtime"])
    def test_another_scope(self, ann, scope):
        key, text = make_key(ann, **{"tts": False, scope: True})
        assert refused(Credential(text, is_token=False)) == 4403
        assert refused(Credential(tokens.sign(key.pk, SOCKETS), is_token=True)) == 4403

    def test_a_revoked_key(self, ann):
        key, text = make_key(ann, voice=True)
        key.revoke()
        assert refused(Credential(text, is_token=False)) == 4401
        assert refused(Credential(tokens.sign(key.pk, SOCKETS), is_token=True)) == 4401

    def test_the_key_of_somebody_who_was_deactivated(self, ann):
        _, text = make_key(ann, voice=True)
        User.objects.update(is_active=False)
        assert refused(Credential(text, is_token=False)) == 4401


class TestStayingAdmitted:
    @pytest.mark.parametrize("why", ["revoked", "deleted", "scope", "inactive"])
    def test_until_the_key_does_not_open_it_any_more(self, ann, why):
        key, text = make_key(ann, voice=True)
        visitor = admit_program(Credential(text, is_token=False))
        assert still_admitted(visitor)
        match why:
            case "revoked":
                key.revoke()
            case "deleted":
                key.delete()
            case "scope":
                key.voice = False
                key.save()
            case "inactive":
                User.objects.update(is_active=False)
        assert not still_admitted(visitor)


def test_somebody_is_waited_for_where_there_is_a_key_that_could_be_right(ann):
    assert not programs_are_admitted()
    make_key(ann)
    assert not programs_are_admitted()
    key, _ = make_key(ann, voice=True)
    assert programs_are_admitted()
    key.revoke()
    assert not programs_are_admitted()

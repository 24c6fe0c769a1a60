"""Keys: made, found, refused; tokens in addresses."""

from __future__ import annotations

import string
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts.api_keys import tokens
from accounts.api_keys.admission import KeyRefused, admit_key, admit_token, key_in, readmit
from accounts.api_keys.making import make_key
from accounts.management.commands import create_api_key
from accounts.models import ApiKey, User

NOW = 1_800_000_000


@pytest.fixture
def ann(db) -> User:
    return User.objects.create_user("ann")


class TestTheCommand:
    def test_it_prints_the_key_and_stores_its_hash_alone(self, ann):
        out = StringIO()
        call_command("create_api_key", "ann", "--scopes", "tts,voice", "--sockets", "3", stdout=out)
        text = out.getvalue().strip()
        key = ApiKey.objects.get()
        assert admit_key(text, "voice").key == key.pk
        assert (key.tts, key.voice, key.realtime, key.sockets) == (True, True, False, 3)
        assert text not in str(ApiKey.objects.values())

    def test_its_help_says_what_there_is_to_say(self, capsys):
        with pytest.raises(SystemExit):
            create_api_key.Command().run_from_argv(["manage.py", "create_api_key", "--help"])
        told = " ".join(capsys.readouterr().out.split())
        for word in ("shown only now", "tts (text to speech)", "commands a minute (default: 600)"):
            assert word in told

    def test_who_may_not_log_in_gets_none(self, ann):
        ann.is_active = False
        ann.save()
        with pytest.raises(CommandError, match="ann is not active"):
            call_command("create_api_key", "ann")
        assert not ApiKey.objects.exists()

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["nobody"], "no user 'nobody'"),
            (["ann", "--scopes", "tts,all"], "No scope is called 'all'"),
            (["ann", "--scopes", ","], "opens nothing"),
            (["ann", "--commands-per-minute", "0"], "1 at least"),
        ],
    )
    def test_it_says_what_is_wrong(self, ann, arguments, told):
        with pytest.raises(CommandError, match=told):
            call_command("create_api_key", *arguments)
        assert not ApiKey.objects.exists()


class TestAKey:
    @pytest.mark.parametrize("text", ["", "vc_wrong", "\ud800", "x" * 100_000])
    def test_none_or_a_wrong_one_is_refused(self, ann, text):
        with pytest.raises(KeyRefused) as refused:
            admit_key(text, "tts")
        assert refused.value.status == 401

    def test_another_scope_is_forbidden(self, ann):
        _key, text = make_key(ann, tts=False, realtime=True)
        with pytest.raises(KeyRefused) as refused:
            admit_key(text, "tts")
        assert refused.value.status == 403
        assert admit_key(text, "realtime").user == ann.pk

    def test_a_revoked_one_is_refused_by_itself_and_by_its_tokens(self, ann):
        key, text = make_key(ann)
        token = tokens.read(tokens.sign(key.pk, "PlayDialog"), "PlayDialog")
        assert admit_token(token, "tts").key == key.pk
        key.revoke()
        for admit in (
            lambda: admit_key(text, "tts"),
            lambda: admit_token(token, "tts"),
            lambda: readmit(key.pk, "tts"),
        ):
            with pytest.raises(KeyRefused, match="revoked"):
                admit()

    def test_that_of_somebody_deactivated_is_refused(self, ann):
        _key, text = make_key(ann)
        ann.is_active = False
        ann.save()
        with pytest.raises(KeyRefused):
            admit_key(text, "tts")

    def test_a_deleted_one_is_refused_by_its_tokens(self, ann):
        key, _text = make_key(ann)
        pk = key.pk
        key.delete()
        with pytest.raises(KeyRefused, match="not known"):
            readmit(pk, "tts")

    @pytest.mark.parametrize(
        ("header", "key"),
        [
            ("Bearer vc_1", "vc_1"),
            ("bearer  vc_1 ", "vc_1"),
            ("vc_1", "vc_1"),
            ("", ""),
            ("Bearer", ""),
            ("Bearer ", ""),
        ],
    )
    def test_it_is_found_as_clients_send_it(self, header, key):
        assert key_in({"authorization": header}) == key

    def test_without_a_header_there_is_none(self):
        assert key_in({}) == ""


class TestAToken:
    def test_it_says_what_was_signed(self):
        token = tokens.read(tokens.sign(7, "PlayDialog", NOW), "PlayDialog", NOW)
        assert token == tokens.Token(7, "PlayDialog", NOW + 3600)

    def test_it_expires_after_an_hour(self):
        text = tokens.sign(7, "PlayDialog", NOW)
        tokens.read(text, "PlayDialog", NOW + 3599)
        with pytest.raises(tokens.TokenRefused) as refused:
            tokens.read(text, "PlayDialog", NOW + 3600)
        assert refused.value.code == "expired_token"

    def test_it_is_of_its_model_alone(self):
        with pytest.raises(tokens.TokenRefused) as refused:
            tokens.read(tokens.sign(7, "PlayDialog", NOW), "Play3.0-mini", NOW)
        assert refused.value.code == "wrong_token"

    @given(st.data())
    def test_an_altered_one_is_refused(self, data):
        text = tokens.sign(7, "PlayDialog", NOW)
        place = data.draw(st.integers(0, len(text) - 1))
        other = data.draw(st.sampled_from(string.printable).filter(lambda c: c != text[place]))
        with pytest.raises(tokens.TokenRefused):
            tokens.read(text[:place] + other + text[place + 1 :], "PlayDialog", NOW)

    @given(st.text())
    def test_anything_else_is_refused(self, text):
        with pytest.raises(tokens.TokenRefused):
            tokens.read(text, "PlayDialog", NOW)

    @given(st.integers(1, 2**63 - 1), st.integers(0, 2**40))
    def test_it_stands_in_an_address_as_it_is_and_has_no_stream_in_it(self, key, now):
        text = tokens.sign(key, "PlayDialog", now)
        assert set(text) <= set("0123456789abcdef-")

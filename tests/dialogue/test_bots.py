"""The default bot, and bots and answers in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from dialogue.bots import bot_by_slug, bot_info, default_bot
from dialogue.engine import BotInfo
from dialogue.models import Answer, Bot

pytestmark = pytest.mark.django_db


def defaults() -> list[str]:
    return list(Bot.objects.filter(is_default=True).values_list("slug", flat=True))


def test_the_first_bot_is_the_default() -> None:
    Bot.objects.create(slug="a", name="A")
    assert defaults() == ["a"]


def test_another_default_takes_the_mark() -> None:
    Bot.objects.create(slug="a", name="A", is_default=True)
    Bot.objects.create(slug="b", name="B", is_default=True)
    assert defaults() == ["b"]


def test_the_only_default_keeps_the_mark() -> None:
    bot = Bot.objects.create(slug="a", name="A", is_default=True)
    bot.is_default = False
    bot.save()
    assert defaults() == ["a"]


def test_without_bots_a_plain_one_is_made_once() -> None:
    assert default_bot() == default_bot()
    assert defaults() == ["default"]


def test_without_a_mark_the_oldest_bot_is_the_default() -> None:
    Bot.objects.bulk_create([Bot(slug="a", name="A"), Bot(slug="b", name="B")])
    assert default_bot().slug == "a"


def test_a_bot_is_found_by_its_short_name() -> None:
    bot = Bot.objects.create(slug="a", name="A")
    assert bot_by_slug("a") == bot
    assert bot_by_slug("") == bot
    assert bot_by_slug("nobody") is None


def test_the_info_is_the_row() -> None:
    bot = Bot(
        slug="a", name="A", engine="openai", prompt="P", greeting="G", voice="v", language="pt"
    )
    assert bot_info(bot) == BotInfo("a", "A", "openai", "P", "G", "v", "pt")


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


def bot_form(**changes: str) -> dict[str, str]:
    return {
        "name": "New", "slug": "new", "engine": "", "prompt": "", "greeting": "", "voice": "",
        "language": "en", **changes,
    }  # fmt: skip


class TestTheAdmin:
    def test_a_second_default_takes_the_mark(self, staff: Client) -> None:
        Bot.objects.create(slug="old", name="Old")
        response = staff.post(reverse("admin:dialogue_bot_add"), bot_form(is_default="on"))
        assert response.status_code == 302
        assert defaults() == ["new"]

    def test_a_wrong_engine_is_refused(self, staff: Client) -> None:
        response = staff.post(reverse("admin:dialogue_bot_add"), bot_form(engine="chatgtp"))
        assert response.status_code == 200
        assert "no dialogue engine" in response.content.decode()
        assert not Bot.objects.exists()

    def test_the_default_bot_cannot_be_deleted(self, staff: Client) -> None:
        bot = Bot.objects.create(slug="a", name="A")
        Bot.objects.create(slug="b", name="B")
        assert (
            staff.post(
                reverse("admin:dialogue_bot_delete", args=[bot.pk]), {"post": "yes"}
            ).status_code
            == 403
        )
        staff.post(
            reverse("admin:dialogue_bot_changelist"),
            {
                "action": "delete_selected",
                "_selected_action": list(Bot.objects.values_list("pk", flat=True)),
                "post": "yes",
            },
        )
        assert Bot.objects.filter(slug="a").exists()

    @pytest.mark.parametrize("page", ["dialogue_bot", "dialogue_answer", "listings_listing"])
    def test_lists_and_forms_open(self, staff: Client, page: str) -> None:
        Bot.objects.create(slug="a", name="A")
        Answer.objects.create(questions="hello", text="Hi")
        for view in ("changelist", "add"):
            assert staff.get(reverse(f"admin:{page}_{view}")).status_code == 200

    def test_disabling_answers_tells_every_process(self, staff: Client) -> None:
        answer = Answer.objects.create(questions="hello", text="Hi")
        staff.post(
            reverse("admin:dialogue_answer_changelist"),
            {"action": "disable", "_selected_action": [answer.pk]},
        )
        before = answer.updated_at
        answer.refresh_from_db()
        assert not answer.enabled
        assert answer.updated_at > before

    @pytest.mark.parametrize("page", ["dialogue_bot", "dialogue_answer", "listings_listing"])
    def test_others_are_kept_out(self, client: Client, page: str) -> None:
        url = reverse(f"admin:{page}_changelist")
        assert client.get(url).status_code == 302
        client.force_login(User.objects.create_user("person"))
        assert client.get(url).status_code == 302
        client.force_login(User.objects.create_user("clerk", is_staff=True))
        assert client.get(url).status_code == 403

    def test_who_may_only_view_cannot_disable(self, client: Client) -> None:
        clerk = User.objects.create_user("clerk", is_staff=True)
        clerk.user_permissions.add(Permission.objects.get(codename="view_answer"))
        client.force_login(clerk)
        answer = Answer.objects.create(questions="hello", text="Hi")
        client.post(
            reverse("admin:dialogue_answer_changelist"),
            {"action": "disable", "_selected_action": [answer.pk]},
        )
        answer.refresh_from_db()
        assert answer.enabled

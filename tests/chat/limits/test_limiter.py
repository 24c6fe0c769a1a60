"""Which limit holds for whom, and what is said at it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from limits import parse

from accounts.api_keys.admission import KeyHolder
from accounts.api_keys.usage import Counts
from accounts.api_keys.usage import Usage as KeyUsage
from chat.limits import limiter as limiter_module
from chat.limits.limiter import TOO_MANY, TRY_LATER, Limiter, OverLimit, Place, Usage
from chat.limits.settings import LimitSettings
from conversations.database import in_database
from feed.limits.counters import Counters

HOME, OFFICE = "192.0.2.1", "198.51.100.7"
GENEROUS = LimitSettings(
    {
        (name, by): parse("1000000/hour")
        for name in ("connects", "turns", "audio_seconds", "bytes")
        for by in ("person", "address")
    },
    {"person": 100, "address": 100, "process": 100},
    100,
)


def limiter(rates: dict[tuple[str, str], str | None] = {}, **others: Any) -> Limiter:  # noqa: B006
    parsed = {key: rate and parse(rate) for key, rate in rates.items()}
    return Limiter(
        replace(GENEROUS, rates={**GENEROUS.rates, **parsed}, **others),
        Counters(),
        KeyUsage(in_database),
    )


class Tenant:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.told: list[OverLimit] = []

    async def over_limit(self, over: OverLimit) -> None:
        self.told.append(over)


class UsageSeen(KeyUsage):
    """Counts as the real one, and writes nothing."""

    def __init__(self) -> None:
        super().__init__(in_database)
        self.seen: dict[int, Counts] = {}

    def count(self, key: int, **more: int) -> None:
        self.seen.setdefault(key, Counts()).add(**more)


def holder(key: int = 1, commands_per_minute: int = 600, sockets: int = 20) -> KeyHolder:
    return KeyHolder(key, 1, commands_per_minute, 1000, sockets)


async def come(
    limits: Limiter,
    address: str,
    person: str,
    *,
    vouched: bool = False,
    key: KeyHolder | None = None,
) -> Place:
    place = Place(address)
    try:
        await limits.knock(place)
        await limits.enter(place, person, vouched=vouched, key=key)
    except OverLimit:
        await limits.leave(place)
        raise
    return place


@pytest.mark.parametrize("by", ["person", "address"])
async def test_who_connects_too_often_is_told_when_to_come_back(by):
    limits = limiter({("connects", by): "2/minute"})
    for _ in range(2):
        await limits.leave(await come(limits, HOME, "anna"))
    with pytest.raises(OverLimit, match="connect too often") as over:
        await come(limits, HOME, "anna")
    assert over.value.close == TOO_MANY
    assert 1 <= over.value.retry_s <= 60
    await come(limits, OFFICE, "ben")


@pytest.mark.parametrize("by", ["person", "address"])
async def test_only_so_many_sockets_are_open_at_a_time(by):
    limits = limiter(sockets={**GENEROUS.sockets, by: 2})
    first = await come(limits, HOME, "anna")
    await come(limits, HOME, "anna")
    with pytest.raises(OverLimit, match="too many connections") as over:
        await come(limits, HOME, "anna")
    assert over.value.close == TOO_MANY
    await limits.leave(first)
    await come(limits, HOME, "anna")


async def test_a_full_process_asks_to_try_later_and_elsewhere():
    limits = limiter(sockets={**GENEROUS.sockets, "process": 1})
    first = await come(limits, HOME, "anna")
    with pytest.raises(OverLimit) as over:
        await come(limits, OFFICE, "ben")
    assert over.value.close == TRY_LATER
    assert over.value.retry_s > 0
    await limits.leave(first)
    await come(limits, OFFICE, "ben")


@pytest.mark.parametrize("by", ["person", "address"])
async def test_turns_that_come_too_fast_are_refused_and_the_next_one_is_not_harmed(by):
    limits = limiter({("turns", by): "2/minute"})
    place = await come(limits, HOME, "anna")
    for _ in range(2):
        await limits.turn(place, 0)
    with pytest.raises(OverLimit, match="too fast") as over:
        await limits.turn(place, 0)
    assert 1 <= over.value.retry_s <= 60
    await limits.turn(await come(limits, OFFICE, "ben"), 0)


async def test_a_process_answers_only_so_many_at_a_time():
    limits = limiter(replies=2)
    place = await come(limits, HOME, "anna")
    await limits.turn(place, 1)
    with pytest.raises(OverLimit, match="too much to answer"):
        await limits.turn(place, 2)


@pytest.mark.parametrize("by", ["person", "address"])
@pytest.mark.parametrize(
    ("name", "field"), [("bytes", "bytes"), ("audio_seconds", "audio_seconds")]
)
async def test_who_has_sent_too_much_is_told_on_every_socket_and_not_let_in_again(by, name, field):
    limits = limiter({(name, by): "100/hour"})
    tabs = [Tenant(await come(limits, HOME, "anna")) for _ in range(2)]
    other = Tenant(await come(limits, OFFICE, "ben"))
    for tenant in [*tabs, other]:
        setattr(tenant.place.usage, field, 50)
    await limits.settle([*tabs, other])
    assert not any(tenant.told for tenant in tabs)
    for tenant in [*tabs, other]:
        setattr(tenant.place.usage, field, 1)
    await limits.settle([*tabs, other])
    for tenant in tabs:
        [over] = tenant.told
        assert over.close == TOO_MANY
        assert over.retry_s > 0
    assert other.told == []
    with pytest.raises(OverLimit):
        await come(limits, HOME, "anna")


async def test_one_call_that_hangs_does_not_keep_the_others_from_being_told(monkeypatch):
    monkeypatch.setattr(limiter_module, "TELL_S", 0.05)

    class Hanging(Tenant):
        async def over_limit(self, over: OverLimit) -> None:
            await asyncio.Event().wait()

    limits = limiter({("bytes", "person"): "1/hour"})
    tenants = [kind(await come(limits, HOME, "anna")) for kind in (Hanging, Tenant)]
    for tenant in tenants:
        tenant.place.usage.bytes = 2
    await limits.settle([*tenants])
    assert len(tenants[1].told) == 1


async def test_what_came_just_before_the_end_is_counted_too():
    limits = limiter({("bytes", "person"): "100/hour"})
    place = await come(limits, HOME, "anna")
    place.usage.bytes = 100
    await limits.leave(place)
    with pytest.raises(OverLimit):
        await come(limits, OFFICE, "anna")


async def test_this_machine_and_a_telephone_service_are_not_counted_by_address():
    limits = limiter({("turns", "address"): "1/hour"}, sockets={**GENEROUS.sockets, "address": 1})
    for n in range(3):
        await limits.turn(await come(limits, "127.0.0.1", f"guest-{n}"), 0)
        await limits.turn(await come(limits, HOME, f"caller-{n}", vouched=True), 0)
    await come(limits, OFFICE, "anna")
    with pytest.raises(OverLimit):
        await come(limits, OFFICE, "ben")


async def test_a_limit_that_is_none_does_not_hold():
    off = dict.fromkeys(GENEROUS.rates)
    limits = limiter(off, sockets={"person": None, "address": None, "process": None}, replies=None)
    place = await come(limits, HOME, "anna")
    await limits.turn(place, 10_000)
    place.usage.bytes = 10**12
    tenant = Tenant(place)
    await limits.settle([tenant])
    assert tenant.told == []


def test_parts_of_a_second_are_kept_for_the_next_time():
    usage = Usage(bytes=5, audio_seconds=1.75)
    assert usage.take() == {"bytes": 5, "audio_seconds": 1}
    assert usage.take() == {}
    usage.audio_seconds += 0.25
    assert usage.take() == {"audio_seconds": 1}


class TestAKey:
    """What a program does counts for its key, too, whatever the limits of its user are."""

    @pytest.fixture
    def usage(self) -> UsageSeen:
        return UsageSeen()

    @pytest.fixture
    def limits(self, usage: UsageSeen) -> Limiter:
        return Limiter(GENEROUS, Counters(), usage)

    async def test_only_so_many_of_its_sockets_are_open_at_a_time(self, limits):
        first = await come(limits, HOME, "anna", key=holder(sockets=1))
        with pytest.raises(OverLimit, match="too many connections") as over:
            await come(limits, HOME, "anna", key=holder(sockets=1))
        assert over.value.close == TOO_MANY
        await come(limits, HOME, "anna", key=holder(key=2))
        await come(limits, HOME, "anna")
        await limits.leave(first)
        await come(limits, HOME, "anna", key=holder(sockets=1))

    async def test_a_turn_is_a_command(self, limits, usage):
        place = await come(limits, HOME, "anna", key=holder(commands_per_minute=2))
        for _ in range(2):
            await limits.turn(place, 0)
        with pytest.raises(OverLimit, match="too fast") as over:
            await limits.turn(place, 0)
        assert over.value.retry_s >= 1
        await limits.turn(await come(limits, HOME, "anna", key=holder(key=2)), 0)
        assert usage.seen[1] == Counts(commands=2, refused=1)
        assert usage.seen[2] == Counts(commands=1)

    async def test_what_it_said_is_counted_once(self, limits, usage):
        place = await come(limits, HOME, "anna", key=holder())
        place.usage.audio_seconds = 2.5
        await limits.settle([Tenant(place)])
        place.usage.audio_seconds += 1.5
        await limits.leave(place)
        assert usage.seen[1] == Counts(heard_ms=4000)

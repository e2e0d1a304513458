"""What the paces say is done: relays rest, connections come one by one, no provider holds another up."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from mailer import clock
from mailer.delivery import route as route_module
from mailer.delivery import sender as sender_module
from mailer.delivery.model import OutcomeKind
from mailer.delivery.pace import Paces
from mailer.delivery.shelf import MOST_OF_ONE
from mailer.settings import Settings
from tests.delivery.pacers import Told
from tests.delivery.world import World, relay, until
from tests.faults.smtp_server import Rule, Script, SmtpServer


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "ASK_SECONDS", 0.02)
    monkeypatch.setattr(route_module, "LAST_PROBE_SECONDS", 0.2)
    monkeypatch.setattr(route_module, "FIRST_PROBE_SECONDS", 0.1)


def people(count: int, domain: str) -> list[str]:
    """p000@domain and so on."""
    return [f"p{number:03}@{domain}" for number in range(count)]


@pytest.mark.rule("B11", "B12")
def test_mail_of_a_provider_without_a_turn_goes_back_with_its_time_and_no_attempt(world: World) -> None:
    """It filled the hand; everybody else's leaves as if it were not there."""
    world.build(people(60, "slow.example") + people(30, "quick.example"))
    told = Told(waits={"slow.example": 30.0})
    server = SmtpServer()

    async def story() -> None:
        async with server.running() as port:
            await world.send_all(port, paced=told)

    before = clock.now()
    asyncio.run(story())
    assert {message.recipient.partition("@")[2] for message in server.accepted} == {"quick.example"}
    waiting = [row for row in world.rows() if row.state.value == "queued"]
    assert len(waiting) == 60
    assert {(row.attempts, row.worker_id) for row in waiting} == {(0, None)}
    times = sorted(row.next_attempt_at for row in waiting)
    assert timedelta(seconds=99) < times[0] - before < timedelta(seconds=130)
    assert all(timedelta(seconds=99) < later - sooner for sooner, later in pairwise(times))


@pytest.mark.rule("B12")
def test_a_few_messages_of_a_provider_wait_for_its_next_turns_where_they_are(small_world: World) -> None:
    """So a turn finds a message; what is more than a few of one provider goes back, whatever its domains."""
    small_world.build(people(20, "slow.example") + people(20, "slow.test"))
    told = Told(waits={"slow.example": 0.05, "slow.test": 0.05})
    told.providers = dict.fromkeys(told.waits, "slow")
    server = SmtpServer()

    async def story() -> None:
        async with server.running() as port, small_world.sending(port, paced=told):
            await until(
                lambda: small_world.counts() == {"attempting": MOST_OF_ONE, "queued": 40 - MOST_OF_ONE}
            )
            told.turns["slow.example"] = 3
            await until(lambda: small_world.counts().get("accepted") == 3)

    asyncio.run(story())
    assert small_world.counts() == {"accepted": 3, "queued": 37}


@pytest.mark.rule("B11")
def test_a_relay_that_rests_gives_its_share_to_the_other_at_once(small_world: World) -> None:
    small_world.build(people(40, "example.net"))
    told = Told(rests={"main": 600.0})
    main, other = SmtpServer(), SmtpServer()

    async def story() -> None:
        async with main.running() as first, other.running() as second:
            relays = [relay(first, name="main"), relay(second, name="other")]
            await small_world.send_all(relays=relays, paced=told)

    asyncio.run(story())
    assert (len(main.accepted), len(other.accepted)) == (0, 40)


@pytest.mark.rule("B11")
def test_when_the_only_relay_rests_everybody_waits_unclaimed(small_world: World) -> None:
    """And leaves when it has had its rest."""
    small_world.build(people(10, "example.net"))
    told = Told(rests={"main": 600.0})
    server = SmtpServer()

    async def story() -> None:
        async with server.running() as port:
            async with small_world.sending(relays=[relay(port, name="main")], paced=told):
                await asyncio.sleep(0.6)
                assert small_world.counts() == {"queued": 10}
                assert server.connections == 0
                told.rests.clear()
                await small_world.settled()

    asyncio.run(story())
    assert small_world.counts() == {"accepted": 10}


def test_what_is_in_hand_stays_there_for_a_moments_rest(small_world: World) -> None:
    """A relay that asks for a second does not make the database take a batch back and give it out again."""
    small_world.build(people(10, "example.net"))
    told = Told(rests={"main": 1.0})

    async def story() -> None:
        async with SmtpServer().running() as port:
            async with small_world.sending(relays=[relay(port, name="main")], paced=told):
                await until(lambda: small_world.counts() == {"attempting": 10})
                told.rests.clear()
                await small_world.settled()

    asyncio.run(story())
    assert small_world.counts() == {"accepted": 10}


@pytest.mark.rule("B11")
def test_connections_come_back_one_by_one(small_world: World) -> None:
    small_world.build(people(60, "example.net"))
    told = Told(connections={"main": 1})
    server = SmtpServer(Script(delay_seconds=0.05))
    seen: list[int] = []

    async def story() -> None:
        async with server.running() as port:
            relays = [relay(port, name="main", connections=3)]
            async with small_world.sending(relays=relays, paced=told, sends_system=False):
                for most in (1, 2, 3):
                    told.connections["main"] = most
                    await until(lambda: server.open_connections >= most)  # noqa: B023 - awaited here
                    await asyncio.sleep(0.2)
                    seen.append(server.open_connections)
                await small_world.settled(seconds=20)

    asyncio.run(story())
    assert seen == [1, 2, 3]


@pytest.mark.rule("B11")
def test_the_one_connection_that_is_allowed_carries_both_streams(small_world: World) -> None:
    """Not the one that is kept free for system mail: campaigns would wait for as long as that comes."""
    small_world.build(people(20, "example.net"))
    proof = small_world.queue_proof()
    server = SmtpServer()

    async def story() -> None:
        async with server.running() as port:
            relays = [relay(port, name="main", connections=3)]
            await small_world.send_all(relays=relays, paced=Told(connections={"main": 1}))

    asyncio.run(story())
    assert small_world.row(proof).state.value == "accepted"
    assert small_world.counts() == {"accepted": 21}
    assert server.connections == 1


@pytest.mark.rule("B12")
def test_a_relay_is_sent_to_at_its_own_rate_and_the_other_is_not_slowed(small_world: World) -> None:
    """The other one has its share, and all of the share that the first cannot take when it stands alone."""
    small_world.build(people(60, "example.net"))
    told = Told(limits={"main": 10.0})
    main, other = SmtpServer(), SmtpServer()

    async def story() -> None:
        async with main.running() as first, other.running() as second:
            relays = [relay(first, name="main", weight=1), relay(second, name="other", weight=9)]
            async with small_world.sending(relays=relays, paced=told):
                started = clock.monotonic()
                await until(lambda: len(main.accepted) + len(other.accepted) == 60, seconds=20)
                allowed = 10.0 * (clock.monotonic() - started + 1.0) + 1
                assert len(main.accepted) <= allowed

    asyncio.run(story())
    assert len(other.accepted) >= 45


def test_every_end_is_told_with_the_relay_and_the_domain_where_one_was_named(small_world: World) -> None:
    small_world.build(["good@a.example", "later@b.example", "gone@C.example"])
    told = Told()
    rules = [
        Rule("mail", "421 4.3.2 closing", times=1),
        Rule("rcpt", "450 4.2.0 greylisted", who="later"),
        Rule("rcpt", "550 5.7.1 no", who="gone"),
    ]

    async def story() -> None:
        async with SmtpServer(Script(rules)).running() as port:
            relays = [relay(port, name="main", connections=1)]
            await small_world.send_all(relays=relays, paced=told)

    asyncio.run(story())
    ends = [(name, domain, outcome.kind) for name, domain, outcome in told.outcomes]
    assert sorted(ends) == [
        ("main", "", OutcomeKind.ROUTE_DOWN),
        ("main", "a.example", OutcomeKind.ACCEPTED),
        ("main", "b.example", OutcomeKind.DEFERRED),
        ("main", "c.example", OutcomeKind.REJECTED),
    ]
    # One offered and not judged: its turn is free again.
    assert sum(told.given_back.values()) == 1


def test_every_turn_that_was_not_used_is_given_back(small_world: World) -> None:
    """People who left, messages that cannot be made, bodies withheld: nothing of a provider's share is lost."""
    names = people(30, "example.net")
    small_world.build(names)
    small_world.messages.failing = {"p003": ValueError("odd")}
    told = Told()

    async def story() -> None:
        async with SmtpServer(Script(messages_per_connection=2)).running() as port:
            await small_world.send_all(port, paced=told)

    asyncio.run(story())
    judged = sum(1 for _, domain, _ in told.outcomes if domain)
    assert judged == 29
    assert len(told.asked) == judged + sum(told.given_back.values())


@pytest.mark.rule("B11")
def test_a_relay_that_finds_our_rate_unusual_is_left_alone_and_the_other_sends(
    small_world: World, settings: Settings
) -> None:
    """The paces that are shipped, on a reply as Gmail's."""
    small_world.build(people(40, "example.net"))
    strict = SmtpServer(Script([Rule("mail", "421 4.7.28 unusual rate of mail")]))
    other = SmtpServer()

    async def story() -> float:
        paces = Paces(small_world.store, settings, worker_id=1)
        async with strict.running() as first, other.running() as second:
            relays = [relay(first, name="main", connections=1), relay(second, name="other")]
            await small_world.send_all(relays=relays, paced=paces)
        return paces.rest("main")

    assert 600 < asyncio.run(story()) <= 611
    assert (len(strict.accepted), len(other.accepted)) == (0, 40)
    assert strict.connections <= 2
    assert {row.attempts for row in small_world.rows()} == {1}


@pytest.mark.rule("A59")
def test_an_outage_is_no_reason_to_be_slow_afterwards(small_world: World, settings: Settings) -> None:
    """A relay that turns everybody away for a while is sent to as before when it is back."""
    small_world.build(people(30, "example.net"))
    server = SmtpServer(Script([Rule("mail", "421 4.3.2 closing", times=8)]))

    async def story() -> float | None:
        paces = Paces(small_world.store, settings, worker_id=1)
        async with server.running() as port:
            await small_world.send_all(relays=[relay(port, name="main")], paced=paces, seconds=20)
        return paces.limit_for("main")

    assert asyncio.run(story()) is None
    assert small_world.counts() == {"accepted": 30}


@pytest.mark.rule("B12")
@pytest.mark.parametrize("per_second", [5.0, None])
def test_a_provider_without_turns_keeps_nobody_at_a_known_rate(
    small_world: World, per_second: float | None
) -> None:
    """At a rate a worker holds few claims: those that wait for a provider are not among them."""
    small_world.build(people(40, "slow.example") + people(10, "quick.example"))
    told = Told(waits={"slow.example": 4.0}, limits={"main": 5.0} if per_second is None else {})
    server = SmtpServer()

    async def story() -> None:
        async with server.running() as port:
            relays = [relay(port, name="main", connections=4)]
            async with small_world.sending(relays=relays, paced=told, per_second=per_second):
                await until(lambda: len(server.accepted) == 10, seconds=20)

    asyncio.run(story())
    assert {message.recipient.partition("@")[2] for message in server.accepted} == {"quick.example"}


@pytest.mark.rule("B11")
@pytest.mark.parametrize("connections", [1, 4])
def test_while_others_have_all_connections_campaigns_are_left_to_them_and_system_mail_goes(
    small_world: World, connections: int
) -> None:
    small_world.build(people(30, "quick.example"))
    told = Told(connections={"main": 0})
    server = SmtpServer()

    async def story() -> None:
        async with server.running() as port:
            relays = [relay(port, name="main", connections=connections)]
            async with small_world.sending(relays=relays, paced=told):
                proof = small_world.queue_proof()
                await until(lambda: small_world.row(proof).state.value == "accepted")
                await until(lambda: small_world.counts() == {"accepted": 1, "queued": 30})
                assert server.connections == 1
                told.connections["main"] = 1
                await small_world.settled(seconds=20)

    asyncio.run(story())
    assert small_world.counts() == {"accepted": 31}


@pytest.mark.rule("B11")
def test_a_connection_that_others_may_have_now_is_closed_at_once(small_world: World) -> None:
    """Not after it was idle for long: two workers would have it."""
    small_world.build(people(5, "quick.example"))
    told = Told()
    server = SmtpServer()

    async def story() -> None:
        async with server.running() as port:
            relays = [relay(port, name="main", connections=2)]
            async with small_world.sending(relays=relays, paced=told):
                await small_world.settled(seconds=20)
                assert server.open_connections
                told.connections["main"] = 0
                await until(lambda: not server.open_connections)

    asyncio.run(story())

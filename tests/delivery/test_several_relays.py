"""Several relays and one campaign: shares while all are up, fail-over while one is not, nobody twice, nobody lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from mailer.delivery import route as route_module
from mailer.delivery import shares as shares_module
from mailer.delivery.shares import SLACK
from mailer.store.vocabulary import DeliveryState
from tests.delivery.world import World, relay, until
from tests.faults.smtp_server import Rule, Script, SmtpServer


@pytest.fixture(autouse=True)
def _probe_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route_module, "LAST_PROBE_SECONDS", 0.3)
    monkeypatch.setattr(route_module, "FIRST_PROBE_SECONDS", 0.1)


def people(count: int) -> list[str]:
    """p000, p001 and so on."""
    return [f"p{number:03}" for number in range(count)]


def everybody_once(world: World, servers: Sequence[SmtpServer]) -> None:
    """Law 2, from the servers' side, and each row names the relay that took its message."""
    taken = {
        message.message_id: f"127.0.0.1:{server._port}" for server in servers for message in server.accepted
    }
    assert sum(len(server.accepted) for server in servers) == len(taken)
    rows = [row for row in world.rows() if row.state is DeliveryState.ACCEPTED]
    assert {row.message_id: row.relay for row in rows} == taken


@pytest.mark.rule("B16")
@pytest.mark.parametrize("weights", [(1, 1), (3, 1), (9, 1)])
def test_each_relay_gets_its_share_however_quick_it_is(small_world: World, weights: tuple[int, int]) -> None:
    """The one with less to do is much quicker."""
    small_world.build(people(200))
    servers = [SmtpServer(Script(delay_seconds=0.01)), SmtpServer()]

    async def story() -> None:
        async with servers[0].running() as first, servers[1].running() as second:
            relays = [relay(first, weight=weights[0]), relay(second, weight=weights[1])]
            await small_world.send_all(relays=relays, seconds=20)

    asyncio.run(story())
    everybody_once(small_world, servers)
    assert small_world.counts() == {"accepted": 200}
    assert abs(len(servers[0].accepted) - 200 * weights[0] / sum(weights)) <= SLACK


def test_a_relay_that_stands_by_is_not_even_connected_to(small_world: World) -> None:
    small_world.build(people(20))
    main, spare = SmtpServer(), SmtpServer()

    async def story() -> None:
        async with main.running() as first, spare.running() as second:
            await small_world.send_all(relays=[relay(first), relay(second, weight=0)])

    asyncio.run(story())
    assert (len(main.accepted), spare.connections) == (20, 0)


@pytest.mark.rule("A57", "A59")
@pytest.mark.parametrize("weight", [0, 1])
def test_a_relay_that_goes_away_in_the_middle_gives_its_share_to_the_other(world: World, weight: int) -> None:
    """At once, whether the other one had a share or stood by; what was on the wire is unknown, and named."""
    world.build(people(120))
    servers = [SmtpServer(Script(delay_seconds=0.01)), SmtpServer(Script(delay_seconds=0.01))]

    async def story() -> None:
        async with servers[0].running() as first, servers[1].running() as second:
            relays = [relay(first), relay(second, weight=weight)]
            async with world.sending(relays=relays, batch_size=40):
                await until(lambda: len(servers[0].accepted) >= 20)
                await servers[0].leave()
                await world.settled(seconds=20)

    asyncio.run(story())
    counts = world.counts()
    assert counts.get("unknown", 0) <= 2  # one for each connection that stood
    assert counts["accepted"] + counts.get("unknown", 0) == 120
    assert {row.attempts for row in world.rows()} == {1}
    taken = Counter(message.recipient for server in servers for message in server.accepted)
    assert set(taken.values()) == {1}


def test_a_relay_that_comes_back_has_its_share_again(small_world: World) -> None:
    small_world.build(people(200))
    servers = [SmtpServer(Script(delay_seconds=0.01)), SmtpServer(Script(delay_seconds=0.01))]

    async def story() -> None:
        async with servers[0].running() as first, servers[1].running() as second:
            await servers[0].leave()
            async with small_world.sending(relays=[relay(first), relay(second)]):
                await until(lambda: len(servers[1].accepted) >= 40)
                await servers[0].listen()
                await small_world.settled(seconds=20)

    asyncio.run(story())
    everybody_once(small_world, servers)
    assert small_world.counts() == {"accepted": 200}
    assert len(servers[0].accepted) >= 30


@pytest.mark.rule("A59")
@pytest.mark.parametrize(
    "rule",
    [
        Rule("connect", "421 4.7.0 too many"),
        Rule("connect", "stall"),
        Rule("mail", "421 4.3.2 closing"),
        Rule("mail", "454 4.7.0 sign in later"),
        Rule("rcpt", "530 5.7.0 sign in first"),
    ],
    ids=lambda rule: f"{rule.verb} {rule.do}",
)
def test_a_relay_that_will_not_have_us_costs_nobody_an_attempt(small_world: World, rule: Rule) -> None:
    """The other one takes its share meanwhile; nobody waits for a greeting that does not come."""
    small_world.build(people(60))
    bad, good = SmtpServer(Script([rule])), SmtpServer()

    async def story() -> None:
        async with bad.running() as first, good.running() as second:
            await small_world.send_all(relays=[relay(first), relay(second)], seconds=20)

    asyncio.run(story())
    assert (len(bad.accepted), len(good.accepted)) == (0, 60)
    assert small_world.counts() == {"accepted": 60}
    assert {row.attempts for row in small_world.rows()} == {1}


def test_a_relay_that_answers_nothing_does_not_hold_the_other_for_long(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares_module, "PATIENCE_SECONDS", 0.2)
    small_world.build(people(60))
    silent, good = SmtpServer(Script([Rule("dot", "stall")])), SmtpServer()

    async def story() -> None:
        async with silent.running() as first, good.running() as second:
            async with small_world.sending(relays=[relay(first), relay(second)]):
                await until(lambda: len(good.accepted) >= 50)

    asyncio.run(story())
    assert silent.accepted == []


def test_when_no_relay_is_left_everybody_waits_and_then_goes(world: World) -> None:
    world.build(people(30))
    servers = [SmtpServer(), SmtpServer()]

    async def story() -> None:
        async with servers[0].running() as first, servers[1].running() as second:
            for server in servers:
                await server.leave()
            async with world.sending(relays=[relay(first), relay(second)]):
                await until(lambda: world.counts() == {"queued": 30})
                await asyncio.sleep(0.5)
                assert world.counts() == {"queued": 30}
                await servers[1].listen()
                await world.settled(seconds=20)

    asyncio.run(story())
    assert world.counts() == {"accepted": 30}
    assert {row.attempts for row in world.rows()} == {1}
    everybody_once(world, servers)


@pytest.mark.rule("B16")
def test_system_mail_goes_through_a_relay_of_its_own_and_campaigns_do_not(world: World) -> None:
    world.build(people(20))
    proofs = [world.queue_proof() for _ in range(3)]
    post, bulk = SmtpServer(), SmtpServer()

    async def story() -> None:
        async with post.running() as first, bulk.running() as second:
            own = relay(first, streams=frozenset(("system",)))
            await world.send_all(relays=[own, relay(second)])

    asyncio.run(story())
    assert {message.recipient for message in post.accepted} == {"ops@shop.example"}
    assert (len(post.accepted), len(bulk.accepted)) == (3, 20)
    assert {world.row(proof).state for proof in proofs} == {DeliveryState.ACCEPTED}


@pytest.mark.rule("B16")
@pytest.mark.parametrize(
    ("streams", "state"), [(("campaign", "system"), "accepted"), (("campaign",), "queued")]
)
def test_system_mail_takes_another_way_only_where_it_may(
    small_world: World, streams: tuple[str, ...], state: str
) -> None:
    """Its own relay is down."""
    small_world.build()
    proof = small_world.queue_proof()
    post, bulk = SmtpServer(), SmtpServer()

    async def story() -> None:
        async with post.running() as first, bulk.running() as second:
            await post.leave()
            own = relay(first, streams=frozenset(("system",)))
            other = relay(second, streams=frozenset(streams))
            async with small_world.sending(relays=[own, other]):
                await until(lambda: small_world.row(proof).state.value == state)
                await asyncio.sleep(0.6)

    asyncio.run(story())
    assert small_world.row(proof).state.value == state

"""Which relay takes what, when each breaker opens and closes: tables, without a network."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from mailer.delivery import route as route_module
from mailer.delivery.relays import Relay, Relays
from mailer.delivery.route import BREAKER, MOST_REFUSALS, Route, Signal, State
from tests.delivery.world import relay


def down(one: Relay) -> None:
    """No connection can be had."""
    one.route.failed("away")


def takers(*relays: Relay) -> tuple[list[str], list[str]]:
    """Who takes campaigns and who takes system mail now."""
    return (
        [one.name for one in relays if one.takes_campaigns],
        [one.name for one in relays if one.takes_system],
    )


def build(*relays: Relay) -> tuple[Relay, ...]:
    Relays(relays)
    return relays


def test_relays_with_a_weight_share_and_the_others_stand_by() -> None:
    a, b, spare = build(relay(1, name="a"), relay(2, name="b"), relay(3, name="spare", weight=0))
    assert takers(a, b, spare) == (["a", "b"], ["a", "b"])
    down(a)
    assert takers(a, b, spare) == (["b"], ["b"])
    down(b)
    assert takers(a, b, spare) == (["spare"], ["spare"])
    down(spare)
    assert takers(a, b, spare) == ([], [])
    b.route.opened()
    assert takers(a, b, spare) == (["b"], ["b"])


@pytest.mark.rule("B16")
def test_a_relay_for_system_mail_alone_takes_all_of_it_while_it_is_up() -> None:
    """Its reputation is its own; when it is down, a confirmation is worth more than that."""
    post = relay(1, name="post", streams=frozenset(("system",)))
    bulk, spare = relay(2, name="bulk"), relay(3, name="spare", weight=0)
    build(post, bulk, spare)
    assert takers(post, bulk, spare) == (["bulk"], ["post"])
    down(post)
    assert takers(post, bulk, spare) == (["bulk"], ["bulk"])
    down(bulk)
    assert takers(post, bulk, spare) == (["spare"], ["spare"])


@pytest.mark.rule("B16")
def test_a_relay_for_campaigns_alone_never_takes_system_mail() -> None:
    post = relay(1, name="post", streams=frozenset(("system",)))
    bulk = relay(2, name="bulk", streams=frozenset(("campaign",)))
    relays = Relays((post, bulk))
    down(post)
    assert takers(post, bulk) == (["bulk"], [])
    assert relays.serve(system=False)
    assert not relays.serve(system=True)


def test_senders_hear_of_every_change() -> None:
    one = relay(1)
    relays = Relays([one])
    heard: list[bool] = []
    relays.changed = lambda: heard.append(one.takes_campaigns)
    down(one)
    one.route.opened()
    assert heard == [False, True]


def test_a_relay_without_connections_of_this_worker_takes_nothing() -> None:
    a, b = build(relay(1, name="a"), relay(2, name="b", connections=0))
    assert takers(a, b) == (["a"], ["a"])


# --- the breaker ------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "signal"), list(itertools.product(State, Signal)))
def test_the_breaker_closes_only_after_a_proof_and_opens_only_after_trouble(
    state: State, signal: Signal
) -> None:
    after = BREAKER.get((state, signal), state)
    if after is not state:
        assert (after is State.CLOSED) == (signal is Signal.PROVED)
        assert (after is State.OPEN) == (signal in (Signal.TRIPPED, Signal.FAILED))
        assert (after is State.HALF_OPEN) == (signal is Signal.PROBE)


def test_one_connection_tries_when_its_time_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route_module, "FIRST_PROBE_SECONDS", 0.05)

    async def story() -> list[State]:
        route, states = Route(), []
        route.changed = lambda: states.append(route.state)
        route.failed("away")
        await route.permission()
        assert route.is_down  # nothing stands yet
        route.failed("still away")
        await route.permission()
        route.opened()
        return states

    expected = [State.OPEN, State.HALF_OPEN, State.OPEN, State.HALF_OPEN, State.CLOSED]
    assert asyncio.run(story()) == expected


def test_a_relay_that_refuses_nearly_every_message_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it lets everybody in, and takes one now and then."""
    monkeypatch.setattr(route_module, "FIRST_PROBE_SECONDS", 0.05)

    async def story() -> None:
        route = Route()
        route.opened()
        for number in range(MOST_REFUSALS):
            assert route.state is State.CLOSED
            route.refused("reply 421 to most messages")
            if number % 3 == 0:
                route.proved()
        assert route.is_down
        route.proved()  # was on its way
        assert route.is_down
        route.closed()
        await route.permission()
        route.opened()
        assert (route.state, route.is_down) == (State.HALF_OPEN, False)  # a greeting proves nothing
        route.proved()
        assert route.state is State.CLOSED

    asyncio.run(story())


def test_a_relay_that_takes_one_message_per_connection_works() -> None:
    """A59: it refuses every other time, for ever."""
    route = Route()
    route.opened()
    for _ in range(200):
        route.proved()
        route.refused("reply 421 to most messages")
    assert route.state is State.CLOSED


def test_how_long_a_relay_is_down_is_counted_from_the_first_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not from the last probe."""
    monkeypatch.setattr(route_module, "FIRST_PROBE_SECONDS", 0.0)

    async def story() -> None:
        route = Route()
        assert route.down_since is None
        route.failed("away")
        since = route.down_since
        assert since is not None
        await route.permission()
        route.failed("away")
        assert route.down_since == since
        await route.permission()
        route.opened()
        assert route.down_since is None

    asyncio.run(story())

"""The engine, its paces and a server that refuses above a rate it never told: all real, in real time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace

import pytest

from mailer.delivery.pace import Paces, controller, sharing, signals
from mailer.delivery.rate import RateLimit
from mailer.delivery.relays import Relay
from mailer.delivery.windows import SiteWindows
from mailer.settings import Settings
from mailer.store.vocabulary import DeliveryState
from tests.delivery.pace.crew import no_servers
from tests.delivery.pace.relays import Bucket
from tests.delivery.test_paced import people
from tests.delivery.world import World, relay, until
from tests.faults.smtp_server import Rule, Script, SmtpServer


class Limiter(Rule):
    """Refuses whom it speaks about when they come faster than a hidden rate."""

    def limit(self, rate: float, *, domain: str = "") -> Limiter:
        self.bucket = Bucket(lambda _: rate, 1.0, tokens=rate, at=time.monotonic())
        self.domain = domain
        self.refused: list[float] = []
        return self

    def fires(self, verb: str, name: str, *, taken: int = 0) -> bool:
        if verb != self.verb or not name.endswith(self.domain) or self.bucket.takes(time.monotonic()):
            return False
        self.refused.append(time.time())
        return True


def paces_of(world: World, settings: Settings, worker_id: int) -> Paces:
    return Paces(world.store, settings, worker_id=worker_id, lookup=no_servers)


def shared(world: World, port: int, *, connections: int = 3) -> list[Relay]:
    """The one relay of a worker, whose turns all workers share."""
    windows = SiteWindows(world.store, "relay:main", rate=1.0)
    limit = RateLimit(None, system_share=0.2, windows=windows)
    return [relay(port, name="main", connections=connections, limit=limit)]


def send(world: World, server: SmtpServer, paces: list[Paces], *, seconds: float) -> None:
    """One engine for each paces, until nothing is due or the time is over."""

    async def story() -> None:
        async with server.running() as port:
            engines = [world.sending(relays=shared(world, port), paced=one) for one in paces]
            for engine in engines:
                await engine.__aenter__()
            try:
                await world.settled(seconds=seconds)
            finally:
                for engine in engines:
                    await engine.__aexit__(None, None, None)

    asyncio.run(story())


@pytest.mark.rule("B12")
def test_a_hidden_rate_of_the_relay_costs_few_deferrals(world: World, settings: Settings) -> None:
    """Without paces all but a second's worth would be refused at once, and come again in half an hour."""
    world.build(people(300, "example.net"))
    limiter = Limiter("rcpt", "451 4.7.1 you are sending too fast").limit(60.0)
    send(world, SmtpServer(Script([limiter])), [paces_of(world, settings, n) for n in (1, 2)], seconds=60)
    states = Counter(row.state for row in world.rows())
    assert states[DeliveryState.ACCEPTED] > 240
    assert set(states) <= {DeliveryState.ACCEPTED, DeliveryState.DEFERRED}


@pytest.mark.rule("B11", "B12")
def test_a_hidden_rate_of_one_provider_slows_nobody_else(small_world: World, settings: Settings) -> None:
    names = [
        name for pair in zip(people(100, "gmail.com"), people(100, "yahoo.com"), strict=True) for name in pair
    ]
    small_world.build(names)
    limiter = Limiter("rcpt", "451 4.7.1 gmail.com takes no more for now").limit(5.0, domain="gmail.com")
    server = SmtpServer(Script([limiter]))
    paces = paces_of(small_world, settings, 1)

    async def story() -> None:
        async with server.running() as port:
            async with small_world.sending(relays=shared(small_world, port), paced=paces):
                await until(
                    lambda: sum(taken.recipient.endswith("yahoo.com") for taken in server.accepted) == 100
                )

    asyncio.run(story())
    assert paces.rest("main") == 0.0
    assert paces.limit_for("main") is None
    refused = [row for row in small_world.rows() if row.state is DeliveryState.DEFERRED]
    assert 0 < len(refused) < 30, "what was on its way, and hardly more"


@pytest.mark.rule("B11")
def test_after_4728_nothing_goes_there_for_the_whole_stop_then_one_at_a_time(
    small_world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten minutes are two seconds here, a minute half of one. Others' mail leaves all the while."""
    monkeypatch.setattr(signals, "STOP_SECONDS", 2.0)
    monkeypatch.setattr(sharing, "PROVIDER", replace(controller.PROVIDER, join_seconds=0.5))
    small_world.build(people(30, "gmail.com"))
    rule = Rule("rcpt", "421 4.7.28 Gmail has detected an unusual rate of mail", who="p010@gmail")
    server = SmtpServer(Script([rule], delay_seconds=0.02))
    paces = paces_of(small_world, settings, 1)

    async def story() -> float:
        async with server.running() as port:
            relays = shared(small_world, port, connections=4)
            async with small_world.sending(relays=relays, paced=paces, sends_system=False):
                await until(lambda: rule.fired == 1)
                stopped_at = time.time()
                await asyncio.sleep(0.3)
                campaign = small_world.add_campaign("others", people(20, "yahoo.com"))
                await until(
                    lambda: sum(taken.recipient.endswith("yahoo.com") for taken in server.accepted) == 20
                )
                assert campaign
                await until(
                    lambda: sum(taken.recipient.endswith("gmail.com") for taken in server.accepted) == 29,
                    seconds=30,
                )
        return stopped_at

    stopped_at = asyncio.run(story())
    google = [taken.at for taken in server.accepted if taken.recipient.endswith("gmail.com")]
    others = [taken.at for taken in server.accepted if taken.recipient.endswith("yahoo.com")]
    after = [at for at in google if at > stopped_at + 0.3]
    assert after, "some were left for after the stop"
    assert min(after) >= stopped_at + 1.9
    assert min(others) < stopped_at + 1.9
    assert [
        outcome for outcome in (row.state for row in small_world.rows()) if outcome is DeliveryState.DEFERRED
    ]

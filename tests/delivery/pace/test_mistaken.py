"""Replies, domains and zones that could mislead the paces, and do not."""

from __future__ import annotations

import asyncio

import pytest

from mailer.delivery.model import Outcome, OutcomeKind
from mailer.delivery.pace.dns import MailServers
from mailer.delivery.pace.owners import is_named
from mailer.delivery.pace.paces import Paces
from mailer.delivery.pace.providers import MOST_OCTETS, Providers
from mailer.delivery.pace.signals import MAX_MAYBE_SECONDS, named_wait, read
from mailer.delivery.pace.view import rate_words
from mailer.settings import Settings
from mailer.store import Store
from tests.delivery.pace.crew import Crew, no_servers, set_time

TAKEN = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "2.0.0 queued")


def later(text: str, code: int = 451) -> Outcome:
    """A refusal for now."""
    return Outcome(OutcomeKind.DEFERRED, code, text.split(" ")[0], text)


@pytest.mark.rule("B11")
@pytest.mark.parametrize(
    ("provider", "text"),
    [
        ("firma.de", "4.7.1 <bob@firma.de>: Recipient address rejected: rate limit exceeded"),
        ("firma.de", "4.7.1 mail for firma.de is limited here"),
        ("google", "4.7.1 <bob@gmail.com>: Recipient address rejected: too fast"),
    ],
)
def test_who_repeats_the_address_names_no_provider(provider: str, text: str) -> None:
    assert not is_named(provider, text)


def test_a_host_of_the_provider_names_it() -> None:
    assert is_named("firma.de", "4.7.1 host mx1.firma.de[192.0.2.1] said: too fast, <bob@firma.de>")


@pytest.mark.rule("B12")
def test_a_limit_of_the_relay_is_found_whoever_it_names(store: Store, settings: Settings) -> None:
    with set_time() as time:
        crew = Crew([store], settings, count=1).start()
        for number in range(40):
            crew.paces[0].heard("main", f"firma{number}.de", TAKEN)
        time.now += 2
        refusal = f"4.7.1 <bob@firma{number}.de>: Recipient address rejected: rate limit exceeded"
        crew.paces[0].heard("main", f"firma{number}.de", later(refusal, 450))
        crew.exchange()
        assert crew.paces[0].limit_for("main") is not None
        assert crew.paces[0].gate(f"firma{number}.de", system=False) == 0.0


def test_three_in_a_row_are_not_three_ever(store: Store, settings: Settings) -> None:
    """Each has a thousand accepted before it."""
    with set_time() as time:
        crew = Crew([store], settings, count=1).start()
        paces = crew.paces[0]
        for _ in range(6):
            for _ in range(1000):
                paces.heard("main", "gmail.com", TAKEN)
            paces.heard("main", "gmail.com", later("4.3.0 mx.google.com said come again"))
            time.now += 300
            crew.exchange()
        assert paces.gate("gmail.com", system=False) == 0.0
        assert paces.rest("main") == 0.0


@pytest.mark.rule("D36")
def test_a_slow_dns_keeps_nobody_from_knowing_what_the_others_heard(store: Store, settings: Settings) -> None:
    async def never(domain: str) -> MailServers:
        await asyncio.Event().wait()
        raise AssertionError(domain)

    async def heard() -> float:
        one = Paces(store, settings, worker_id=1, lookup=never)
        working = asyncio.create_task(one.run())
        one.provider("slow.de")
        await asyncio.sleep(0.05)
        for _ in range(50):
            one.heard("main", "slow.de", TAKEN)
        one.heard("main", "slow.de", later("4.7.1 slow down"))
        for _ in range(1000):
            await asyncio.sleep(0.02)
            if (limit := one.limit_for("main")) is not None:
                break
        working.cancel()
        return limit or 0.0

    assert asyncio.run(heard()) > 0


def test_every_domain_is_looked_up_in_its_time(store: Store) -> None:
    """Also where there are more than anybody would ask for at once."""
    asked: set[str] = set()

    async def lookup(domain: str) -> MailServers:
        asked.add(domain)
        return MailServers(("mx.one.de",), 3600.0)

    async def look() -> Providers:
        providers = Providers(store, lookup)
        for number in range(6000):
            providers.of(f"d{number}.de")
        for _ in range(12):
            await providers.refresh()
        return providers

    providers = asyncio.run(look())
    assert len(asked) == 6000
    assert providers.of("d5999.de") == "one.de"


def test_a_provider_s_name_fits_into_the_tables(store: Store) -> None:
    providers = Providers(store, no_servers)
    domain = ".".join(["x" * 60] * 4) + ".de"
    assert len(providers.of(domain)) == MOST_OCTETS
    asyncio.run(providers.refresh())
    assert len(providers.of(domain)) == MOST_OCTETS


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("4.7.1 refused, try again later id 83421m", 0.0),
        ("4.7.1 try again in 5 minutes", 300.0),
        ("4.7.1 please wait at least 90 seconds", 90.0),
        ("4.7.1 retry after 30s", 30.0),
    ],
)
def test_a_wait_is_one_that_is_named_as_such(text: str, seconds: float) -> None:
    assert named_wait(text) == seconds


def test_a_reply_that_may_be_about_one_recipient_closes_nothing_for_long() -> None:
    refusal = read(later("4.3.0 this one should come back in 10 hours"))
    assert refusal is not None
    assert refusal.wait_seconds == MAX_MAYBE_SECONDS


@pytest.mark.parametrize(
    ("rate", "words"),
    [(999.9, "1,000/s"), (100, "100/s"), (12.34, "12.3/s"), (0.5, "30/min"), (0.001, "3.6/h")],
)
def test_rates_have_a_unit_that_gives_them_a_number(rate: float, words: str) -> None:
    assert rate_words(rate) == words

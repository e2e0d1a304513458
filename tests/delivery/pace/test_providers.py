"""Domains grouped by whose mail servers they have: in the background, remembered, and believed in nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

import dns.asyncresolver
import dns.message
import dns.rrset
import pytest

from mailer import clock
from mailer.delivery.pace import table
from mailer.delivery.pace.dns import DnsMx, MailServers, Silent
from mailer.delivery.pace.providers import AT_ONCE, GIVE_UP_AFTER, Providers, owned
from mailer.store import Store

pytestmark = pytest.mark.rule("B11")


@dataclass
class Zone:
    """A DNS that answers from a dictionary, and counts."""

    servers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    is_silent: bool = False
    asked: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def __call__(self, domain: str) -> MailServers:
        self.asked.append(domain)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.is_silent:
            raise Silent
        return MailServers(self.servers.get(domain, ()), 600.0)


def seen(providers: Providers, domains: Iterable[str]) -> list[str]:
    return [providers.of(domain) for domain in domains]


def test_domains_of_one_owner_are_one_provider_once_the_dns_has_said_so(store: Store) -> None:
    zone = Zone({"firm.com": ("aspmx.l.google.com.",), "club.org": ("alt1.aspmx.l.google.com.",)})
    providers = Providers(store, zone)
    domains = ["firm.com", "club.org", "alone.com", "gmail.com"]
    assert seen(providers, domains) == ["firm.com", "club.org", "alone.com", "google"]
    assert zone.asked == [], "nothing waits for the DNS"
    asyncio.run(providers.refresh())
    assert seen(providers, domains) == ["google", "google", "alone.com", "google"]
    assert sorted(zone.asked) == ["alone.com", "club.org", "firm.com"]


def test_another_worker_and_a_later_one_need_not_ask_again(store: Store) -> None:
    zone = Zone({"firm.com": ("mx.mail.protection.outlook.com.",)})
    for _ in range(2):
        providers = Providers(store, zone)
        providers.of("firm.com")
        asyncio.run(providers.refresh())
        assert providers.of("firm.com") == "outlook"
    assert zone.asked == ["firm.com"]


def test_what_has_expired_is_asked_again(store: Store) -> None:
    zone = Zone({"firm.com": ("mx.firm.com.",)})
    providers = Providers(store, zone)
    providers.of("firm.com")
    asyncio.run(providers.refresh())
    long_ago = clock.now() - timedelta(seconds=1)
    table.save_providers(store, [("firm.com", "firm.com", long_ago)], now=long_ago - timedelta(days=1))
    zone.servers["firm.com"] = ("aspmx.l.google.com.",)
    later = Providers(store, zone)
    later.of("firm.com")
    asyncio.run(later.refresh())
    assert later.of("firm.com") == "google"


def test_a_silent_dns_leaves_each_domain_its_own_and_is_soon_left_in_peace(sqlite_store: Store) -> None:
    zone = Zone(is_silent=True)
    providers = Providers(sqlite_store, zone)
    domains = [f"d{number}.com" for number in range(200)]
    seen(providers, domains)
    asyncio.run(providers.refresh())
    asyncio.run(providers.refresh())
    assert seen(providers, domains) == domains
    assert len(zone.asked) <= AT_ONCE * ((GIVE_UP_AFTER + AT_ONCE) // AT_ONCE + 1)


def test_reserved_names_are_not_asked_for_and_nothing_is_when_the_settings_say_so(
    sqlite_store: Store,
) -> None:
    zone = Zone()
    for providers, domain in (
        (Providers(sqlite_store, zone), "shop.example"),
        (Providers(sqlite_store, None), "x.com"),
    ):
        assert providers.of(domain) == domain
        asyncio.run(providers.refresh())
    assert zone.asked == []


def test_few_lookups_run_at_once(sqlite_store: Store) -> None:
    zone = Zone()
    providers = Providers(sqlite_store, zone)
    seen(providers, [f"d{number}.com" for number in range(100)])
    asyncio.run(providers.refresh())
    assert (len(zone.asked), zone.most_at_once) == (100, AT_ONCE)


@pytest.mark.rule("D36")
def test_names_that_are_none_are_passed_over() -> None:
    assert (
        owned("firm.com", MailServers(("<b>.x\x1b[0m.", "192.0.2.1.", ".", "mx.other.net."), 60))
        == "other.net"
    )
    assert owned("firm.com", MailServers((".",), 60)) == "firm.com"


# --- the real lookup, answered from here --------------------------------------------------------


class Answers(dns.asyncresolver.Resolver):
    """A resolver without a network: it answers one query with a message, or fails."""

    def __init__(self, *records: str, ttl: int = 300) -> None:
        super().__init__(configure=False)
        self._records = records
        self._ttl = ttl

    async def resolve(self, qname, rdtype, **options):  # type: ignore[no-untyped-def, override]  # dnspython's long list
        query = dns.message.make_query(qname, rdtype)
        response = dns.message.make_response(query)
        if self._records:
            response.answer.append(dns.rrset.from_text(qname, self._ttl, "IN", "MX", *self._records))
        received = dns.message.from_wire(response.to_wire())
        return dns.resolver.Answer(query.question[0].name, rdtype, query.question[0].rdclass, received)


def test_mail_servers_come_in_the_order_of_preference() -> None:
    found = asyncio.run(DnsMx(Answers("20 b.firm.com.", "10 a.firm.com."))("firm.com"))
    assert found == MailServers(("a.firm.com.", "b.firm.com."), 300.0)


def test_a_domain_without_mail_servers_is_an_answer_too() -> None:
    assert asyncio.run(DnsMx(Answers())("firm.com")).hosts == ()


@pytest.mark.rule("D36")
def test_a_resolver_that_does_not_answer_is_silent_within_its_time() -> None:
    resolver = dns.asyncresolver.Resolver(configure=False)
    with pytest.raises(Silent):
        asyncio.run(DnsMx(resolver)("firm.com"))

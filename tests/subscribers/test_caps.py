"""Caps against subscription bombing (D8): per address, network, domain, and the site's fuse."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from ipaddress import IPv6Address

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from mailer.addresses import EmailAddress
from mailer.keyring import Secrets
from mailer.settings import Settings
from mailer.store import Store
from mailer.store.schema import Delivery, SignupCount, SignupRequest
from mailer.subscribers.caps import CAPS, network_of
from mailer.subscribers.lists import sync_lists
from tests.subscribers.conftest import ADA, Desk, make_desk, seen


def tight(desk: Desk, **limits: int) -> Desk:
    """The same desk with other caps."""
    privacy = desk.settings.privacy.model_copy(update=limits)
    settings = desk.settings.model_copy(update={"privacy": privacy})
    return make_desk(desk.store, settings, desk.secrets, desk.clock)


def someone(number: int, domain: str = "example.net") -> EmailAddress:
    return EmailAddress(f"reader{number}", domain)


def flood(desk: Desk, count: int, *, ip: str = "192.0.2.7", domain: str = "example.net") -> int:
    """Sign up that many people, each on an own address; returns the mails that would leave."""
    for number in range(count):
        desk.joining.request("weekly", someone(number, domain), fields={}, evidence=seen(ip))
    desk.joining.process_requests()
    return len(desk.waiting())


@pytest.mark.rule("D8")
def test_one_address_gets_one_confirmation_in_any_24_hours(desk: Desk) -> None:
    desk.request()
    desk.pass_time(hours=23, minutes=59)
    desk.request()
    assert desk.events() == ["requested"]
    desk.pass_time(hours=1, minutes=1)
    desk.request()
    assert desk.events() == ["requested", "requested"]


@pytest.mark.rule("D8")
def test_one_address_gets_three_unconfirmed_confirmations_in_30_days(desk: Desk) -> None:
    for _ in range(10):
        desk.request()
        desk.pass_time(days=2)
    assert desk.events().count("requested") == 3
    desk.pass_time(days=30)
    desk.request()
    assert desk.events().count("requested") == 4


@pytest.mark.rule("D8")
def test_the_cap_of_an_address_covers_all_lists_and_spellings(desk: Desk) -> None:
    desk.request(ADA, "weekly")
    desk.request(EmailAddress("ADA", "example.net"), "clearance")
    assert desk.events() == ["requested"]


def test_confirming_clears_the_count_of_that_address(desk: Desk) -> None:
    desk.join(ADA, "weekly")
    desk.request(ADA, "clearance")
    assert desk.state(ADA, "clearance") == "pending"


@pytest.mark.rule("D8")
def test_one_network_is_capped_by_the_hour(desk: Desk) -> None:
    assert flood(tight(desk, per_ip_hour=5), 8) == 5


@pytest.mark.rule("D8")
def test_a_whole_ipv6_line_counts_as_one(desk: Desk) -> None:
    strict = tight(desk, per_ip_hour=5)
    for number in range(8):
        evidence = seen(f"2001:db8:1:2::{number:x}")
        strict.joining.request("weekly", someone(number), fields={}, evidence=evidence)
    strict.joining.process_requests()
    assert len(desk.waiting()) == 5


@pytest.mark.rule("D8")
def test_one_domain_is_capped_by_the_hour(desk: Desk) -> None:
    strict = tight(desk, per_domain_hour=3)
    assert flood(strict, 5, domain="example.com") == 3
    assert flood(strict, 5, domain="example.org") == 6


def test_a_cap_opens_again_when_its_span_is_over(desk: Desk) -> None:
    strict = tight(desk, per_ip_hour=2)
    assert flood(strict, 3) == 2
    desk.pass_time(hours=2)
    strict.joining.request("weekly", someone(99), fields={}, evidence=seen())
    strict.joining.process_requests()
    assert len(desk.waiting()) == 3


@pytest.mark.rule("D8")
def test_the_fuse_holds_signups_back_and_loses_none(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    strict = tight(desk, global_hour=4)
    with caplog.at_level(logging.ERROR):
        assert flood(strict, 6) == 4
        assert strict.joining.process_requests() == 0
    assert len(desk.rows(SignupRequest)) == 2
    alerts = [record for record in caplog.records if getattr(record, "event", "") == "signup_fuse_blown"]
    assert len(alerts) == 1, "one alert an hour is enough"
    desk.pass_time(hours=2)
    assert strict.joining.process_requests() == 2
    assert len(desk.waiting()) == 6


def test_two_minutes_across_the_full_hour_do_not_double_a_cap(desk: Desk) -> None:
    """Counters are per hour; the span reaches back to the start of its oldest hour."""
    strict = tight(desk, per_ip_hour=2)
    desk.pass_time(minutes=59)
    assert flood(strict, 2) == 2
    desk.pass_time(minutes=2)
    for number in (10, 11):
        strict.joining.request("weekly", someone(number), fields={}, evidence=seen())
    strict.joining.process_requests()
    assert len(desk.waiting()) == 2


def test_what_was_not_sent_is_not_counted(desk: Desk) -> None:
    desk.join()
    desk.request()
    counts = {row.window_at: row.count for row in desk.rows(SignupCount)}
    assert max(counts.values()) == 1


@pytest.mark.rule("F6")
def test_the_counters_hold_no_address_and_no_ip(desk: Desk) -> None:
    desk.request()
    stored = str([tuple(row) for row in desk.rows(SignupCount)])
    assert "example" not in stored and "192.0.2" not in stored


@pytest.mark.rule("D8")
def test_a_flood_on_one_victim_sends_one_mail(desk: Desk) -> None:
    for number in range(300):
        desk.joining.request("weekly", ADA, fields={}, evidence=seen(f"198.51.100.{number % 250}"))
    while desk.joining.process_requests():
        pass
    assert len(desk.rows(Delivery)) == 1


NETWORKS = [
    ("192.0.2.7", "192.0.2.7"),
    ("::ffff:192.0.2.7", "192.0.2.7"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("fe80::1%eth0", "fe80::/64"),
    ("unix", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("ip", "network"), NETWORKS)
def test_the_network_of_a_client(ip: str | None, network: str | None) -> None:
    assert network_of(ip) == network


@given(st.ip_addresses(v=6), st.ip_addresses(v=6))
def test_two_ipv6_clients_share_a_counter_iff_their_first_64_bits_agree(
    one: IPv6Address, other: IPv6Address
) -> None:
    if one.ipv4_mapped or other.ipv4_mapped:
        return
    same_line = int(one) >> 64 == int(other) >> 64
    assert (network_of(str(one)) == network_of(str(other))) == same_line


def test_every_cap_has_its_setting(settings: Settings) -> None:
    assert all(getattr(settings.privacy, cap.setting) >= 1 for cap in CAPS)


@pytest.mark.parametrize("minute", [0, 1, 30, 59])
def test_no_span_of_a_day_holds_two_mails_wherever_the_hour_stands(
    sqlite_store: Store, settings: Settings, secrets: Secrets, minute: int
) -> None:
    with time_machine.travel(datetime(2026, 11, 23, 9, minute, tzinfo=UTC), tick=False) as clock:
        sync_lists(sqlite_store, settings)
        desk = make_desk(sqlite_store, settings, secrets, clock)
        desk.request()
        desk.pass_time(hours=24, minutes=-1)
        desk.request()
        assert desk.events() == ["requested"]

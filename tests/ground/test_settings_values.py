"""What single settings accept, to the edge and not beyond."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.addresses import EmailAddress, Mailbox
from mailer.settings import Rate, SettingsInvalid
from tests.ground.settings_text import GOOD, problems, read

# --- web addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://news.shop.example", "https://news.shop.example"),
        ("https://news.shop.example/", "https://news.shop.example"),
        ("https://shop.example/news/", "https://shop.example/news"),
        ("https://news.shop.example:8443", "https://news.shop.example:8443"),
        ("http://localhost:8025", "http://localhost:8025"),
        ("http://[::1]:8025/", "http://[::1]:8025"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://news.shop.example/a%20b", "https://news.shop.example/a%20b"),
    ],
)
def test_a_base_url_is_kept_without_its_last_slash(given: str, kept: str) -> None:
    assert read(site={"base_url": given}, smtp={"main": {"host": "::1"}}).site.base_url == kept


@pytest.mark.rule("F8")
@pytest.mark.parametrize(
    "given",
    [
        "news.shop.example",
        "ftp://news.shop.example",
        "https://",
        "https:///path",
        "https://news.shop.example:port",
        "https://news.shop.example:99999",
        "https://news.shop.example?a=1",
        "https://news.shop.example#top",
        "https://news.shop.example?",
        "https://bücher.example",
        "https://exa mple.com",
        "https://news.shop.example/<script>",
        'https://news"shop.example',
        "https://news.shop.example/\r\nBcc: x@y.example",
        "https://news\n.shop.example",
        "https://news.shop.example\t",
        "https://[::1",
        "https://-shop.example",
        "https://news..shop.example",
        "javascript:alert(1)",
        "",
    ],
)
def test_what_is_no_plain_web_address_is_refused(given: str) -> None:
    """It stands in every mail and in headers: no second line, no bracket, no space gets there."""
    assert problems(site={"base_url": given}) == [
        '[site] base_url must be a web address such as "https://news.shop.example", in plain ASCII.'
    ]


def test_a_password_in_a_web_address_is_refused() -> None:
    assert problems(site={"base_url": "https://me:secret@shop.example"}) == [
        "[site] base_url must not contain a user name or password."
    ]


@given(st.text(max_size=40).map("https://".__add__) | st.text(max_size=40))
def test_an_accepted_web_address_is_one_line_of_visible_ascii(text: str) -> None:
    try:
        kept = read(site={"base_url": text}).site.base_url
    except SettingsInvalid:
        return
    assert kept.isascii() and kept.isprintable() and not set(kept) & set(' <>"\\')


# --- hosts, ports, networks -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("SMTP.Shop.Example", "smtp.shop.example"),
        ("smtp.shop.example.", "smtp.shop.example"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
    ],
)
def test_a_host_is_kept_as_a_socket_takes_it(given: str, kept: str) -> None:
    assert read(smtp={"main": {"host": given}}).relay.host == kept


@pytest.mark.parametrize(
    "given",
    ["smtp.shop.example:587", "smtp://shop.example", "a b", "", "[::1", "-a.example", "a_b.example", "[x]"],
)
def test_what_is_no_host_name_is_refused(given: str) -> None:
    assert problems(smtp={"main": {"host": given}}) == [
        '[smtp.main] host must be a host name such as "smtp.shop.example", without scheme or port.'
    ]


@pytest.mark.rule("F8")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_clear_text_to_a_relay_on_this_machine_is_accepted(host: str) -> None:
    assert read(smtp={"main": {"host": host, "tls": "none"}}).relay.tls == "none"


def test_clear_text_to_another_machine_is_refused() -> None:
    assert problems(smtp={"main": {"host": "192.0.2.7", "tls": "none"}}) == [
        '[smtp.main] tls is "none", but 192.0.2.7 is not this machine: mail would travel in clear text.'
    ]


@pytest.mark.parametrize(
    ("given", "kept"), [("10.0.0.7/8", "10.0.0.0/8"), ("192.0.2.1", "192.0.2.1/32"), ("::1", "::1/128")]
)
def test_a_proxy_is_kept_as_a_network(given: str, kept: str) -> None:
    assert read(web={"trusted_proxies": [given]}).web.trusted_proxies == (kept,)


RANGES = [
    ("smtp.main", "port", 0, 65536, 1, 65535),
    ("smtp.main", "connections", 0, 101, 1, 100),
    ("sending", "batch_size", 0, 1001, 1, 1000),
    ("sending", "connections", 0, 101, 1, 100),
    ("sending", "workers", 0, 101, 1, 100),
    ("sending", "max_message_kb", 15, 20481, 16, 20480),
    ("sending", "audience_drift", -0.01, 1.01, 0, 1),
    ("sending", "give_up_hours", 0, 241, 1, 240),
    ("privacy", "unconfirmed_days", 0, 31, 1, 30),
    ("privacy", "per_address_day", 0, 11, 1, 10),
    ("privacy", "per_address_month", 0, 31, 1, 30),
    ("web", "port", 0, 65536, 1, 65535),
]


def _with(section: str, key: str, value: object) -> dict[str, dict[str, Any]]:
    table, _, name = section.partition(".")
    return {table: {name: GOOD[table][name] | {key: value}} if name else {key: value}}


@pytest.mark.rule("C7")
@pytest.mark.parametrize(("section", "key", "low", "high", "least", "most"), RANGES)
def test_a_number_is_accepted_to_the_edge_and_not_beyond(
    section: str, key: str, low: float, high: float, least: float, most: float
) -> None:
    for value in (least, most):
        assert read(**_with(section, key, value))
    for value in (low, high):
        (problem,) = problems(**_with(section, key, value))
        assert problem.startswith(f"[{section}] {key} must be ")


@pytest.mark.parametrize("value", [0, 1, -0.1])
def test_the_share_for_confirmations_is_neither_nothing_nor_all(value: float) -> None:
    assert problems(sending={"system_share": value})[0].startswith("[sending] system_share must be ")


@pytest.mark.parametrize("key", ["first_retry_minutes", "retry_hours", "give_up_hours"])
def test_a_retry_time_of_nothing_is_refused(key: str) -> None:
    assert problems(sending={key: 0})[0].startswith(f"[sending] {key} must be greater than 0.")


# --- rates ------------------------------------------------------------------------------------------


@given(st.integers(1, 10**6), st.sampled_from(["s", "min", "h"]))
def test_a_rate_reads_as_it_was_written(count: int, unit: str) -> None:
    rate = read(sending={"rate": f"{count}/{unit}"}).sending.rate
    assert str(rate) == f"{count}/{unit}"
    assert rate.per_second == pytest.approx(count / {"s": 1, "min": 60, "h": 3600}[unit])


def test_a_rate_is_printed_as_text_when_settings_are_dumped() -> None:
    assert read(sending={"rate": "10/s"}).model_dump()["sending"]["rate"] == "10/s"


def test_no_rate_means_as_fast_as_the_relay_takes_them() -> None:
    assert read().sending.rate == Rate("unlimited", None)


# --- addresses, names, lists ------------------------------------------------------------------------


def test_an_address_is_kept_in_one_form() -> None:
    assert read(site={"privacy_contact": " Privacy@Bücher.EXAMPLE "}).site.privacy_contact == (
        "Privacy@xn--bcher-kva.example"
    )


def test_a_mailbox_is_read_into_name_and_address() -> None:
    assert read().lists["weekly"].from_mailbox == Mailbox("Ohm & Volt", EmailAddress("news", "shop.example"))


def test_colleagues_are_given_as_a_list_or_as_a_line_of_the_environment() -> None:
    both = ("mia@shop.example", "tom@shop.example")
    assert read(sending={"proof_addresses": list(both)}).sending.proof_addresses == both
    environ = {"MAILER_SENDING__PROOF_ADDRESSES": " mia@shop.example , ,tom@shop.example,"}
    assert read(environ).sending.proof_addresses == both


def test_one_bad_colleague_is_named() -> None:
    (problem,) = problems(sending={"proof_addresses": ["mia@shop.example", "tom"]})
    assert problem == (
        "[sending] proof_addresses is not a mail address. The address has no @ with something on both sides of it."
    )


@pytest.mark.parametrize("name", ["Weekly", "9lives", "weekly news", "wöchentlich", "a" * 65, "-a"])
def test_a_list_has_a_plain_name(name: str) -> None:
    (problem,) = problems(lists={name: GOOD["lists"]["weekly"] | {"list_id": "x.lists.shop.example"}})
    assert "must be a name of lower-case letters, digits, - and _" in problem


@pytest.mark.parametrize(
    "list_id", ["weekly", "weekly lists.shop.example", "<w.shop.example>", f"w.{'a' * 64}.example"]
)
def test_a_list_id_is_a_name_below_a_domain(list_id: str) -> None:
    (problem,) = problems(lists={"weekly": GOOD["lists"]["weekly"] | {"list_id": list_id}})
    assert "must be a name in a domain you own" in problem


def test_a_list_id_is_compared_in_small_letters() -> None:
    """RFC 2919 6: two that differ by case alone are one."""
    other = GOOD["lists"]["weekly"] | {"list_id": "WEEKLY.lists.shop.example"}
    assert problems(lists={"weekly": GOOD["lists"]["weekly"], "other": other}) == [
        "[lists] weekly and other have the same list_id; each needs its own."
    ]


@pytest.mark.parametrize("text", ["two\nlines", "tab\there", "a\x85b", "a\u2028b", "\x7f"])
def test_a_title_is_one_line(text: str) -> None:
    assert problems(lists={"weekly": GOOD["lists"]["weekly"] | {"title": text}}) == [
        "[lists.weekly] title must be one line."
    ]


def test_a_postal_address_may_have_several_lines() -> None:
    assert read(site={"postal_address": "Lötstraße 12\n10115 Berlin\n"}).site.postal_address.count("\n") == 1


# --- merge fields -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("text", "x", 1),
        ("number", 1.5, "1.5"),
        ("number", 3, True),
        ("boolean", True, 1),
        ("boolean", False, "no"),
    ],
)
def test_a_default_is_of_the_fields_type(kind: str, good: object, bad: object) -> None:
    assert read(fields={"extra": {"type": kind, "default": good}}).fields["extra"].default == good
    assert problems(fields={"extra": {"type": kind, "default": bad}}) == [
        f"[fields.extra] default is no {kind}, which this field holds."
    ]


@pytest.mark.parametrize(
    ("kind", "empty"), [("text", ""), ("number", None), ("boolean", False), ("date", None)]
)
def test_a_field_without_a_default_holds_nothing_of_its_type(kind: str, empty: object) -> None:
    assert read(fields={"extra": {"type": kind}}).fields["extra"].empty == empty


def test_a_default_is_what_the_field_holds_when_nobody_said() -> None:
    assert read(fields={"extra": {"type": "number", "default": 0}}).fields["extra"].empty == 0


@pytest.mark.parametrize("name", ["email", "language"])
def test_a_field_cannot_take_a_name_that_templates_have(name: str) -> None:
    assert problems(fields={name: {}}) == [
        f"[fields] {name} is a name that templates already have; choose another."
    ]


# --- derived values ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base_url", "domain"),
    [
        ("https://news.shop.example", "news.shop.example"),
        ("https://192.0.2.7", "bounce.shop.example"),
        ("https://intranet", "bounce.shop.example"),
        ("http://shop.localhost", "bounce.shop.example"),
        ("http://[::1]:80", "bounce.shop.example"),
    ],
)
@pytest.mark.rule("A26")
def test_message_ids_end_in_a_name_that_is_owned(base_url: str, domain: str) -> None:
    relay = {"main": {"host": "127.0.0.1"}}
    assert read(site={"base_url": base_url}, smtp=relay).message_id_domain == domain


@pytest.mark.rule("A26")
def test_the_end_of_message_ids_can_be_said() -> None:
    assert read(sending={"message_id_domain": "Ids.Shop.Example"}).message_id_domain == "ids.shop.example"


def test_how_many_processes_send_is_left_to_the_machine_unless_it_is_said() -> None:
    assert read().sending.workers is None
    assert read(sending={"workers": 3}).sending.workers == 3


def test_the_journal_is_not_synced_unless_it_is_said() -> None:
    assert read().sending.journal_sync is False
    assert read(sending={"journal_sync": True}).sending.journal_sync is True

"""Whose mail servers they are: well-known owners, organisational domains, and names nobody should believe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.pace.owners import is_named, is_reserved, own_name, owner_of

pytestmark = pytest.mark.rule("B11")


@pytest.mark.parametrize(
    ("host", "owner"),
    [
        ("aspmx.l.google.com.", "google"),
        ("ALT1.GMAIL-SMTP-IN.L.GOOGLE.COM", "google"),
        ("aspmx2.googlemail.com", "google"),
        ("shop-example.mail.protection.outlook.com.", "outlook"),
        ("shop-example.a-v1.mx.microsoft", "outlook"),
        ("mta5.am0.yahoodns.net", "yahoo"),
        ("mx01.mail.icloud.com", "apple"),
        ("mx00.emig.gmx.net", "gmx-webde"),
        ("mx00.kundenserver.de", "ionos"),
        ("mxa-001.pphosted.com", "proofpoint"),
        ("mail.shop.example", "shop.example"),
        ("mx.firm.co.uk", "firm.co.uk"),
        ("mx1.mail.firm.com.au", "firm.com.au"),
        ("co.uk", "co.uk"),
        ("notgoogle.com", "notgoogle.com"),
        ("google.com.evil.example", "evil.example"),
    ],
)
def test_a_mail_server_belongs_to(host: str, owner: str) -> None:
    assert owner_of(host) == owner


@pytest.mark.rule("D36")
@pytest.mark.parametrize(
    "host",
    [
        "", ".", "localhost", "192.0.2.1", "a b.example", "<script>.example", "mx.example\n", "-mx.example-",
        "x" * 64 + ".example", "a." * 127 + "example", "mx..example", "mx.\x1b[31m.example", "mx.exämple.de",
    ],
)  # fmt: skip
def test_a_name_that_is_none_belongs_to_nobody(host: str) -> None:
    assert owner_of(host) is None


@pytest.mark.rule("D36")
@given(st.text(max_size=300))
def test_whatever_the_dns_says_becomes_a_plain_name_or_nothing(host: str) -> None:
    owner = owner_of(host)
    assert owner is None or (
        len(owner) <= 253 and set(owner) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_")
    )


def test_addresses_of_the_providers_themselves_need_no_dns() -> None:
    assert [own_name(domain) for domain in ("gmail.com", "hotmail.com", "web.de", "shop.example")] == [
        "google", "outlook", "gmx-webde", None,
    ]  # fmt: skip


def test_reserved_names_are_never_asked_for() -> None:
    reserved = ["shop.example", "example.com", "mail.example.org", "a.test", "host.local", "x.invalid"]
    assert all(map(is_reserved, reserved))
    assert not any(map(is_reserved, ["shop.com", "example.shop.com", "testing.org"]))


def test_a_reply_that_the_relay_passed_on_names_the_provider() -> None:
    assert is_named("google", "4.7.28 Gmail has detected an unusual rate")
    assert is_named("outlook", "host x.mail.protection.outlook.com said: 4.7.500 busy")
    assert is_named("yahoo", "4.7.0 [TSS04] Messages temporarily deferred")
    assert is_named("firm.co.uk", "host mx.firm.co.uk refused to talk to me")
    assert not is_named("google", "4.7.1 slow down")
    assert not is_named("shop", "a shop said no")

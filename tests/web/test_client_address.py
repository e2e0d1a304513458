"""Who is asking: proxy headers are believed from our own proxies only (D11)."""

from __future__ import annotations

from typing import Any

import pytest

from mailer.web.client import Proxies

OURS = Proxies.of(["10.0.0.0/8", "2001:db8:1::/48"], "X-Forwarded-For")


def scope(peer: str | None, *headers: tuple[str, str], scheme: str = "http") -> dict[str, Any]:
    """As much of an ASGI scope as is looked at."""
    return {
        "type": "http",
        "scheme": scheme,
        "client": (peer, 40000) if peer else None,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
    }


@pytest.mark.rule("D11")
@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "203.0.113.5", "192.0.2.1"),  # a stranger's header proves nothing
        ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
        (
            "10.0.0.1",
            "198.51.100.9, 203.0.113.5",
            "203.0.113.5",
        ),  # what stands left was written by the client
        ("10.0.0.1", "198.51.100.9, 203.0.113.5, 10.0.0.2", "203.0.113.5"),  # two proxies of ours
        ("10.0.0.1", "203.0.113.5:51234", "203.0.113.5"),
        ("10.0.0.1", "[2001:db8::7]:443", "2001:db8::7"),
        ("10.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.1", "::ffff:203.0.113.5", "203.0.113.5"),
        ("::ffff:10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("2001:db8:1::1", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5, <script>", "10.0.0.1"),
    ],
)
def test_the_address_is_the_nearest_that_our_proxies_vouch_for(
    peer: str, forwarded: str, client: str
) -> None:
    assert OURS.client_ip(scope(peer, ("X-Forwarded-For", forwarded))) == client


@pytest.mark.rule("D11")
def test_the_header_may_come_in_several_lines() -> None:
    lines = (("X-Forwarded-For", "198.51.100.9"), ("X-Forwarded-For", "203.0.113.5"))
    assert OURS.client_ip(scope("10.0.0.1", *lines)) == "203.0.113.5"


@pytest.mark.rule("D11")
def test_only_the_configured_header_counts() -> None:
    real = Proxies.of(["10.0.0.1"], "x-real-ip")
    both = (("X-Forwarded-For", "198.51.100.9"), ("X-Real-IP", "203.0.113.5"))
    assert real.client_ip(scope("10.0.0.1", *both)) == "203.0.113.5"


def test_a_unix_socket_has_no_address() -> None:
    assert OURS.client_ip(scope(None)) is None


@pytest.mark.parametrize(
    ("peer", "told", "scheme"),
    [
        ("10.0.0.1", "https", "https"),
        ("10.0.0.1", "HTTPS", "https"),
        ("10.0.0.1", "https,http", "http"),
        ("192.0.2.1", "https", "http"),
    ],
)
def test_the_scheme_is_what_our_proxy_says(peer: str, told: str, scheme: str) -> None:
    assert OURS.scheme(scope(peer, ("X-Forwarded-Proto", told))) == scheme

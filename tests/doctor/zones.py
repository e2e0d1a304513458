"""The names of a sender that does everything right, and small ways to spoil one thing at a time."""

from __future__ import annotations

from collections.abc import Sequence

from tests.doctor.name_server import Zone

ADDRESS = "203.0.113.5"
REVERSE = "5.113.0.203.in-addr.arpa"

#: A mail server of one's own at ADDRESS, the pages elsewhere.
GOOD: dict[tuple[str, str], Sequence[str]] = {
    ("shop.test", "SOA"): ["ns.shop.test. hostmaster.shop.test. 1 3600 600 86400 300"],
    ("shop.test", "MX"): ["10 mx.shop.test."],
    ("shop.test", "TXT"): ["v=spf1 mx -all", "some-other-service=proof-of-ownership"],
    ("mx.shop.test", "A"): [ADDRESS],
    ("bounce.shop.test", "MX"): ["10 mx.shop.test."],
    ("bounce.shop.test", "TXT"): [f"v=spf1 ip4:{ADDRESS} -all"],
    ("mail.shop.test", "A"): [ADDRESS],
    ("mail.shop.test", "TXT"): ["v=spf1 a -all"],
    (REVERSE, "PTR"): ["mail.shop.test."],
    ("_dmarc.shop.test", "TXT"): ["v=DMARC1; p=quarantine; rua=mailto:dmarc@shop.test"],
}


def spoilt(changes: Zone | None = None, *, without: Sequence[tuple[str, str]] = ()) -> Zone:
    """The good zone with records replaced, added or taken out."""
    kept = {key: records for key, records in GOOD.items() if key not in without}
    return {**kept, **(changes or {})}

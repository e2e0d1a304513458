"""Whether the mail server of the site vouches for who wrote that they want to leave (C33, RFC 8601)."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import compat32

from mailer.addresses import AddressInvalid, parse_address

_HEADER_BYTES = 64_000
_DMARC_PASS = re.compile(r"\bdmarc\s*=\s*pass\b[^;]*", re.IGNORECASE)
_HEADER_FROM = re.compile(r"header\.from\s*=\s*([A-Za-z0-9.-]+)", re.IGNORECASE)


def is_vouched(raw: bytes, sender: str, *, authserv_id: str | None) -> bool:
    """Whether our own mail server says that DMARC passed for the domain of `sender` (RFC 8601).

    Only the topmost field counts, and only under the name that the operator's server puts there:
    anybody can write such a field further down.
    """
    if authserv_id is None:
        return False
    try:
        domain = parse_address(sender).domain
    except AddressInvalid:
        return False
    message = message_from_bytes(raw[:_HEADER_BYTES], policy=compat32)
    fields = message.get_all("Authentication-Results") or []
    if not fields or len(message.get_all("From") or []) != 1:
        return False  # of two From fields, servers and readers each choose their own
    first = " ".join(str(fields[0]).split())
    name = first.partition(";")[0].strip().split(" ")[0]
    passed = _DMARC_PASS.search(first)
    shown = None if passed is None else _HEADER_FROM.search(passed[0])
    return name.lower() == authserv_id.lower() and shown is not None and shown[1].lower() == domain.lower()

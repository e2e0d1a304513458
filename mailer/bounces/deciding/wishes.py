"""People who write that they want to leave: a signed link does it, a bare word is for a person to read (A19, C33)."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import compat32

from mailer.addresses import AddressInvalid, parse_address
from mailer.tokens import LinkClaim, Purpose, TokenError, Tokens, read_link

_TOKEN = re.compile(
    r"(?<![A-Za-z0-9_-])(u[A-Za-z0-9_-]{10,400}\.[A-Za-z0-9_-]{43}\.[a-z0-9]{1,8})(?![A-Za-z0-9_-])"
)
_HEADER_BYTES = 64_000
_DMARC_PASS = re.compile(r"\bdmarc\s*=\s*pass\b[^;]*", re.IGNORECASE)
_HEADER_FROM = re.compile(r"header\.from\s*=\s*([A-Za-z0-9.-]+)", re.IGNORECASE)


def claim_in(raw: bytes, tokens: Tokens) -> LinkClaim | None:
    """The first genuine unsubscribe token in the header of a message; who sent it does not matter (A19)."""
    head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0][:_HEADER_BYTES]
    text = re.sub(r"\n[ \t]+", "", head.decode("ascii", "replace"))
    for token in _TOKEN.findall(text)[:20]:
        try:
            claim = read_link(tokens, Purpose.UNSUBSCRIBE, token)
        except TokenError:
            continue
        return claim
    return None


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
    fields = message_from_bytes(raw[:_HEADER_BYTES], policy=compat32).get_all("Authentication-Results") or []
    if not fields:
        return False
    first = " ".join(str(fields[0]).split())
    name = first.partition(";")[0].strip().split(" ")[0]
    passed = _DMARC_PASS.search(first)
    shown = None if passed is None else _HEADER_FROM.search(passed[0])
    return name.lower() == authserv_id.lower() and shown is not None and shown[1].lower() == domain.lower()

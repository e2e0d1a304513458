"""One return path per delivery (VERP), so that a bounce names its delivery (RFC 5321 4.5.3.1.1, A71).

The tag is 32 hexadecimal digits: relays may change the case of a local part, and hex survives that
(A20). It holds the delivery id, hidden, and 80 bits of HMAC over it; it says nothing of the address.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from mailer.addresses import MAX_LOCAL_OCTETS, EmailAddress
from mailer.errors import MailerError
from mailer.keyring import Secrets, derive_key, keyed_mac

_Mac: TypeAlias = Callable[[bytes], bytes]
_TAG_BYTES = 10
_ID_BYTES = 6
_TAG_LENGTH = 2 * (_TAG_BYTES + _ID_BYTES)
_TAGGED = re.compile(rf".*\+([0-9a-f]{{{_TAG_LENGTH}}})\Z", re.DOTALL)
#: The longest local part of `[sending] return_path` that leaves room for `+` and the tag.
MAX_BASE_OCTETS = MAX_LOCAL_OCTETS - 1 - _TAG_LENGTH


class ReturnPathTooLong(MailerError):
    """The local part of [sending] return_path is too long to carry a tag."""


def encode_return_path(secrets: Secrets, delivery_id: int, base: EmailAddress) -> str:
    """The envelope sender of one delivery: `bounce+<tag>@domain`.

    Raises ReturnPathTooLong; OverflowError for an id that is negative or above 2^48.
    """
    if len(base.local.encode()) > MAX_BASE_OCTETS:
        raise ReturnPathTooLong(
            f"The part before the @ in [sending] return_path may have at most {MAX_BASE_OCTETS} bytes."
        )
    tag_mac, mask_mac = _macs(secrets.address_key)
    plain = delivery_id.to_bytes(_ID_BYTES, "big")
    tag = tag_mac(plain)[:_TAG_BYTES]
    return f"{base.local}+{(tag + _masked(mask_mac, tag, plain)).hex()}@{base.domain}"


def decode_return_path(secrets: Secrets, local_or_address: str) -> int | None:
    """The delivery a bounce came back to; None for whatever this site did not make."""
    local, at, _ = local_or_address.rpartition("@")
    match = _TAGGED.match((local if at else local_or_address).lower())
    if match is None:
        return None
    data = bytes.fromhex(match[1])
    tag, hidden = data[:_TAG_BYTES], data[_TAG_BYTES:]
    tag_mac, mask_mac = _macs(secrets.address_key)
    plain = _masked(mask_mac, tag, hidden)
    if not hmac.compare_digest(tag_mac(plain)[:_TAG_BYTES], tag):
        return None
    return int.from_bytes(plain, "big")


def _masked(mac: _Mac, tag: bytes, value: bytes) -> bytes:
    """`value` exclusive-or a pad that depends on the tag; the same call takes it off again."""
    pad = mac(tag)[:_ID_BYTES]
    return (int.from_bytes(value, "big") ^ int.from_bytes(pad, "big")).to_bytes(_ID_BYTES, "big")


@lru_cache(maxsize=8)
def _macs(address_key: bytes) -> tuple[_Mac, _Mac]:
    # From the key that never rotates: a late bounce must still find its delivery.
    tag_key = derive_key(address_key, "mailer.return-path.tag")
    return keyed_mac(tag_key), keyed_mac(derive_key(address_key, "mailer.return-path.mask"))

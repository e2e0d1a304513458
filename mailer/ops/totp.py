"""Codes that change every 30 seconds (RFC 6238, on RFC 4226), as every authenticator app makes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20  #: RFC 4226 4, R6: as long as what SHA-1 gives
#: Steps by which a phone's clock may be wrong, either way (RFC 6238 5.2).
_DRIFT = 1


def code_at(secret: bytes, step: int) -> str:
    """The code of one step (RFC 4226 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(secret: bytes, code: str, *, at: datetime) -> int | None:
    """The step whose code this is, or None. Compares all of them: the time taken tells nothing."""
    given = "".join(code.split()).encode()
    now = int(at.timestamp()) // STEP_SECONDS
    found = None
    for step in range(now - _DRIFT, now + _DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), given):
            found = step
    return found


def otpauth_uri(secret: bytes, *, name: str, issuer: str) -> str:
    """What an authenticator app is told, once."""
    shown = base64.b32encode(secret).decode().rstrip("=")
    label = quote(f"{issuer.replace(':', ' ')}:{name}")
    return (
        f"otpauth://totp/{label}?secret={shown}&issuer={quote(issuer)}"
        f"&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
    )

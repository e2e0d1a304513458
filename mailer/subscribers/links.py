"""What the links of a confirmation mail carry: CONFIRM a subscription and its nonce, NOT_ME an address hash."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from mailer.tokens import TAG_BYTES, Purpose, TokenInvalid, Tokens

NONCE_BYTES = 8
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class ConfirmClaim:
    """One subscription, and the one request of it that this link confirms (D3)."""

    subscription_tag: bytes
    nonce: bytes


def sign_confirm(tokens: Tokens, subscription_tag: bytes, *, nonce: bytes) -> str:
    """The token of a confirm link."""
    return tokens.sign(Purpose.CONFIRM, subscription_tag + nonce)


def read_confirm(tokens: Tokens, token: str) -> ConfirmClaim:
    """What a confirm link claims. Raises TokenMissing, TokenExpired or TokenInvalid."""
    payload = tokens.read(Purpose.CONFIRM, token)
    if len(payload) != TAG_BYTES + NONCE_BYTES:
        raise TokenInvalid()
    return ConfirmClaim(payload[:TAG_BYTES], payload[TAG_BYTES:])


def same_nonce(claim: ConfirmClaim, stored: bytes | None) -> bool:
    """Whether the link belongs to the request that is alive, compared in constant time (D5)."""
    return stored is not None and hmac.compare_digest(claim.nonce, stored)


def sign_not_me(tokens: Tokens, email_hash: bytes) -> str:
    """The token of a not-me link; it needs no row, so it works after the purge."""
    return tokens.sign(Purpose.NOT_ME, email_hash)


def read_not_me(tokens: Tokens, token: str) -> bytes:
    """The address hash a not-me link is for. Raises TokenMissing or TokenInvalid."""
    payload = tokens.read(Purpose.NOT_ME, token)
    if len(payload) != _HASH_BYTES:
        raise TokenInvalid()
    return payload

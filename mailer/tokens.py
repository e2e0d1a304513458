"""Signed tokens for links and forms: one salt per purpose, HMAC-SHA-256 (ASVS 9.1.1, 9.2.3, 11.4.1).

A token reads `<purpose letter><payload>.<signature>.<key id>`, all of it characters that survive
mail programs and auto-linkers (RFC 3986 2.3, A5). The signature covers the letter, the payload's
very characters and the key id, so there is exactly one accepted spelling of each token (A11).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from itsdangerous import Signer

from mailer import clock
from mailer.errors import MailerError
from mailer.keyring import Secrets, TokenKey, keyed_mac

TAG_BYTES = 16
CAMPAIGN_TAG_BYTES = 6
#: A token with this subscription tag acts on nothing real: proofs carry it (A90).
PROOF_TAG = bytes(TAG_BYTES)

_TIME_BYTES = 5  # seconds since 1970, enough for 34 000 years
_URL_SAFE = bytes.maketrans(b"+/", b"-_")  # what `base64` does, without its detours: each message signs two
_SHAPE = re.compile(r"([a-z])([A-Za-z0-9_-]{0,400})\.([A-Za-z0-9_-]{43})\.([a-z0-9]{1,8})\Z")


class TokenError(MailerError):
    """This link does not work."""


class TokenMissing(TokenError):
    """The link is incomplete: its token is missing."""


class TokenExpired(TokenError):
    """The link is genuine but too old."""


class TokenInvalid(TokenError):
    """The link is damaged or was not made by this site."""


class Purpose(StrEnum):
    """What a token is for; a token of one purpose fails at every other (D1)."""

    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"
    VIEW = "view"
    NOT_ME = "not-me"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class PurposeRule:
    """How tokens of one purpose are made and judged."""

    letter: str
    salt: str
    expires: bool  #: carries its issue time and has a maximum age
    eternal: bool  #: verifies with retired keys too: mailed links never die (C10, law 6)


PURPOSES: Mapping[Purpose, PurposeRule] = MappingProxyType(
    {
        Purpose.CONFIRM: PurposeRule("c", "mailer.confirm", expires=True, eternal=False),
        Purpose.UNSUBSCRIBE: PurposeRule("u", "mailer.unsubscribe", expires=False, eternal=True),
        Purpose.VIEW: PurposeRule("v", "mailer.view", expires=False, eternal=True),
        Purpose.NOT_ME: PurposeRule("n", "mailer.not-me", expires=False, eternal=True),
        Purpose.FORM: PurposeRule("f", "mailer.form", expires=True, eternal=False),
    }
)

#: A form left open longer than this asks to be loaded again.
FORM_SECONDS = 24 * 3600


class Tokens:
    """Signs and reads tokens with a site's keys; the newest key signs, all verify (D2)."""

    def __init__(self, secrets: Secrets, *, confirm_seconds: int) -> None:
        self._newest = secrets.token_keys[-1].id
        self._max_age = {Purpose.CONFIRM: confirm_seconds, Purpose.FORM: FORM_SECONDS}
        self._macs = {
            (purpose, key.id): keyed_mac(_derived(key, rule.salt))
            for purpose, rule in PURPOSES.items()
            for key in secrets.token_keys
            if rule.eternal or not key.retired
        }

    def sign(self, purpose: Purpose, payload: bytes) -> str:
        """A new token for `payload`, which must say nothing to who decodes it (A12)."""
        rule = PURPOSES[purpose]
        if rule.expires:
            payload = int(clock.now().timestamp()).to_bytes(_TIME_BYTES, "big") + payload
        body = rule.letter + _encoded(payload)
        return f"{body}.{self._signature(purpose, self._newest, body)}.{self._newest}"

    def read(self, purpose: Purpose, token: str) -> bytes:
        """The payload of a genuine token.

        Raises TokenMissing, TokenInvalid, or TokenExpired (only of a token that is genuine).
        """
        if not token:
            raise TokenMissing()
        match = _SHAPE.match(token)
        if match is None or match[1] != PURPOSES[purpose].letter:
            raise TokenInvalid()
        letter, payload, signature, key_id = match.groups()
        if (purpose, key_id) not in self._macs:
            raise TokenInvalid()
        # The encoded forms are compared: a second spelling of the same bytes is another token.
        if not hmac.compare_digest(self._signature(purpose, key_id, letter + payload), signature):
            raise TokenInvalid()
        return self._within_life(purpose, base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))

    def _signature(self, purpose: Purpose, key_id: str, body: str) -> str:
        return _encoded(self._macs[purpose, key_id](f"{body}.{key_id}".encode()))

    def _within_life(self, purpose: Purpose, payload: bytes) -> bytes:
        if not PURPOSES[purpose].expires:
            return payload
        age = int(clock.now().timestamp()) - int.from_bytes(payload[:_TIME_BYTES], "big")
        if age < 0:
            raise TokenInvalid("The link comes from the future; the clocks of the hosts are out of step.")
        if age > self._max_age[purpose]:
            raise TokenExpired()
        return payload[_TIME_BYTES:]


class LinkClaim(NamedTuple):
    """What an unsubscribe or view link says: random tags only, never a person (A12, D4)."""

    subscription_tag: bytes  #: 16 bytes
    campaign_tag: bytes = b""  #: 6 bytes, or none

    @property
    def is_proof(self) -> bool:
        """Whether this link is from a proof and must act on nothing (A90)."""
        return self.subscription_tag == PROOF_TAG


def sign_link(tokens: Tokens, purpose: Purpose, claim: LinkClaim) -> str:
    """A token for one subscription's link in one campaign."""
    return tokens.sign(purpose, claim.subscription_tag + claim.campaign_tag)


def read_link(tokens: Tokens, purpose: Purpose, token: str) -> LinkClaim:
    """What a link's token says. Raises TokenMissing or TokenInvalid."""
    payload = tokens.read(purpose, token)
    if len(payload) not in (TAG_BYTES, TAG_BYTES + CAMPAIGN_TAG_BYTES):
        raise TokenInvalid()
    return LinkClaim(payload[:TAG_BYTES], payload[TAG_BYTES:])


def _derived(key: TokenKey, salt: str) -> bytes:
    """The key of one purpose, as itsdangerous derives it for a Signer."""
    return Signer(key.secret, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256).derive_key()


def _encoded(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE).rstrip(b"=").decode("ascii")

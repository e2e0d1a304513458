"""Put DKIM signatures in front of a message: over its final bytes, at little more than the key's own cost."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.dkim.canonical import canonical_field
from mailer.dkim.fields import LIFE, folded_base64, opening
from mailer.dkim.keys import DkimKey
from mailer.dkim.plan import Canonical, Plan, plain, planned
from mailer.errors import MailerError
from mailer.settings.dkim import is_aligned

_PLANS_KEPT = 20_000
_STAMPS_KEPT = 1_000
_LIFE_SECONDS = int(LIFE.total_seconds())


class Unaligned(MailerError):
    """The message is from a domain for which this site does not sign; see [dkim] domain."""


@dataclass(frozen=True, slots=True)
class _Stamp:
    """One key's signature field, up to the value of t=, for one set of covered fields."""

    key: DkimKey
    written: str
    relaxed: str


class DkimSigner:
    """Signs with one key or two. Safe to share between threads.

    A message comes as pieces, a value at each odd place, and leaves so: whoever reads it next
    can tell what is the same in all messages of its `shape`.
    """

    def __init__(self, keys: Sequence[DkimKey], *, domain: str | None = None) -> None:
        self._keys = tuple(keys)
        self._domain = domain
        self._plans: dict[Hashable, Plan | None] = {}
        self._stamps: dict[tuple[str, tuple[str, ...]], list[_Stamp]] = {}

    def sign(self, pieces: Sequence[str], *, shape: Hashable, at: datetime) -> list[str]:
        """The message with its signatures in front, made in the second of `at` (t=, A44).

        Raises Unaligned when From is of a domain that is not ours to sign for (A39).
        """
        plan = self._plans.get(shape)
        found = plan.canonical(pieces) if plan is not None else None
        if found is None:
            if len(self._plans) >= _PLANS_KEPT:
                self._plans.clear()
            self._plans[shape] = planned(pieces)
            found = plain("".join(pieces))
        return [*self._fields(found, int(at.timestamp())), f"\r\n{pieces[0]}", *pieces[1:]]

    def sign_text(self, text: str, at: datetime) -> str:
        """The same for a message in one piece."""
        return "".join([*self._fields(plain(text), int(at.timestamp())), "\r\n", text])

    def _fields(self, found: Canonical, now: int) -> list[str]:
        made, expires = str(now), str(now + _LIFE_SECONDS)
        body_hash = b64encode(found.body_hash).decode()
        fields: list[str] = []
        for stamp in self._stamps_for(found):
            relaxed = f"{found.header}{stamp.relaxed}{made}; x={expires}; bh={body_hash}; b="
            signature = stamp.key.sign(hashlib.sha256(relaxed.encode()).digest())
            value = folded_base64(b64encode(signature).decode())
            before = f"\r\n{stamp.written}" if fields else stamp.written
            fields += [before, made, "; x=", expires, ";\r\n bh=", body_hash, ";\r\n b=", value]
        return fields

    def _stamps_for(self, found: Canonical) -> list[_Stamp]:
        key = (found.author, found.names)
        stamps = self._stamps.get(key)
        if stamps is None:
            domain = self._domain or found.author
            if not domain or not is_aligned(found.author, domain):
                raise Unaligned()
            if len(self._stamps) >= _STAMPS_KEPT:
                self._stamps.clear()
            stamps = self._stamps[key] = [_stamp(each, domain, found.names) for each in self._keys]
        return stamps


def _stamp(key: DkimKey, domain: str, names: Sequence[str]) -> _Stamp:
    written = opening(key.algorithm, domain, key.selector, names=names)
    return _Stamp(key, written, canonical_field(written.encode()).decode().removesuffix("\r\n"))

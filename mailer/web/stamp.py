"""Tell a person from a form robot without a puzzle: a hidden field and a signed time (requirement D9)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from mailer import clock
from mailer.tokens import Purpose, TokenError, Tokens

#: A person needs longer than this to type an address; a form robot does not.
MIN_FILL_MILLISECONDS = 2_000
#: Named like something a robot likes to fill in; people never see it.
HONEYPOT = "website"

_TIME_BYTES = 6
_SHOWN_BYTES = 8


class Verdict(StrEnum):
    """What a posted stamp says; the key of the sentence under page.subscribe.stamp."""

    GOOD = "good"
    TOO_FAST = "too_fast"
    STALE = "stale"
    TRAPPED = "trapped"


@dataclass(frozen=True)
class Stamps:
    """Makes and judges the hidden field "stamp" of the sign-up form."""

    tokens: Tokens

    def make(self, shown: str) -> str:
        """A stamp for a form shown now: which list, in which words."""
        return self.tokens.sign(Purpose.FORM, _milliseconds().to_bytes(_TIME_BYTES, "big") + _tag(shown))

    def judge(self, shown: str, *, stamp: str, honeypot: str) -> Verdict:
        """Whether a person may have filled the form in, and consented to the words as they are now (C3)."""
        if honeypot:
            return Verdict.TRAPPED
        try:
            payload = self.tokens.read(Purpose.FORM, stamp)
        except TokenError:
            return Verdict.STALE
        if payload[_TIME_BYTES:] != _tag(shown):
            return Verdict.STALE
        age = _milliseconds() - int.from_bytes(payload[:_TIME_BYTES], "big")
        return Verdict.GOOD if age >= MIN_FILL_MILLISECONDS else Verdict.TOO_FAST


def _tag(shown: str) -> bytes:
    return sha256(shown.encode()).digest()[:_SHOWN_BYTES]


def _milliseconds() -> int:
    return int(clock.now().timestamp() * 1000)

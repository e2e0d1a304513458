"""What every proof of a call has in common: a time that is near, and one of two secrets (D31)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from mailer import clock
from mailer.bounces.webhooks.model import Forged, Unsigned

_SECONDS = re.compile(r"[0-9]{1,11}\Z", re.ASCII)


def require(**fields: str) -> None:
    """Raise Unsigned if one of the named parts of a proof is missing."""
    for name, value in fields.items():
        if not value:
            raise Unsigned("unsigned", f"The call has no {name.replace('_', ' ')}.")


def require_near(at: datetime, window: timedelta) -> None:
    """Raise Forged for a call that was signed further than `window` from now, in either direction."""
    if abs(clock.now() - at) > window:
        raise Forged("stale", "The call was signed too long ago, or the clocks differ.")


def seconds_since_1970(stamp: str) -> datetime:
    """The time that a stamp in seconds names. Raises Forged."""
    if not _SECONDS.match(stamp):
        raise Forged("stamp", "The time stamp of the call is none.")
    return datetime.fromtimestamp(int(stamp), UTC)


def is_one_of(given: str, wanted: Iterable[str]) -> bool:
    """Whether a value is one of the valid ones; every one is compared, in the same time."""
    held = [hmac.compare_digest(given.encode("utf-8", "replace"), one.encode()) for one in wanted]
    return any(held)

"""Mailgun: one event per call, whose signature covers a time stamp and a token that is used once."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from mailer.bounces.model import Reading
from mailer.bounces.webhooks.model import Call, Event, Forged, Json, Malformed, Opened
from mailer.bounces.webhooks.payload import an_object, loaded, text
from mailer.bounces.webhooks.proof import is_one_of, require, require_near, seconds_since_1970
from mailer.bounces.webhooks.verdicts import COMPLAINT, LEFT, LISTED, NOTHING, Class, Said, reading

#: `reason` of an event "failed"; the words of the other server stand in `delivery-status`.
REASONS: Mapping[str, Class] = MappingProxyType(
    {
        "suppress-bounce": LISTED,
        "suppress-complaint": COMPLAINT,
        "suppress-unsubscribe": LEFT,
        "espblock": Class("blocked"),
        "greylisted": Class("systemerror"),
        "old": Class("expired", alone=True),
        "too old": Class("expired", alone=True),
    }
)
_UNKNOWN = Class("undefined")
_OTHERS: Mapping[str, Class] = MappingProxyType(
    {"complained": COMPLAINT, "unsubscribed": LEFT, "rejected": Class("rejected", alone=True)}
)
WANTED = frozenset({"failed", *_OTHERS})


def opened(call: Call, keys: Sequence[str], *, window: timedelta) -> Opened:
    """The event of a call. Raises Unsigned, Forged, Malformed."""
    body = an_object(loaded(call.body))
    stamp, token = text(body, "signature", "timestamp"), text(body, "signature", "token")
    signature = text(body, "signature", "signature")
    require(signature=signature, time_stamp=stamp, token=token)
    signed = f"{stamp}{token}".encode()
    if not is_one_of(signature, [hmac.new(key.encode(), signed, hashlib.sha256).hexdigest() for key in keys]):
        raise Forged("signature", "The signature of the call is wrong.")
    require_near(seconds_since_1970(stamp), window)
    event = an_object(body.get("event-data"))
    kind = text(event, "event")
    if not kind:
        raise Malformed("shape", "The call has no event.")
    if kind not in WANTED:
        return Opened(ignored=1, once=token)
    return Opened((Event(text(event, "id") or token, event),), once=token)


def read(event: Json) -> Reading:
    """What one event says."""
    name, reason = text(event, "event"), text(event, "reason")
    group, rule = _OTHERS.get(name, NOTHING), f"mailgun {name}"[:48]
    if name == "failed":
        group, rule = REASONS.get(reason, _UNKNOWN), f"mailgun failed {reason}"[:48]
    told = event.get("delivery-status")
    words = " ".join(
        part for part in (text(told, "code"), text(told, "message") or text(told, "description")) if part
    )
    temporary = name == "failed" and text(event, "severity") != "permanent"
    said = Said(
        text(event, "recipient"), text(told, "enhanced-code"), words, delayed=temporary, soft=temporary
    )
    return reading(
        group,
        rule,
        [said],
        message_id=text(event, "message", "headers", "message-id"),
        return_path=text(event, "envelope", "sender"),
    )

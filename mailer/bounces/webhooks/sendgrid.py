"""SendGrid: batches of events, signed with ECDSA over the time stamp and the raw body."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mailer.bounces.model import Reading
from mailer.bounces.webhooks.model import Call, Event, Forged, Json, Malformed, Opened
from mailer.bounces.webhooks.payload import MAX_EVENTS, loaded, text
from mailer.bounces.webhooks.proof import require, require_near, seconds_since_1970
from mailer.bounces.webhooks.verdicts import COMPLAINT, LEFT, LISTED, NOTHING, Class, Said, reading

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
#: `bounce_classification`, for a bounce whose own words say nothing.
BOUNCES: Mapping[str, Class] = MappingProxyType(
    {
        "Invalid Address": Class("userunknown", dead=True),
        "Mailbox Unavailable": Class("suspend"),
        "Technical": Class("systemerror"),
        "Content": Class("contenterror"),
        "Reputation": Class("badreputation"),
        "Frequency/Volume": Class("speeding"),
        "Frequency or Volume Too High": Class("speeding"),
    }
)
#: Why SendGrid did not even try, by the beginning of its `reason`.
DROPS: Mapping[str, Class] = MappingProxyType(
    {
        "Bounced Address": LISTED,
        "Invalid SMTPAPI": Class("contenterror", alone=True),
        "Invalid": LISTED,
        "Spam Reporting Address": COMPLAINT,
        "Unsubscribed Address": LEFT,
        "Spam Content": Class("spamdetected", alone=True),
        "Recipient List over": Class("rejected", alone=True),
    }
)
#: Any other reason to drop is a quarrel between SendGrid and its customer.
_DROPPED = Class("rejected", alone=True)
_UNKNOWN = Class("undefined")
_OTHERS: Mapping[str, Class] = MappingProxyType(
    {"spamreport": COMPLAINT, "unsubscribe": LEFT, "group_unsubscribe": LEFT}
)
WANTED = frozenset({"bounce", "dropped", "deferred", *_OTHERS})


def opened(call: Call, keys: Sequence[str], *, window: timedelta) -> Opened:
    """The events of a call. Raises Unsigned, Forged, Malformed."""
    signature, stamp = call.headers.get(SIGNATURE, ""), call.headers.get(TIMESTAMP, "")
    require(signature=signature, time_stamp=stamp)
    _verify(signature, stamp.encode("utf-8", "replace") + call.body, keys)
    require_near(seconds_since_1970(stamp), window)
    batch = loaded(call.body)
    if not isinstance(batch, list) or len(batch) > MAX_EVENTS:
        raise Malformed("shape", "The call is no list of events.")
    events = [one for one in batch if isinstance(one, dict) and text(one, "event") in WANTED]
    named = tuple(Event(_id(one), one) for one in events)
    return Opened(named, ignored=len(batch) - len(named), once=signature)


def read(event: Json) -> Reading:
    """What one event says."""
    name, reason = text(event, "event"), text(event, "reason")
    group, rule, soft = _OTHERS.get(name, NOTHING), f"sendgrid {name}"[:48], False
    if name == "bounce":
        kind = text(event, "bounce_classification")
        # "blocked": by SendGrid's own account not the address' doing.
        group, soft = BOUNCES.get(kind, _UNKNOWN), text(event, "type") not in ("", "bounce")
        rule = f"sendgrid {text(event, 'type') or name} {kind}".strip()[:48]
    elif name == "dropped":
        start = next((start for start in DROPS if reason.startswith(start)), "")
        group, rule = DROPS.get(start, _DROPPED), f"sendgrid dropped {start}".strip()
    elif name == "deferred":
        group = Class("systemerror")
    words = text(event, "response") or reason
    said = Said(text(event, "email"), text(event, "status"), words, delayed=name == "deferred", soft=soft)
    return reading(group, rule, [said], message_id=text(event, "smtp-id"))


def public_key(encoded: str) -> EllipticCurvePublicKey:
    """The verification key as SendGrid shows it: base64 of DER. Raises ValueError."""
    key = load_der_public_key(base64.b64decode(encoded, validate=True))
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("is no key of an elliptic curve")
    return key


def _verify(signature: str, signed: bytes, keys: Sequence[str]) -> None:
    for key in keys:
        try:
            public_key(key).verify(base64.b64decode(signature, validate=True), signed, ECDSA(SHA256()))
            return
        except (InvalidSignature, ValueError):
            continue  # the other key, while one is replaced
    raise Forged("signature", "The signature of the call is wrong.")


def _id(event: Json) -> str:
    """The event's own id; where it has none, all that it says."""
    return text(event, "sg_event_id") or repr(sorted(event.items(), key=lambda pair: pair[0]))

"""Postmark: one event per call, proven by the password in the webhook's own address.

Postmark signs nothing: D31 is met as far as it lets us, by a secret over TLS and by counting every event once.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mailer.bounces.model import Reading
from mailer.bounces.webhooks.model import Call, Event, Forged, Json, Malformed, Opened
from mailer.bounces.webhooks.payload import an_object, loaded, text
from mailer.bounces.webhooks.proof import is_one_of, require
from mailer.bounces.webhooks.verdicts import AUTOMATIC, COMPLAINT, LEFT, LISTED, NOTHING, Class, Said, reading

#: Bounce types of its documentation.
TYPES: Mapping[str, Class] = MappingProxyType(
    {
        "HardBounce": Class("userunknown", dead=True),
        "BadEmailAddress": Class("userunknown", dead=True, alone=True),
        "Transient": Class("networkerror"),
        "SoftBounce": Class("mailboxfull"),
        "DnsError": Class("networkerror"),
        "AddressChange": Class("hasmoved"),
        "SpamNotification": Class("spamdetected"),
        "VirusNotification": Class("virusdetected"),
        "Blocked": Class("blocked"),
        "DMARCPolicy": Class("authfailure", alone=True),
        "SMTPApiError": Class("systemerror", alone=True),
        "TemplateRenderingFailed": Class("contenterror", alone=True),
        "ManuallyDeactivated": LISTED,
        "SpamComplaint": COMPLAINT,
        "Unsubscribe": LEFT,
        "AutoResponder": AUTOMATIC,
        "ChallengeVerification": AUTOMATIC,
        "Subscribe": NOTHING,
        "OpenRelayTest": NOTHING,
        "Unconfirmed": NOTHING,
        "InboundError": NOTHING,
    }
)
_UNKNOWN = Class("undefined")
#: Types that may hide a dead address behind temporary words, or the other way round: never hard.
_SOFT = frozenset({"Transient", "SoftBounce", "DnsError", "AddressChange", "Blocked", "SpamNotification"})
WANTED = frozenset({"Bounce", "SpamComplaint", "SubscriptionChange"})


def opened(call: Call, secrets: Sequence[str]) -> Opened:
    """The event of a call. Raises Unsigned, Forged, Malformed."""
    require(password=call.headers.get("authorization", ""))
    if not is_one_of(_password(call.headers["authorization"]), secrets):
        raise Forged("password", "The password of the call is none of ours.")
    event = an_object(loaded(call.body))
    kind = text(event, "RecordType")
    if not kind:
        raise Malformed("shape", "The call has no RecordType.")
    if kind not in WANTED:
        return Opened(ignored=1)
    number = text(event, "ID") or "|".join(
        (text(event, "MessageID"), text(event, "ChangedAt"), text(event, "Recipient"))
    )
    return Opened((Event(f"{kind}:{number}", event),))


def read(event: Json) -> Reading:
    """What one event says."""
    kind = text(event, "RecordType")
    if kind == "SubscriptionChange":
        own = event.get("SuppressSending") is True and text(event, "Origin") == "Recipient"
        left = own and text(event, "SuppressionReason") == "ManualSuppression"
        # Bounces and complaints that Postmark suppresses for are events of their own.
        return reading(LEFT if left else NOTHING, "postmark subscription", [Said(text(event, "Recipient"))])
    name = "SpamComplaint" if kind == "SpamComplaint" else text(event, "Type")
    said = Said(text(event, "Email"), words=text(event, "Details"), soft=name in _SOFT)
    return reading(TYPES.get(name, _UNKNOWN), f"postmark {name}"[:48], [said])


def _password(authorization: str) -> str:
    """The password of HTTP Basic authentication (RFC 7617 2); empty for anything else."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[2]

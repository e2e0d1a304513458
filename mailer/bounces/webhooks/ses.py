"""Amazon SES: notifications and published events, as they stand in the Message of an SNS envelope."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mailer.bounces.model import Reading
from mailer.bounces.webhooks.model import Json
from mailer.bounces.webhooks.payload import objects, text, within
from mailer.bounces.webhooks.verdicts import COMPLAINT, LEFT, LISTED, NOTHING, Class, Said, reading

#: What is kept, by `notificationType` or `eventType`: where its body is, and whom it names.
BODIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Bounce": ("bounce", "bouncedRecipients"),
        "Complaint": ("complaint", "complainedRecipients"),
        "DeliveryDelay": ("deliveryDelay", "delayedRecipients"),
        "Reject": ("reject", ""),
        "Rendering Failure": ("failure", ""),
        "Subscription": ("subscription", ""),
    }
)
#: Bounce types with their subtypes; "Permanent" alone says little, since SES gives it for refusals too.
BOUNCES: Mapping[tuple[str, str], Class] = MappingProxyType(
    {
        ("Permanent", "NoEmail"): Class("userunknown", dead=True),
        ("Permanent", "Suppressed"): LISTED,
        ("Permanent", "OnAccountSuppressionList"): LISTED,
        ("Permanent", "UnsubscribedRecipient"): LEFT,
        ("Permanent", "General"): Class("userunknown"),
        ("Transient", "MailboxFull"): Class("mailboxfull"),
        ("Transient", "MessageTooLarge"): Class("mesgtoobig"),
        ("Transient", "ContentRejected"): Class("contenterror"),
        ("Transient", "AttachmentRejected"): Class("contenterror"),
        ("Transient", "CustomTimeoutExceeded"): Class("expired", alone=True),
    }
)
DELAYS: Mapping[str, Class] = MappingProxyType(
    {
        "MailboxFull": Class("mailboxfull"),
        "SpamDetected": Class("spamdetected"),
        "IPFailure": Class("badreputation"),
        "BYOIPHostNameLookupUnavailable": Class("requireptr"),
        "SendingDeferral": Class("speeding"),
        "RecipientServerError": Class("systemerror"),
        "TransientCommunicationFailure": Class("networkerror"),
    }
)
_UNKNOWN = Class("undefined")


def kind_of(event: Json) -> str:
    """What SES calls this event, in either of its two formats."""
    return text(event, "eventType") or text(event, "notificationType")


def read(event: Json) -> Reading:
    """What one event says."""
    name = kind_of(event)
    body, listed = BODIES.get(name, ("", ""))
    group, rule = _class(name, event.get(body))
    delayed, kind = name == "DeliveryDelay", text(event, body, "bounceType")
    said = [
        Said(
            text(one, "emailAddress"),
            text(one, "status"),
            text(one, "diagnosticCode"),
            delayed=delayed,
            soft=kind in ("Transient", "Undetermined"),
        )
        for one in objects(event, body, listed)
    ]
    mail = event.get("mail")
    if not listed:
        said = [Said(text({"to": one}, "to")) for one in _destinations(mail)]
    return reading(group, rule, said, message_id=_message_id(mail), return_path=text(mail, "source"))


def _class(name: str, body: object) -> tuple[Class, str]:
    if name == "Bounce":
        pair = (text(body, "bounceType"), text(body, "bounceSubType"))
        return BOUNCES.get(pair, _UNKNOWN), f"ses {pair[0]} {pair[1]}"[:48]
    if name == "DeliveryDelay":
        kind = text(body, "delayType")
        return DELAYS.get(kind, _UNKNOWN), f"ses delay {kind}"[:48]
    if name == "Complaint":
        kind = text(body, "complaintFeedbackType")
        return (NOTHING if kind == "not-spam" else COMPLAINT), f"ses complaint {kind}".strip()[:48]
    if name == "Reject":
        return Class("virusdetected", alone=True), "ses reject"
    if name == "Rendering Failure":
        return Class("contenterror", alone=True), "ses rendering failure"
    has_left = within(body, "newTopicPreferences", "unsubscribeAll") is True
    return (LEFT if has_left else NOTHING), f"ses {name.lower()}"[:48]


def _destinations(mail: object) -> list[object]:
    found = within(mail, "destination")
    return found[:50] if isinstance(found, list) else []


def _message_id(mail: object) -> str:
    """Our own Message-ID, which SES replaces on the wire and repeats among the headers."""
    for header in objects(mail, "headers"):
        if text(header, "name").lower() == "message-id":
            return text(header, "value")
    return text(mail, "commonHeaders", "messageId")

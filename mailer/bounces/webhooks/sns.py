"""The envelope of Amazon SNS: signed by Amazon for whoever pays, so the topic must be one of ours."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from mailer.bounces.webhooks import ses
from mailer.bounces.webhooks.certificates import Certificates
from mailer.bounces.webhooks.fetching import Fetch
from mailer.bounces.webhooks.model import Call, Event, Forged, Json, Malformed, Opened
from mailer.bounces.webhooks.payload import an_object, loaded
from mailer.bounces.webhooks.proof import require, require_near
from mailer.maillog import EventLog

log = EventLog("bounces")

#: What is signed, by the envelope's type, in this order; "Subject" only where there is one.
SIGNED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
        "SubscriptionConfirmation": (
            *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
        ),
        "UnsubscribeConfirmation": (
            *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
        ),
    }
)
# Topics sign with SHA-1 unless told otherwise; that it can be made to collide helps nobody who cannot publish.
_HASHES: Mapping[str, type[HashAlgorithm]] = MappingProxyType({"1": SHA1, "2": SHA256})
_TOKEN = re.compile(r"[0-9a-zA-Z]{1,1024}", re.ASCII)


def opened(
    call: Call, topics: Sequence[str], *, window: timedelta, certificates: Certificates, get: Fetch
) -> Opened:
    """The event of a call; a subscription to one of our topics is confirmed.

    Raises Unsigned, Forged, Malformed, NotNow.
    """
    envelope = an_object(loaded(call.body))
    kind, topic = _text(envelope, "Type"), _text(envelope, "TopicArn")
    require(signature=_text(envelope, "Signature"), certificate=_text(envelope, "SigningCertURL"))
    if kind not in SIGNED:
        raise Malformed("shape", "The call is no message of Amazon SNS.")
    if topic not in topics:
        raise Forged("topic", "The topic of the call is none of [hooks] ses_topics.")
    region = topic.split(":")[3]
    _verify(envelope, kind, certificates.key(_text(envelope, "SigningCertURL"), region=region))
    require_near(_time(_text(envelope, "Timestamp")), window)
    if kind == "Notification":
        return _notification(envelope)
    if kind == "SubscriptionConfirmation":
        _confirm(topic, _text(envelope, "Token"), get, region)
    log.hook_subscription(provider="ses", type=kind, region=region)
    return Opened(ignored=1)


def _notification(envelope: Json) -> Opened:
    message = _text(envelope, "Message")
    if not message.lstrip().startswith("{"):
        return Opened(ignored=1)  # what SES says when a topic is set up
    event = an_object(loaded(message))
    if ses.kind_of(event) not in ses.BODIES:
        return Opened(ignored=1)
    return Opened((Event(_text(envelope, "MessageId"), event),))


def _confirm(topic: str, token: str, get: Fetch, region: str) -> None:
    """Confirm at SNS' own host, by an address of our own making: the one in the call is never followed."""
    if not _TOKEN.fullmatch(token):
        raise Malformed("shape", "The token of the subscription is none.")
    query = urlencode({"Action": "ConfirmSubscription", "TopicArn": topic, "Token": token})
    get(f"sns.{region}.amazonaws.com", f"/?{query}")


def _verify(envelope: Json, kind: str, key: RSAPublicKey) -> None:
    made = _HASHES.get(_text(envelope, "SignatureVersion"))
    if made is None:
        raise Forged("signature", "The signature of the call is of an unknown version.")
    try:
        signature = base64.b64decode(_text(envelope, "Signature"), validate=True)
        key.verify(signature, _signed(envelope, kind).encode(), PKCS1v15(), made())
    except (InvalidSignature, ValueError):
        raise Forged("signature", "The signature of the call is wrong.") from None


def _signed(envelope: Json, kind: str) -> str:
    return "".join(f"{name}\n{_text(envelope, name)}\n" for name in SIGNED[kind] if name in envelope)


def _text(envelope: Json, name: str) -> str:
    """The text as it was signed, whole."""
    found = envelope.get(name, "")
    return found if isinstance(found, str) else ""


def _time(stamp: str) -> datetime:
    try:
        found = datetime.fromisoformat(stamp)
    except ValueError:
        raise Forged("stamp", "The time stamp of the call is none.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)

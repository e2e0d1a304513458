"""Signs calls as the providers do, with keys of the test's own, and a certificate that stands for Amazon's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_curve_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailer import clock
from mailer.bounces.webhooks import Call

TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-" + "ab" * 16 + ".pem"
MAILGUN_KEY, NEXT_MAILGUN_KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0", "key-7bx6xnjp29jd6fds4gc373sgvjxteol1"
PASSWORD, NEXT_PASSWORD = "correct-horse-battery", "next-horse-with-staple"
_PARTS = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


@cache
def rsa_key(bits: int = 2048) -> RSAPrivateKey:
    """The key that stands for Amazon's."""
    return new_rsa_key(65537, bits)


@cache
def curve_key(number: int) -> EllipticCurvePrivateKey:
    """A key that stands for SendGrid's; another by number."""
    return new_curve_key(SECP256R1())


def shown(key: EllipticCurvePrivateKey) -> str:
    """Its public half, as SendGrid shows it."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def certificate(
    name: str = "sns.amazonaws.com", *, key: RSAPrivateKey | None = None, days: tuple[int, int] = (-1, 365)
) -> bytes:
    """A certificate in PEM, valid from and to so many days from the test's now."""
    key = key or rsa_key()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(clock.now() + timedelta(days=days[0]))
        .not_valid_after(clock.now() + timedelta(days=days[1]))
        .sign(key, SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def sns(message: Any, *, version: str = "2", at: datetime | None = None, **changed: Any) -> Call:
    """An envelope of SNS around a message, signed; `changed` before the signature."""
    envelope = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": (at or clock.now()).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
    } | changed
    signed = "".join(f"{name}\n{envelope[name]}\n" for name in _PARTS if name in envelope)
    made = rsa_key().sign(signed.encode(), PKCS1v15(), SHA1() if version == "1" else SHA256())
    envelope["Signature"] = base64.b64encode(made).decode()
    return Call({"content-type": "text/plain; charset=UTF-8"}, json.dumps(envelope).encode())


def sendgrid(events: Any, *, key: EllipticCurvePrivateKey | None = None, at: datetime | None = None) -> Call:
    """A batch, signed; bytes are sent as they are."""
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    stamp = str(int((at or clock.now()).timestamp()))
    made = (key or curve_key(0)).sign(stamp.encode() + body, ECDSA(SHA256()))
    return Call(
        {
            "content-type": "application/json",
            "x-twilio-email-event-webhook-signature": base64.b64encode(made).decode(),
            "x-twilio-email-event-webhook-timestamp": stamp,
        },
        body,
    )


def mailgun(event: Any, *, key: str = MAILGUN_KEY, at: datetime | None = None, token: str = "a" * 50) -> Call:
    """A call with one event, signed."""
    stamp = str(int((at or clock.now()).timestamp()))
    made = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    signature = {"timestamp": stamp, "token": token, "signature": made}
    body = json.dumps({"signature": signature, "event-data": event}).encode()
    return Call({"content-type": "application/json"}, body)


def postmark(event: Any, *, password: str = PASSWORD) -> Call:
    """A call with one event and a password."""
    basic = base64.b64encode(f"mailer:{password}".encode()).decode()
    headers = {"content-type": "application/json", "authorization": f"Basic {basic}"}
    return Call(headers, json.dumps(event).encode())

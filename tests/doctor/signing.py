"""Mail signed by somebody who shares no code with the product: dkimpy, and Ed25519 by hand (RFC 8463)."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from mailer.doctor.signatures import canonical_body, canonical_field

MAIL = (
    b"Return-Path: <bounce+1@bounce.shop.test>\r\n"
    b"From: =?utf-8?q?Ohm_=26_Volt?= <news@shop.test>\r\n"
    b"To: ada@example.net\r\n"
    b"Subject:  Week 47   at the bench\r\n"
    b"Date: Mon, 23 Nov 2026 09:00:00 +0000\r\n"
    b"Message-ID: <1@news.shop.test>\r\n"
    b"List-Unsubscribe: <https://news.shop.test/u/abc>,\r\n <mailto:leave@shop.test>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"\r\n"
    b"Good morning,  \t Ada.\r\n"
    b"A line with spaces at its end  \r\n"
    b"\r\n\r\n"
)
FIELDS = (b"from", b"to", b"subject", b"date", b"message-id", b"list-unsubscribe", b"list-unsubscribe-post")
SHORT = FIELDS[:-2]  #: without the one-click fields, as careless relays sign


@dataclass(frozen=True)
class Key:
    """A private key and the record that publishes it."""

    pem: bytes
    record: str

    @classmethod
    def make(cls, bits: int = 2048) -> Key:
        """A fresh RSA key."""
        private = rsa.generate_private_key(65537, bits)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return cls(pem, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}")


def signed(
    key: Key,
    *,
    mail: bytes = MAIL,
    domain: str = "shop.test",
    selector: str = "s1",
    fields: tuple[bytes, ...] = FIELDS,
    ways: str = "relaxed/relaxed",
    length: bool = False,
) -> bytes:
    """The mail with a signature before it."""
    head, _, body = ways.partition("/")
    signature: bytes = dkim.sign(
        mail,
        selector.encode(),
        domain.encode(),
        key.pem,
        canonicalize=(head.encode(), body.encode()),
        include_headers=list(fields),
        length=length,
    )
    return signature + mail


def signed_by_ed25519(mail: bytes = MAIL) -> tuple[bytes, str]:
    """The mail signed as RFC 8463 says, and the record of the key."""
    key = Ed25519PrivateKey.generate()
    head, _, body = mail.partition(b"\r\n\r\n")
    unfolded = head.replace(b"\r\n ", b" ").split(b"\r\n")
    by_name = {line.partition(b":")[0].lower(): line for line in unfolded}
    digest = base64.b64encode(hashlib.sha256(canonical_body(body, "relaxed")).digest()).decode()
    names = ":".join(name.decode() for name in FIELDS)
    field = (
        f"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=shop.test; s=ed; h={names}; "
        f"bh={digest}; b="
    ).encode()
    data = b"".join(canonical_field(by_name[name], "relaxed") for name in FIELDS)
    data += canonical_field(field, "relaxed").removesuffix(b"\r\n")
    made = base64.b64encode(key.sign(hashlib.sha256(data).digest()))
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return field + made + b"\r\n" + mail, f"v=DKIM1; k=ed25519; p={base64.b64encode(public).decode()}"

"""The example of RFC 8463, appendix A: its message, its keys, its two signatures."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mailer.dkim.canonical import canonical_body, canonical_field, split_message
from mailer.dkim.keys import KeyKind, read_key
from mailer.dkim.records import parse_record, record_text
from tests.dkim.signing import verdicts

SECRET = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
ED25519_RECORD = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
RSA_RECORD = (
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi"
    "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G"
    "+2kryOTIKT+l/K4w3QIDAQAB"
)
MESSAGE = """\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace("\n", "\r\n").encode()

pytestmark = pytest.mark.rule("A38")


def test_both_signatures_of_the_example_hold() -> None:
    """So the judge of our own signatures is right about Ed25519 too."""
    records = {
        b"brisbane._domainkey.football.example.com.": ED25519_RECORD.encode(),
        b"test._domainkey.football.example.com.": RSA_RECORD.encode(),
    }
    assert verdicts(MESSAGE, records) == [True, True]


def test_the_body_hash_of_the_example_is_ours() -> None:
    body = split_message(MESSAGE)[1]
    digest = hashlib.sha256(canonical_body(body)).digest()
    assert b64encode(digest) == b"2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="


def test_the_key_of_the_example_signs_as_in_the_example() -> None:
    """Ed25519 holds nothing by chance: the same key over the same message gives the same signature."""
    pem = Ed25519PrivateKey.from_private_bytes(b64decode(SECRET)).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    key = read_key(pem, "brisbane")
    assert (key.kind, record_text(key)) == (KeyKind.ED25519, ED25519_RECORD)
    own, _, *fields = split_message(MESSAGE)[0]
    value, _, signature = own.raw.partition(b" b=")
    relaxed = b"".join(canonical_field(field.raw) for field in fields)
    relaxed += canonical_field(value + b" b=").removesuffix(b"\r\n")
    assert b64encode(key.sign(hashlib.sha256(relaxed).digest())) == re.sub(rb"\s", b"", signature)


def test_the_records_of_the_example_are_read() -> None:
    for record, kind in ((ED25519_RECORD, "ed25519"), (RSA_RECORD, "rsa")):
        published = parse_record(record)
        assert published is not None
        assert (published.kind, published.serves_mail, published.is_testing) == (kind, True, False)

"""Verify a DKIM signature of a message as it was received, whoever signed it (RFC 6376, RFC 8301, RFC 8463).

Own code over `cryptography`, which signs for us too: the library for this would bring another one for Ed25519.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mailer.dkim import canonical
from mailer.dkim.keys import LEAST_BITS

_SPACES = re.compile(rb"[ \t]+")
_LAST_LINES = re.compile(rb"(?<!\n)(?:\r\n)+\Z")
_LENGTH_DIGITS = 76  #: of l= (RFC 6376 section 3.5)
_OWN_SIGNATURE = re.compile(rb"((?:^|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")


class SignatureBroken(ValueError):
    """It does not verify; the words say why."""


@dataclass(frozen=True, slots=True)
class Message:
    """The header fields as they stand, folded, and the body; lines end with CRLF."""

    fields: tuple[tuple[str, bytes], ...]  #: name in lower case, the whole field
    body: bytes

    def values(self, name: str) -> list[str]:
        """The values of all fields of that name, unfolded; what is not UTF-8 is spelt out."""
        return [
            _unfolded(field.partition(b":")[2]).decode("utf-8", "backslashreplace")
            for each, field in self.fields
            if each == name
        ]


def split_message(raw: bytes) -> Message:
    """Read a message as a file holds it, with any line ends, an mbox's first line or none."""
    head, _, body = re.sub(rb"\r?\n", b"\r\n", raw).partition(b"\r\n\r\n")
    fields: list[tuple[str, bytes]] = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            name, field = fields[-1]
            fields[-1] = (name, field + b"\r\n" + line)
        elif b":" in line and not line.startswith(b"From "):
            fields.append((line.partition(b":")[0].strip().lower().decode("ascii", "replace"), line))
    return Message(tuple(fields), body)


def tags_of(text: str) -> dict[str, str]:
    """A tag list (section 3.2), white space taken out of the values."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): re.sub(r"\s+", "", value) for name, mark, value in pairs if mark}


def verify(message: Message, field: bytes, *, record: str) -> None:
    """Check one DKIM-Signature field against the TXT record of its key. Raises SignatureBroken."""
    tags = tags_of(field.partition(b":")[2].decode("ascii", "replace"))
    header_way, _, body_way = tags.get("c", "simple/simple").partition("/")
    algorithm = tags.get("a", "")
    if algorithm not in ("rsa-sha256", "ed25519-sha256"):
        raise SignatureBroken(f"its algorithm {algorithm[:20] or 'is missing'} does not count (RFC 8301)")
    if "from" not in tags.get("h", "").lower().split(":"):
        raise SignatureBroken("it does not cover From")
    body = canonical_body(message.body, body_way or "simple")
    if tags.get("l", "").isdigit() and len(tags["l"]) <= _LENGTH_DIGITS:
        body = body[: int(tags["l"])]
    if _decoded(tags.get("bh", "")) != hashlib.sha256(body).digest():
        raise SignatureBroken("the body was changed on its way")
    data = _signed_fields(message, tags["h"].lower().split(":"), header_way)
    bare = _OWN_SIGNATURE.sub(rb"\1", field.partition(b":")[2])
    data += canonical_field(field.partition(b":")[0] + b":" + bare, header_way).removesuffix(b"\r\n")
    _verify_bytes(_decoded(tags.get("b", "")), data, algorithm=algorithm, key=tags_of(record))


def canonical_field(field: bytes, way: str) -> bytes:
    """A header field with its line end (section 3.4.1 and 3.4.2)."""
    return canonical.canonical_field(field) if way == "relaxed" else field + b"\r\n"


def canonical_body(body: bytes, way: str) -> bytes:
    """The body as it is hashed (section 3.4.3 and 3.4.4)."""
    # The lines at the end go first: the search for them starts at every line end otherwise.
    body = _LAST_LINES.sub(b"", body)
    if way == "relaxed":
        return canonical.canonical_body(body + b"\r\n" if body else b"")
    return body + b"\r\n"


def _signed_fields(message: Message, names: Sequence[str], way: str) -> bytes:
    """The fields that `h=` names, each name taking the lowest that is not taken yet (section 5.4.2)."""
    waiting: dict[str, list[bytes]] = {}
    for name, field in message.fields:
        waiting.setdefault(name, []).append(field)
    found = (waiting[name].pop() for name in names if waiting.get(name))
    return b"".join(canonical_field(field, way) for field in found)


def _verify_bytes(signature: bytes, data: bytes, *, algorithm: str, key: Mapping[str, str]) -> None:
    if "p" in key and not key["p"]:
        raise SignatureBroken("its key is revoked (p= is empty)")
    if not key.get("p"):
        raise SignatureBroken("its key is not in DNS")
    try:
        _VERIFIERS[algorithm](_decoded(key["p"]), signature, data)
    except InvalidSignature:
        raise SignatureBroken("it does not fit: a covered field was changed, or the key is another") from None
    except (ValueError, UnsupportedAlgorithm) as error:
        if isinstance(error, SignatureBroken):
            raise
        raise SignatureBroken("its key in DNS cannot be read") from None


def _verify_rsa(key: bytes, signature: bytes, data: bytes) -> None:
    public = load_der_public_key(key)
    if not isinstance(public, RSAPublicKey):
        raise SignatureBroken("its key in DNS is no RSA key")
    if public.key_size < LEAST_BITS:
        raise SignatureBroken(f"its key has {public.key_size} bits, fewer than {LEAST_BITS} do not count")
    public.verify(signature, data, PKCS1v15(), SHA256())


def _verify_ed25519(key: bytes, signature: bytes, data: bytes) -> None:
    Ed25519PublicKey.from_public_bytes(key).verify(signature, hashlib.sha256(data).digest())


_VERIFIERS: dict[str, Callable[[bytes, bytes, bytes], None]] = {
    "rsa-sha256": _verify_rsa,
    "ed25519-sha256": _verify_ed25519,
}


def _unfolded(value: bytes) -> bytes:
    return _SPACES.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        raise SignatureBroken("it is not base64") from None

"""Keys that are made once, messages of the product itself, and dkimpy as the judge of signatures."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace

import dkim
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mailer.dkim import DkimKey, DkimSigner, KeyKind, create_key, record_name, record_text


class _VerifyKey:
    """What dkimpy asks of PyNaCl, which is not installed: the arithmetic alone, by `cryptography`."""

    def __init__(self, public: bytes, encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(b64decode(public))

    def verify(self, digest: bytes, signature: bytes) -> None:
        self._key.verify(signature, digest)


dkim.nacl = SimpleNamespace(
    signing=SimpleNamespace(VerifyKey=_VerifyKey),
    encoding=SimpleNamespace(Base64Encoder=None),
    exceptions=SimpleNamespace(ValueError=ValueError, BadSignatureError=InvalidSignature),
)
AT = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
DOMAIN = "shop.example"


@cache
def keys() -> dict[KeyKind, DkimKey]:
    """One key of each kind for the whole run."""
    folder = Path(mkdtemp(prefix="mailer-dkim-"))
    return {kind: create_key(folder, f"{kind}1", kind=kind) for kind in KeyKind}


def signer(*kinds: KeyKind, domain: str | None = None) -> DkimSigner:
    """Signs with these kinds of key; with none named, with RSA."""
    return DkimSigner([keys()[kind] for kind in kinds or (KeyKind.RSA,)], domain=domain)


def zone(*signing: DkimKey, domain: str = DOMAIN) -> dict[bytes, bytes]:
    """What DNS would say about these keys; with none named, about those of `keys`."""
    return {
        f"{record_name(key.selector, domain)}.".encode(): record_text(key).encode()
        for key in signing or tuple(keys().values())
    }


def verdicts(data: bytes, records: dict[bytes, bytes] | None = None) -> list[bool]:
    """What dkimpy says about each signature of a message, the topmost first."""
    known = zone() if records is None else records
    count = len(re.findall(rb"(?m)^DKIM-Signature:", data))
    return [_holds(data, number, known) for number in range(count)]


def _holds(data: bytes, number: int, known: dict[bytes, bytes]) -> bool:
    try:
        found: bool = dkim.DKIM(data).verify(idx=number, dnsfunc=lambda name, timeout=5: known.get(name, b""))
    except dkim.ValidationError:
        return False
    return found


def tags(data: bytes) -> dict[str, str]:
    """The tags of the topmost signature, white space taken out."""
    field = data.decode().partition("\r\n\r\n")[0].partition("DKIM-Signature:")[2]
    value = re.split(r"\r\n(?![ \t])", field)[0]
    pairs = (part.partition("=") for part in value.split(";"))
    return {name.strip(): "".join(text.split()) for name, _, text in pairs}

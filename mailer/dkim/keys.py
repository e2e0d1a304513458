"""Private keys of DKIM: one file each, `<selector>.pem`, closed to others (RFC 8301 3.2, RFC 8463)."""

from __future__ import annotations

import os
import re
import stat
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from mailer.errors import MailerError
from mailer.settings.dkim import SELECTOR

RSA_BITS = 2048
LEAST_BITS = 1024  #: a shorter key must not be used, and a signature by one does not count (RFC 8301 3.2)
_SUFFIX = ".pem"
_ENDING, _PADDING = Prehashed(SHA256()), PKCS1v15()


class DkimKeyInvalid(MailerError):
    """A DKIM key cannot be used."""


class DkimKeyExists(MailerError):
    """There is a DKIM key of that name already."""


class KeyKind(StrEnum):
    """The two kinds of key, as `k=` of a record calls them."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class DkimKey:
    """One private key."""

    selector: str
    kind: KeyKind
    public: str  #: p= of its record
    bits: int
    sign: Callable[[bytes], bytes] = field(repr=False)  #: SHA-256 of what is signed -> the signature
    path: Path | None = None

    @property
    def algorithm(self) -> str:
        """As a= names it."""
        return f"{self.kind}-sha256"


def create_key(folder: Path, selector: str, *, kind: KeyKind = KeyKind.RSA) -> DkimKey:
    """Make a key in a new file of mode 0600. Raises DkimKeyExists, DkimKeyInvalid."""
    path = key_path(folder, selector)
    private = generate_private_key(65537, RSA_BITS) if kind is KeyKind.RSA else Ed25519PrivateKey.generate()
    content = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A key has its name only when it is whole; the name is given once, whoever else wants it now.
        with NamedTemporaryFile(dir=folder, prefix=".") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.link(file.name, path)
    except FileExistsError:
        sentence = f"{path} exists already and is not overwritten; choose another --selector."
        raise DkimKeyExists(sentence) from None
    except OSError as error:
        raise DkimKeyInvalid(f"The DKIM key {path} cannot be written: {error.strerror}.") from error
    return load_key(folder, selector)


def load_key(folder: Path, selector: str) -> DkimKey:
    """Read and check one key. Raises DkimKeyInvalid: missing, open to others, broken, too short."""
    path = key_path(folder, selector)
    try:
        return read_key(_private_bytes(path), selector, path=path)
    except FileNotFoundError:
        raise DkimKeyInvalid(
            f"The DKIM key {path} is missing. Restore it from a backup, or make one: "
            f"mailer dkim new --selector {selector}"
        ) from None
    except OSError as error:
        raise DkimKeyInvalid(f"The DKIM key {path} cannot be read: {error.strerror}.") from error
    except DkimKeyInvalid as error:
        raise DkimKeyInvalid(f"The DKIM key {path} cannot be used: {error}") from None


def read_key(content: bytes, selector: str, *, path: Path | None = None) -> DkimKey:
    """A key from its PEM text. Raises DkimKeyInvalid."""
    try:
        private = load_pem_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise DkimKeyInvalid("it is no private key in PEM form without a passphrase.") from None
    if isinstance(private, RSAPrivateKey):
        if private.key_size < LEAST_BITS:
            raise DkimKeyInvalid(f"it has {private.key_size} bits, and fewer than {LEAST_BITS} do not count.")
        public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

        def sign(digest: bytes) -> bytes:
            return private.sign(digest, _PADDING, _ENDING)

        return DkimKey(selector, KeyKind.RSA, b64encode(public).decode(), private.key_size, sign, path)
    if isinstance(private, Ed25519PrivateKey):
        raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return DkimKey(selector, KeyKind.ED25519, b64encode(raw).decode(), 256, private.sign, path)
    raise DkimKeyInvalid("it is neither an RSA nor an Ed25519 key.")


def key_path(folder: Path, selector: str) -> Path:
    """The file of a key. Raises DkimKeyInvalid for a name that no selector can have."""
    if not re.fullmatch(SELECTOR, selector):
        raise DkimKeyInvalid(f"{selector!r} is no selector: letters, digits and hyphens, 63 at most.")
    return folder / f"{selector.lower()}{_SUFFIX}"


def selectors_in(folder: Path) -> list[str]:
    """The names of the keys in a folder."""
    names = (path.name.removesuffix(_SUFFIX) for path in folder.glob(f"*{_SUFFIX}"))
    return sorted(name for name in names if re.fullmatch(SELECTOR, name))


def _private_bytes(path: Path) -> bytes:
    # Not blocking: a pipe in its place must be refused, not waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise DkimKeyInvalid("it is not a regular file.")
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise DkimKeyInvalid(f"it can be read or written by others; run `chmod 600 {path}`.")
        return file.read(100_000)

"""The site's secrets: made once, kept in one 0600 file, refused when weak (ASVS 11.5.1, 13.3.1).

Three kinds of key: token keys sign links and rotate; the address key hashes addresses and the
ledger key seals the ledger, and neither ever changes, because what they made must be found again.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import hmac
import os
import re
import secrets as random_source
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from mailer import clock
from mailer.addresses import EmailAddress
from mailer.errors import MailerError

KEY_BYTES = 32  #: 256 bits (D6)
_BLOCK = 64  # octets that SHA-256 takes at a time
_PRIVATE = stat.S_IRUSR | stat.S_IWUSR
_KEY_ID = re.compile(r"[a-z0-9]{1,8}\Z")
# 32 random bytes hold 30 different ones on average, and fewer than 20 less than once in 10^8 keys.
_FEWEST_DISTINCT = 20
_HEADER = """\
# The secrets of this site. Keep this file out of git, mode 0600, and in your backups:
# without address_key nobody who left can be recognised, without token_keys every
# unsubscribe link ever mailed is dead. `mailer key rotate` adds a token key; remove none.
"""


class SecretsInvalid(MailerError):
    """The secrets file cannot be used."""


class SecretsExist(MailerError):
    """There is a secrets file already, and it is never overwritten."""


@dataclass(frozen=True, slots=True)
class TokenKey:
    """One key that signs tokens. A retired one only verifies what must work for ever (D2, C10)."""

    id: str
    secret: bytes = field(repr=False)
    created: date
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Secrets:
    """Every secret of a site."""

    token_keys: tuple[TokenKey, ...]  #: oldest first; the last one signs
    address_key: bytes = field(repr=False)
    ledger_key: bytes = field(repr=False)


def address_hash(secrets: Secrets, address: EmailAddress) -> bytes:
    """The 32 bytes by which a suppression or the ledger knows an address, whatever its case (A69)."""
    return keyed_mac(secrets.address_key)(address.key.encode())


def create_secrets(path: Path) -> Secrets:
    """Make new secrets in a new file of mode 0600. Raises SecretsExist, SecretsInvalid."""
    if path.exists() or path.is_symlink():
        raise SecretsExist(f"{path} exists already and is not overwritten; its keys are in use.")
    secrets = Secrets((_new_key(()),), _random(), _random())
    _write(path, secrets, exclusive=True)
    return secrets


def load_secrets(path: Path) -> Secrets:
    """Read and check the secrets file.

    Raises SecretsInvalid when it is missing, readable by others, broken, or holds a weak key (D6).
    """
    try:
        content = _read_private(path)
    except FileNotFoundError:
        raise SecretsInvalid(
            f"The secrets file {path} is missing. Restore it from a backup; for a new site run `mailer init`."
        ) from None
    except OSError as error:
        raise SecretsInvalid(f"The secrets file {path} cannot be read: {error.strerror}.") from error
    try:
        return _parse(tomllib.loads(content.decode("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The parser's own words could quote a secret.
        raise SecretsInvalid(f"The secrets file {path} is not valid TOML; restore a backup.") from None
    except SecretsInvalid as error:
        raise SecretsInvalid(f"The secrets file {path} cannot be used: {error}") from None


def rotate_token_key(path: Path, *, retire_old: bool = False) -> TokenKey:
    """Add a token key, which signs from now on; with `retire_old` the earlier ones verify only links
    that must work for ever. Running processes take it up at their next start.

    Raises SecretsInvalid.
    """
    with _alone_in(path.parent):
        secrets = load_secrets(path)
        key = _new_key(secrets.token_keys)
        old = tuple(replace(k, retired=k.retired or retire_old) for k in secrets.token_keys)
        _write(path, replace(secrets, token_keys=(*old, key)), exclusive=False)
    return key


def derive_key(secret: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose, so that no two uses share a key (D1)."""
    return hmac.digest(secret, purpose.encode(), hashlib.sha256)


@lru_cache(maxsize=16)
def keyed_mac(key: bytes) -> Callable[[bytes], bytes]:
    """HMAC-SHA-256 whose key is set up once: a third of the time of `hmac.digest` for a short message."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner, outer = (hashlib.sha256(bytes(octet ^ pad for octet in block)) for pad in (0x36, 0x5C))

    def mac(message: bytes) -> bytes:
        first, second = inner.copy(), outer.copy()
        first.update(message)
        second.update(first.digest())
        return second.digest()

    return mac


def _random() -> bytes:
    return random_source.token_bytes(KEY_BYTES)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """One at a time: of two that read the keys and write them back, the second would drop the first one's."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise SecretsInvalid(
            f"The folder {folder} of the secrets cannot be opened: {error.strerror}."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _new_key(existing: tuple[TokenKey, ...]) -> TokenKey:
    taken = {key.id for key in existing}
    number = next(n for n in range(1, len(existing) + 2) if f"k{n}" not in taken)
    return TokenKey(f"k{number}", _random(), clock.now().date())


def _read_private(path: Path) -> bytes:
    # Not blocking: a pipe in its place must be refused, not waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SecretsInvalid(f"The secrets file {path} is not a regular file.")
        if status.st_mode & forbidden_bits(path, os.environ.get("CREDENTIALS_DIRECTORY")):
            raise SecretsInvalid(
                f"The secrets file {path} can be read or written by others; run `chmod 600 {path}`."
            )
        return file.read(1_000_000)


def forbidden_bits(path: Path, credentials: str | None) -> int:
    """The mode bits that a file with a secret must not have; `credentials` is CREDENTIALS_DIRECTORY."""
    # systemd hands a credential to an unprivileged service by an ACL, whose mask shows as group bits.
    passed = bool(credentials) and path.parent == Path(credentials or "")
    return stat.S_IRWXO if passed else stat.S_IRWXG | stat.S_IRWXO


def _parse(data: Mapping[str, Any]) -> Secrets:
    keys = data.get("token_keys")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise SecretsInvalid("it has no [[token_keys]].")
    secrets = Secrets(
        tuple(_parse_key(key) for key in keys),
        _decode(data.get("address_key"), "address_key"),
        _decode(data.get("ledger_key"), "ledger_key"),
    )
    if secrets.token_keys[-1].retired:
        raise SecretsInvalid("its last token key is retired, so nothing can be signed.")
    _refuse_repeats([key.id for key in secrets.token_keys], "key id")
    _refuse_repeats([secret for _, secret in _named(secrets)], "key")
    return secrets


def _parse_key(data: Mapping[str, Any]) -> TokenKey:
    identifier, created, retired = data.get("id"), data.get("created"), data.get("retired", False)
    if not isinstance(identifier, str) or not _KEY_ID.match(identifier):
        raise SecretsInvalid("the id of a token key is not 1 to 8 lower-case letters or digits.")
    if type(created) is not date or not isinstance(retired, bool):
        raise SecretsInvalid(f"token key {identifier} needs `created`, a date, and `retired`, true or false.")
    return TokenKey(identifier, _decode(data.get("secret"), f"token key {identifier}"), created, retired)


def _decode(text: object, name: str) -> bytes:
    if not isinstance(text, str):
        raise SecretsInvalid(f"{name} is missing.")
    try:
        secret = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SecretsInvalid(f"{name} is not base64.") from None
    if len(secret) < KEY_BYTES:
        raise SecretsInvalid(f"{name} is shorter than 256 bits.")
    if _looks_invented(secret):
        raise SecretsInvalid(f"{name} is a sample or was not made by a random source.")
    return secret


def _looks_invented(secret: bytes) -> bool:
    """Whether a random source would practically never give this: text, repeats, a counting pattern."""
    steps = {(b - a) % 256 for a, b in pairwise(secret)}
    return min(len(set(secret)), len(steps)) < _FEWEST_DISTINCT or all(32 <= byte < 127 for byte in secret)


def _refuse_repeats(values: list[Any], what: str) -> None:
    if len(set(values)) != len(values):
        raise SecretsInvalid(f"it holds the same {what} twice.")


def _named(secrets: Secrets) -> Iterator[tuple[str, bytes]]:
    yield "address_key", secrets.address_key
    yield "ledger_key", secrets.ledger_key
    yield from ((key.id, key.secret) for key in secrets.token_keys)


def _as_toml(secrets: Secrets) -> str:
    lines = [_HEADER, f'address_key = "{_encode(secrets.address_key)}"']
    lines += [f'ledger_key = "{_encode(secrets.ledger_key)}"']
    for key in secrets.token_keys:
        lines += ["", "[[token_keys]]", f'id = "{key.id}"', f'secret = "{_encode(key.secret)}"']
        lines += [f"created = {key.created.isoformat()}", f"retired = {str(key.retired).lower()}"]
    return "\n".join(lines) + "\n"


def _encode(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).decode("ascii")


def _write(path: Path, secrets: Secrets, *, exclusive: bool) -> None:
    """Write durably and all at once; `exclusive` refuses a file that has appeared meanwhile."""
    temporary = path.with_name(f".{path.name}.{random_source.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, _PRIVATE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(_as_toml(secrets))
            file.flush()
            os.fsync(file.fileno())
        if exclusive:
            os.link(temporary, path)
        else:
            os.replace(temporary, path)
    except FileExistsError:
        raise SecretsExist(f"{path} exists already and is not overwritten; its keys are in use.") from None
    except OSError as error:
        raise SecretsInvalid(f"The secrets file {path} cannot be written: {error.strerror}.") from error
    finally:
        temporary.unlink(missing_ok=True)

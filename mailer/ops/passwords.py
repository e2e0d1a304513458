"""Passwords: what is good enough, and argon2id (RFC 9106) with no more of it at once than memory allows."""

from __future__ import annotations

import unicodedata
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from mailer.errors import MailerError

LEAST_CHARACTERS = 12
MOST_CHARACTERS = 256
#: RFC 9106 4, second choice: 64 MiB, 3 passes, 4 lanes.
_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
#: 64 MiB each: who floods the form must not fill the memory.
_AT_ONCE = BoundedSemaphore(2)


class PasswordWeak(MailerError):
    """The password is not good enough."""


def hash_password(password: str) -> str:
    """The argon2id hash to store. Raises PasswordWeak."""
    length = len(password)
    if not LEAST_CHARACTERS <= length <= MOST_CHARACTERS:
        raise PasswordWeak(
            f"The password has {length} characters; it must have {LEAST_CHARACTERS} to {MOST_CHARACTERS}. "
            "A sentence is easy to keep in mind."
        )
    if len(set(password)) < 5:
        raise PasswordWeak("The password has fewer than 5 different characters; a sentence is better.")
    with _AT_ONCE:
        return _HASHER.hash(_normal(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Whether it is the one; as slow for nobody (None) as for somebody."""
    with _AT_ONCE:
        try:
            _HASHER.verify(stored or _nobodys(), _normal(password[: MOST_CHARACTERS + 1]))
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


@cache
def _nobodys() -> str:
    return _HASHER.hash("the password of nobody at all")


def _normal(password: str) -> str:
    # The same letters typed on another keyboard are the same password (NIST SP 800-63B 5.1.1.2).
    return unicodedata.normalize("NFKC", password)

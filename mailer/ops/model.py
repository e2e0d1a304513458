"""The people of /ops as the rest of the house sees them, and what they may be refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from mailer.errors import MailerError
from mailer.store.vocabulary import StaffRole


class StaffUnknown(MailerError):
    """Nobody of that name may sign in."""


class StaffExists(MailerError):
    """Somebody of that name may sign in already."""


class StaffNameInvalid(MailerError):
    """That cannot be a name."""


class SignInRefused(MailerError):
    """Name, password or code is wrong; which of them is not said."""


class TooManyTries(MailerError):
    """Somebody tries too often."""

    def __init__(self, seconds: float) -> None:
        super().__init__("Too many tries. Wait a moment, then try again.")
        self.seconds = seconds


class NotAllowed(MailerError):
    """The role does not allow it."""


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who is signed in."""

    id: int
    name: str
    role: StaffRole

    @property
    def may_act(self) -> bool:
        """Operators act, viewers look."""
        return self.role is StaffRole.OPERATOR


@dataclass(frozen=True, slots=True)
class StaffRow:
    """One account, as a list shows it."""

    name: str
    role: StaffRole
    created_at: datetime
    disabled_at: datetime | None
    by_proxy: bool  #: has no password
    sessions: int


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a browser keeps."""

    staff: Staff
    token: str = field(repr=False)
    seconds: int  #: until it ends

"""What deciding hands to whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mailer.errors import MailerError


class MailUnknown(MailerError):
    """There is no such message to be looked at."""


@dataclass(frozen=True, slots=True)
class ReviewMail:
    """A message that waits for a person."""

    id: int
    received_at: datetime
    source: str
    kind: str | None
    rule: str | None
    note: str | None
    state: str


@dataclass(frozen=True, slots=True)
class OpenFreeze:
    """An alarm that waits for a decision."""

    id: int
    scope: str
    key: str
    label: str  #: the key as people know it: a campaign's slug
    group: str
    opened_at: datetime
    people: int  #: whose reports wait
    facts: dict[str, object]


@dataclass(frozen=True, slots=True)
class Review:
    """All that waits for a person."""

    freezes: tuple[OpenFreeze, ...]
    mails: tuple[ReviewMail, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What the rules of today read otherwise: a report, or a message that none was made of."""

    report_id: int | None
    mail_id: int | None
    was: str  #: "hard userunknown"
    becomes: str  #: the same, by the rules of today
    lifts: bool  #: an address is mailed again
    holds: bool  #: an address is held

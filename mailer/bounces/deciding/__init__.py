"""What follows from what came back: whom it is about, whose fault it is, and only then what is done (laws 7, 10)."""

from mailer.bounces.deciding.alarm import FreezeUnknown
from mailer.bounces.deciding.model import Difference, MailUnknown, OpenFreeze, Review, ReviewMail
from mailer.bounces.deciding.policy import Limits
from mailer.bounces.deciding.service import Deciding

__all__ = [
    "Deciding",
    "Difference",
    "FreezeUnknown",
    "Limits",
    "MailUnknown",
    "OpenFreeze",
    "Review",
    "ReviewMail",
]

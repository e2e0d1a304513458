"""What mail providers tell by webhook: Amazon SES, Postmark, SendGrid and Mailgun, proven and kept (D31)."""

from mailer.bounces.webhooks.model import (
    Call,
    CallRefused,
    Forged,
    HookUnknown,
    Malformed,
    NotNow,
    Replayed,
    Taken,
    Unsigned,
)
from mailer.bounces.webhooks.reading import reading
from mailer.bounces.webhooks.receiving import Hooks

__all__ = [
    "Call",
    "CallRefused",
    "Forged",
    "HookUnknown",
    "Hooks",
    "Malformed",
    "NotNow",
    "Replayed",
    "Taken",
    "Unsigned",
    "reading",
]

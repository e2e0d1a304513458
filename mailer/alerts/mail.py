"""The mail to ops: a plain text of our own, handed to whichever relay takes it."""

from __future__ import annotations

from collections.abc import Callable
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from mailer.addresses import EmailAddress, Mailbox
from mailer.alerts.model import Notice
from mailer.alerts.sending import NotTaken

#: Hands bytes for one recipient to a relay; the sentence says why none took them, None: one did.
Deliver = Callable[[EmailAddress, bytes], str | None]


def mail(to: EmailAddress, sender: Mailbox, *, domain: str, deliver: Deliver) -> Callable[[Notice], None]:
    """A channel that mails `to`. `domain`: right side of the Message-ID."""

    def send(notice: Notice) -> None:
        refused = deliver(to, message(notice, to, sender, domain=domain))
        if refused is not None:
            raise NotTaken(refused)

    return send


def message(notice: Notice, to: EmailAddress, sender: Mailbox, *, domain: str) -> bytes:
    """The bytes; the same alert has the same Message-ID on every try (A56)."""
    made = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    made["Date"] = format_datetime(notice.raised_at)
    made["From"] = Address(sender.name or "", addr_spec=str(sender.address))
    made["To"] = str(to)
    made["Subject"] = "[mailer] " + " ".join(notice.subject.split())
    made["Message-ID"] = f"<alert-{notice.id}-{notice.raised_at:%Y%m%d%H%M%S}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    facts = "\n".join(f"{name}: {value}" for name, value in notice.facts.items())
    made.set_content(f"{notice.text}\n\n{facts}\n")
    return made.as_bytes()

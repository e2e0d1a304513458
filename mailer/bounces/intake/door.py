"""What the listener answers: refuse who is not ours, keep the rest, never say yes before it is stored."""

from __future__ import annotations

import asyncio

from aiosmtpd.smtp import SMTP, Envelope, Session

from mailer.bounces.intake.keeping import keep
from mailer.bounces.intake.ours import OurAddresses
from mailer.maillog import EventLog
from mailer.store import Store, StoreError

log = EventLog("bounces")

_LATER = "451 4.3.0 The mail cannot be stored now, try again later"


class Door:
    """aiosmtpd's handler."""

    def __init__(self, store: Store, ours: OurAddresses, *, most_recipients: int) -> None:
        self._store = store
        self._ours = ours
        self._most_recipients = most_recipients

    async def handle_RCPT(  # noqa: N802 (the name aiosmtpd calls)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take our addresses only."""
        if len(envelope.rcpt_tos) >= self._most_recipients:
            return "452 4.5.3 Too many recipients at once"
        if not self._ours.takes(address):
            return "550 5.1.1 No such address here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 (the name aiosmtpd calls)
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Answer 250 once it is stored; until then the mail server keeps it (RFC 5321 4.2.5)."""
        tagged = [address for address in envelope.rcpt_tos if self._ours.delivery_of(address) is not None]
        content, first = bytes(envelope.original_content or b""), [*tagged, *envelope.rcpt_tos][0]
        try:
            new = await asyncio.to_thread(keep, self._store, content, source="listener", envelope_to=first)
        except StoreError as error:
            log.listener_cannot_store(reason=str(error))
            return _LATER
        except Exception as error:  # noqa: BLE001 - it is answered with "later", and told with its trace
            # aiosmtpd would answer 500, and the mail would be lost.
            log.listener_broken(trace=error)
            return _LATER
        log.mail_heard(new=new)
        return "250 2.0.0 Stored"

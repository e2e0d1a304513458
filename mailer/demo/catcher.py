"""An SMTP server on loopback that keeps every mail as a file; some recipients are refused on purpose."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

#: A local part that starts so is answered with this, at RCPT: try every outcome without a real victim.
REFUSALS: dict[str, str] = {
    "gone": "550 5.1.1 No such user here",
    "full": "452 4.2.2 Mailbox full",
    "policy": "550 5.7.1 Refused by policy",
    "later": "451 4.7.1 Try again later",
}


@dataclass(frozen=True, slots=True)
class Caught:
    """One mail as it came over the wire."""

    recipient: str
    return_path: str
    data: bytes
    path: Path

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed by Python's modern policy."""
        parsed = message_from_bytes(self.data, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def is_campaign(self) -> bool:
        """Whether it carries the one-click pair that only campaigns have."""
        return self.message["List-Unsubscribe-Post"] is not None

    def part(self, subtype: str) -> str:
        """The text of the `plain` or `html` part."""
        body = self.message.get_body(preferencelist=(subtype,))
        return str(body.get_content()) if body is not None else ""

    def one_click_url(self) -> str:
        """The https (here: loopback http) URI of List-Unsubscribe, RFC 8058."""
        found = re.search(r"<(http[^>]+)>", str(self.message["List-Unsubscribe"]))
        assert found is not None, "a campaign mail has a List-Unsubscribe header"
        return found.group(1)


class Catcher:
    """Catch mail into `folder`, listening on 127.0.0.1:`port`."""

    def __init__(self, folder: Path, *, port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port
        self._handler = _Keep(folder)
        self._controller: Controller | None = None

    def start(self) -> None:
        """Listen, in a thread of its own."""
        # Made here: it holds an event loop, which only one that was started gives back.
        self._controller = Controller(self._handler, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        """Stop listening; the files stay."""
        if self._controller is not None:
            self._controller.stop(no_assert=True)
            self._controller = None

    @property
    def caught(self) -> list[Caught]:
        """Everything caught so far, oldest first."""
        with self._handler.lock:
            return list(self._handler.caught)

    @property
    def refused(self) -> list[str]:
        """The recipients that were refused, in order."""
        with self._handler.lock:
            return list(self._handler.refused)


class _Keep:
    """aiosmtpd's handler: refuse by name, keep the rest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.lock = threading.Lock()
        self.caught: list[Caught] = []
        self.refused: list[str] = []

    async def handle_RCPT(  # noqa: N802 (the name aiosmtpd calls)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        refusal = REFUSALS.get(re.split(r"[@+]", address, maxsplit=1)[0])
        if refusal is not None:
            with self.lock:
                self.refused.append(address)
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 (the name aiosmtpd calls)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        data = envelope.original_content or b""
        with self.lock:
            for recipient in envelope.rcpt_tos:
                number = len(self.caught) + 1
                name = re.sub(r"[^A-Za-z0-9@._-]", "_", recipient)
                path = self._folder / f"{number:04}-{name}.eml"
                path.write_bytes(data)
                self.caught.append(Caught(recipient, envelope.mail_from or "", data, path))
        return "250 2.0.0 Kept"

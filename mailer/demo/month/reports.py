"""Failure and delay reports, each as the kind of mail server writes them that its provider runs (RFC 3464 and not)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime

from mailer.demo.month.original import Original

_STATUS = re.compile(r"\b([45]\.\d{1,3}\.\d{1,3})\b")
_RELAY = "out.ohm-and-volt.example"


def failure(original: Original, reply: str, *, at: datetime, delayed: bool = False) -> bytes:
    """A report that a message did not arrive, or, `delayed`, not yet."""
    write = FORMATS["postfix" if delayed else original.person.provider.mta]
    return write(original, reply, at, delayed)


def status_of(reply: str) -> str:
    """The enhanced status that stands in a reply, or the general one of its class."""
    found = _STATUS.search(reply)
    return found[1] if found else f"{reply[0]}.0.0"


def head(original: Original, *, sender: str, subject: str, at: datetime, more: str = "") -> str:
    """The header of something that comes back."""
    return (
        f"Return-Path: <>\nDate: {format_datetime(at)}\nFrom: {sender}\nTo: {original.return_path}\n"
        f"Subject: {subject}\n{more}"
    )


def _postfix(original: Original, reply: str, at: datetime, delayed: bool) -> bytes:
    """Postfix's bounce(8)."""
    address, host = original.person.address, f"mx.{original.person.provider.domain}"
    verb = "has not been delivered yet" if delayed else "could not be delivered"
    subject = "Delayed Mail (still being retried)" if delayed else "Undelivered Mail Returned to Sender"
    text = (
        f"This is the mail system at host {_RELAY}.\n\nI'm sorry to have to inform you that your message "
        f"{verb} to one or more recipients. It's attached below.\n\n                   The mail system\n\n"
        f"<{address}>: host {host}[203.0.113.7] said: {reply} (in reply to RCPT TO command)\n"
    )
    top = head(original, sender=f"MAILER-DAEMON@{_RELAY} (Mail Delivery System)", subject=subject, at=at)
    return _multipart(original, top, text, reply, delayed=delayed, mta=_RELAY)


def _google(original: Original, reply: str, at: datetime, delayed: bool) -> bytes:
    """Gmail's own, for mail it had taken."""
    address, domain = original.person.address, original.person.provider.domain
    text = (
        f"** Address not found or message blocked **\n\nYour message wasn't delivered to {address}.\n\n"
        f"The response from the remote server was:\n{reply}\n"
    )
    top = head(
        original,
        sender=f"Mail Delivery Subsystem <mailer-daemon@{domain}>",
        subject="Delivery Status Notification (Failure)",
        at=at,
        more=f"Auto-Submitted: auto-replied\nX-Failed-Recipients: {address}\n",
    )
    text = text.replace("Address not found or message blocked", "Message not delivered")
    return _multipart(original, top, text, reply, delayed=delayed, mta=domain)


def _exchange(original: Original, reply: str, at: datetime, delayed: bool) -> bytes:
    """Exchange Online's."""
    address, domain = original.person.address, original.person.provider.domain
    text = (
        f"Delivery has failed to these recipients or groups:\n\n{address}\n"
        f"Your message couldn't be delivered. The server said:\n\nGenerating server: EX01.{domain}\n\n{address}\n"
        f"Remote server returned '{reply}'\n"
    )
    top = head(
        original,
        sender=f"postmaster@{domain}",
        subject=f"Undeliverable: {original.field('Subject')}",
        at=at,
        more="Auto-Submitted: auto-replied\nX-MS-Exchange-Message-Is-Ndr:\n",
    )
    return _multipart(original, top, text, reply, delayed=delayed, mta=f"EX01.{domain}")


def _sendmail(original: Original, reply: str, at: datetime, delayed: bool) -> bytes:
    """Sendmail's, with its transcript."""
    address, domain = original.person.address, original.person.provider.domain
    text = (
        "   ----- The following addresses had permanent fatal errors -----\n"
        f"<{address}>\n    (reason: {reply})\n\n   ----- Transcript of session follows -----\n"
        f"... while talking to mx.{domain}.:\n>>> DATA\n<<< {reply}\n"
    )
    top = head(
        original,
        sender=f"Mail Delivery Subsystem <MAILER-DAEMON@{domain}>",
        subject="Returned mail: see transcript for details",
        at=at,
        more="Auto-Submitted: auto-generated (failure)\n",
    )
    return _multipart(original, top, text, reply, delayed=delayed, mta=domain)


def _exim(original: Original, reply: str, at: datetime, _delayed: bool) -> bytes:
    """Exim's, without a machine-readable part."""
    address, domain = original.person.address, original.person.provider.domain
    top = head(
        original,
        sender=f"Mail Delivery System <Mailer-Daemon@{domain}>",
        subject="Mail delivery failed: returning message to sender",
        at=at,
        more=f"X-Failed-Recipients: {address}\nAuto-Submitted: auto-replied\n",
    )
    text = (
        "\nThis message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
        f"  {address}\n    SMTP error from remote mail server after RCPT TO:<{address}>:\n"
        f"    host mx.{domain} [203.0.113.9]: {reply}\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\n"
    )
    return _wire(top + text) + original.header + b"\r\n\r\n"


def _qmail(original: Original, reply: str, at: datetime, _delayed: bool) -> bytes:
    """qmail's QSBMF."""
    address, domain = original.person.address, original.person.provider.domain
    top = head(original, sender=f"MAILER-DAEMON@{domain}", subject="failure notice", at=at)
    text = (
        f"\nHi. This is the qmail-send program at {domain}.\nI'm afraid I wasn't able to deliver your message to the "
        "following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        f"<{address}>:\n203.0.113.11 failed after I sent the message.\nRemote host said: {reply}\n\n"
        f"--- Below this line is a copy of the message.\n\nReturn-Path: <{original.return_path}>\n"
    )
    return _wire(top + text) + original.header + b"\r\n\r\n"


def _multipart(original: Original, top: str, text: str, reply: str, *, delayed: bool, mta: str) -> bytes:
    """In three parts: words, fields, and what is returned (RFC 3464)."""
    edge, person = f"=_{original.person.number:08}", original.person
    fields = (
        f"Reporting-MTA: dns; {mta}\n\nFinal-Recipient: rfc822; {person.address}\n"
        f"Action: {'delayed' if delayed else 'failed'}\nStatus: {status_of(reply)}\n"
        f"Remote-MTA: dns; mx.{person.provider.domain}\nDiagnostic-Code: smtp; {reply}\n"
    )
    return (
        _wire(
            f"{top}MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;\n"
            f'\tboundary="{edge}"\n\n--{edge}\nContent-Type: text/plain; charset=utf-8\n\n{text}\n'
            f"--{edge}\nContent-Type: message/delivery-status\n\n{fields}\n"
            f"--{edge}\nContent-Type: text/rfc822-headers\n\n"
        )
        + original.header
        + _wire(f"\n\n--{edge}--\n")
    )


def _wire(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


#: By the kind of server.
FORMATS: Mapping[str, Callable[[Original, str, datetime, bool], bytes]] = {
    "postfix": _postfix,
    "google": _google,
    "exchange": _exchange,
    "sendmail": _sendmail,
    "exim": _exim,
    "qmail": _qmail,
}

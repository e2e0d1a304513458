"""What readers and their mail programs send back: complaints, vacation notes, wishes to leave, and rubbish."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import unquote

from mailer.demo.month.original import Original
from mailer.demo.month.world import Sort

_FBL = "Content-Type: multipart/report; report-type=feedback-report"


def complaint(original: Original, at: datetime) -> bytes:
    """A feedback report (RFC 5965); some providers take the reader's address out of it (RFC 6590)."""
    provider, edge = original.person.provider, "=_fbl"
    header = original.header
    rcpt = f"Original-Rcpt-To: {original.person.address}\n"
    if provider.feedback == "redacted":
        rcpt = ""
        header = header.replace(original.person.address.encode(), b"redacted@" + provider.domain.encode())
    top = (
        f"Date: {format_datetime(at)}\nFrom: Feedback <feedback@{provider.domain}>\nTo: {original.return_path}\n"
        f'Subject: complaint about message\nMIME-Version: 1.0\n{_FBL}; boundary="{edge}"\n\n'
        f"--{edge}\nContent-Type: text/plain\n\nThis is an email abuse report.\n\n"
        f"--{edge}\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: Feedback/1.0\n"
        f"Version: 1\nOriginal-Mail-From: <{original.return_path}>\n{rcpt}Arrival-Date: "
        f"{format_datetime(original.sent_at)}\nReported-Domain: ohm-and-volt.example\n\n"
        f"--{edge}\nContent-Type: message/rfc822\n\n"
    )
    return _wire(top) + header + _wire(f"\n\n\n--{edge}--\n")


def vacation(original: Original, at: datetime) -> bytes:
    """An automatic reply (RFC 3834), to the return path as it should."""
    return _reply(
        original,
        at,
        subject=f"Out of office: {original.field('Subject')}",
        text="I am away until Monday and will answer then. In urgent matters, ask my colleague.",
        more="Auto-Submitted: auto-replied (vacation)\nPrecedence: bulk\n",
    )


def challenge(original: Original, at: datetime) -> bytes:
    """A filter that wants the sender to prove to be a person."""
    return _reply(
        original,
        at,
        subject="Please confirm that you are human",
        text="Your message is held. To have it delivered, reply to this message or follow the link: "
        "https://confirm.example/c/81d",
        more="Auto-Submitted: auto-replied\n",
    )


def stop(original: Original, at: datetime) -> bytes:
    """A person who writes instead of pressing the button; the mail program quotes what it answers."""
    link = f"https://ohm-and-volt.example/u/{original.unsubscribe_token}"
    text = f"Please take me off this list.\n\n-- \n{original.person.name}\n\n> Unsubscribe: {link}"
    return _reply(original, at, subject=f"Re: {original.field('Subject')}", text=text)


def thanks(original: Original, at: datetime) -> bytes:
    """A person who writes about what was in the mail."""
    text = f"Lovely issue, thank you! My old amplifier stopped humming.\n\n{original.person.name}"
    return _reply(original, at, subject=f"Re: {original.field('Subject')}", text=text)


def mailed_leave(original: Original, at: datetime) -> bytes:
    """What a mail program sends for its unsubscribe button, where it knows mail only (RFC 2369)."""
    link = re.search(r"<mailto:([^?>]+)\?subject=([^>]+)>", original.field("List-Unsubscribe"))
    assert link is not None, "the site of the month reads such mail"
    return _reply(original, at, subject=unquote(link[2]), text="", to=link[1])


def spam(number: int, at: datetime, to: str) -> bytes:
    """What every address gets that was ever printed."""
    return _wire(
        f"Date: {format_datetime(at)}\nFrom: Best Offers <win{number}@junk.example>\nTo: {to}\n"
        f"Subject: You have won {number} coins\nMessage-ID: <{number}@junk.example>\n\nClaim your prize today.\n"
    )


def forged(number: int, victim: str, at: datetime, to: str) -> bytes:
    """A report that somebody made up to silence a reader: no tag, no message of ours."""
    return _wire(
        f"Date: {format_datetime(at)}\nFrom: MAILER-DAEMON@forger.example\nTo: {to}\n"
        f"Subject: Undelivered Mail Returned to Sender\nMessage-ID: <f{number}@forger.example>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="f"\n\n'
        f"--f\nContent-Type: text/plain\n\n<{victim}>: 550 5.1.1 User unknown\n\n"
        "--f\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; forger.example\n\n"
        f"Final-Recipient: rfc822; {victim}\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\n\n--f--\n"
    )


def _reply(
    original: Original, at: datetime, *, subject: str, text: str, more: str = "", to: str = ""
) -> bytes:
    person = original.person
    return _wire(
        f"Date: {format_datetime(at)}\nFrom: {person.name} <{person.address}>\nTo: {to or original.return_path}\n"
        f"Subject: {subject}\nIn-Reply-To: {original.field('Message-ID')}\n"
        f"Message-ID: <{at:%d%H%M%S}.{person.number}@{person.provider.domain}>\n{more}\n{text}\n"
    )


def _wire(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


#: Who writes what; failures and delays are reports, a one-click opt-out is no mail.
WRITERS: Mapping[Sort, Callable[[Original, datetime], bytes]] = {
    Sort.COMPLAINT: complaint,
    Sort.VACATION: vacation,
    Sort.CHALLENGE: challenge,
    Sort.STOP: stop,
    Sort.THANKS: thanks,
    Sort.MAILED_LEAVE: mailed_leave,
}

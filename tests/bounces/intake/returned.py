"""What these tests look at and put into mailboxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Row, select

from mailer.bounces.intake.reading import BounceMailbox
from mailer.settings.mailbox import MailboxSettings
from mailer.store import Store
from mailer.store.schema_returns import ReturnedMail
from tests.bounces.messages import dsn, group
from tests.real.dovecot import PASSWORD, USER, Dovecot


def report(number: int) -> bytes:
    """A bounce; each number is another one. Lines end as on the wire."""
    text = dsn(group("550 5.1.1 No such user", recipient=f"reader{number}@reader.example"))
    return text.replace(b"\n", b"\r\n")


def kept(store: Store) -> Sequence[Row[Any]]:
    """Every mail that was kept, oldest first."""
    with store.read() as connection:
        return connection.execute(select(ReturnedMail.__table__).order_by(ReturnedMail.id)).all()


def account(dovecot: Dovecot, way: str = "imaps", **given: Any) -> MailboxSettings:
    """The settings of Dovecot's one account, by this way: imap, imaps, pop3 or pop3s."""
    values: dict[str, Any] = {
        "protocol": "pop3" if way.startswith("pop3") else "imap",
        "host": "127.0.0.1",
        "port": dovecot.ports[way],
        "tls": "implicit" if way.endswith("s") else "starttls",
        "username": USER,
        "password": SecretStr(PASSWORD),
        "ca_file": dovecot.ca_file,
    }
    return MailboxSettings(**values | given)


def reader(store: Store, settings: MailboxSettings) -> BounceMailbox:
    """What reads this mailbox."""
    return BounceMailbox("back", settings, store)

"""What came back, as a list: newest first, without its content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from mailer.store import Store
from mailer.store.schema_returns import ReturnedMail
from mailer.store.vocabulary import ReturnedKind, ReturnedState


@dataclass(frozen=True, slots=True)
class MailLine:
    """One mail that was kept."""

    id: int
    received_at: datetime
    source: str
    size: int  #: octets
    state: ReturnedState
    kind: ReturnedKind | None  #: None until it was read
    rule: str | None
    note: str | None
    has_content: bool  #: False once its retention is over


def list_mails(store: Store, *, state: ReturnedState | None = None, limit: int = 50) -> Sequence[MailLine]:
    """The newest, those in this state only if one is given."""
    mail = ReturnedMail
    columns = (mail.id, mail.received_at, mail.source, mail.size, mail.state, mail.kind, mail.rule, mail.note)
    query = select(*columns, mail.raw.is_not(None)).order_by(mail.id.desc()).limit(limit)
    if state is not None:
        query = query.where(mail.state == state)
    with store.read() as connection:
        return [MailLine(*row) for row in connection.execute(query)]

"""Keep the lists table in step with the settings; a list once used never leaves it (law 6)."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from mailer import clock
from mailer.errors import MailerError
from mailer.settings import Settings
from mailer.store import Store
from mailer.store.bulk import insert_or_ignore
from mailer.store.schema import MailingList


class ListUnknown(MailerError):
    """There is no list of this name."""


class ListIdChanged(MailerError):
    """A list's list_id in the settings is not the one it was created with."""


def sync_lists(store: Store, settings: Settings) -> None:
    """Add new lists, follow changed titles, mark the lists that left the settings.

    Raises ListIdChanged: readers' filters hang on the id, so it stays for the list's life
    (RFC 2919 section 3, A22); nothing is changed then.
    """
    # Every command that opens the site comes through here; most find nothing to write.
    with store.read() as connection:
        if _in_step(connection, settings):
            return
    with store.write() as connection:
        known = {row.name: row for row in connection.execute(select(MailingList.__table__))}
        for name, wanted in settings.lists.items():
            if name not in known:
                _add(connection, name, list_id=wanted.list_id, title=wanted.title)
                continue
            _refuse_new_id(name, stored=known[name].list_id, wanted=wanted.list_id)
            _follow(connection, name, title=wanted.title)
        _mark_removed(connection, kept=list(settings.lists))


def _in_step(connection: Connection, settings: Settings) -> bool:
    rows = connection.execute(select(MailingList.__table__).where(MailingList.removed_at.is_(None)))
    stored = {(row.name, row.list_id, row.title) for row in rows}
    return stored == {(name, wanted.list_id, wanted.title) for name, wanted in settings.lists.items()}


def _add(connection: Connection, name: str, *, list_id: str, title: str) -> None:
    """Add a list; another process that starts at the same time may have been quicker."""
    connection.execute(
        insert_or_ignore(connection, MailingList).values(
            name=name, list_id=list_id, title=title, created_at=clock.now()
        )
    )


def _refuse_new_id(name: str, *, stored: str, wanted: str) -> None:
    if stored != wanted:
        raise ListIdChanged(
            f'[lists.{name}] list_id is "{wanted}", but this list was created with "{stored}" and readers '
            "filter by it. Put the old value back, or give the new list another name.",
            list=name,
        )


def _follow(connection: Connection, name: str, *, title: str) -> None:
    changed = (MailingList.title != title) | MailingList.removed_at.is_not(None)
    connection.execute(
        update(MailingList).where(MailingList.name == name, changed).values(title=title, removed_at=None)
    )


def _mark_removed(connection: Connection, *, kept: list[str]) -> None:
    connection.execute(
        update(MailingList)
        .where(MailingList.name.not_in(kept), MailingList.removed_at.is_(None))
        .values(removed_at=clock.now())
    )

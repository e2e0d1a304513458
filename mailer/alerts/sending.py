"""Send what was raised, on each way apart, until it is taken or given up; survives every restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, select, update

from mailer import clock
from mailer.alerts.model import Notice, next_try
from mailer.errors import MailerError
from mailer.maillog import EventLog
from mailer.store import Store
from mailer.store.schema import AlertSending, RaisedAlert

log = EventLog("alerts")

#: While one process tries, no other does; one that dies in between is followed after this long.
_LEASE = timedelta(minutes=5)
KEPT = timedelta(days=90)


class NotTaken(MailerError):
    """The other side did not take the alert."""


#: One way to ops. Raises NotTaken.
Channel = Callable[[Notice], None]
_Found = Row[*tuple[Any, ...]]


def send_due(store: Store, channels: Mapping[str, Channel]) -> int:
    """Try everything that is due once; returns how many were taken. Raises StoreError."""
    now = clock.now()
    with store.read() as connection:
        due = connection.execute(
            select(AlertSending.alert_id, AlertSending.channel, AlertSending.send_at, AlertSending.tries)
            .where(AlertSending.send_at <= now, AlertSending.channel.in_(list(channels)))
            .order_by(AlertSending.alert_id, AlertSending.channel)
        ).all()
    return sum(_try(store, channels[found.channel], found) for found in due)


def _try(store: Store, channel: Channel, found: _Found) -> bool:
    if not _change(store, found, was=found.send_at, send_at=clock.now() + _LEASE):
        return False  # another process has it
    try:
        channel(_notice(store, found.alert_id))
    except Exception as error:  # noqa: BLE001 - one alert that cannot be made must not hold up the others
        why = str(error) if isinstance(error, NotTaken) else f"It could not be made ({type(error).__name__})."
        tries = found.tries + 1
        again = next_try(tries, clock.now())
        _change(store, found, send_at=again, tries=tries, failure=why)
        tell = log.alert_waits if again else log.alert_given_up
        tell(alert=found.alert_id, channel=found.channel, reason=why)
        return False
    _change(store, found, send_at=None, tries=found.tries + 1, sent_at=clock.now(), failure=None)
    return True


def _change(store: Store, found: _Found, *, was: datetime | None = None, **values: object) -> bool:
    statement = update(AlertSending).where(
        AlertSending.alert_id == found.alert_id, AlertSending.channel == found.channel
    )
    if was is not None:
        statement = statement.where(AlertSending.send_at == was)
    with store.write() as connection:
        return connection.execute(statement.values(**values)).rowcount == 1


def _notice(store: Store, alert_id: int) -> Notice:
    with store.read() as connection:
        row = connection.execute(select(RaisedAlert).where(RaisedAlert.id == alert_id)).one()
    return Notice(row.id, row.kind, row.subject, row.text, row.facts, row.raised_at)


def try_all(channels: Mapping[str, Channel], *, site: str) -> dict[str, str | None]:
    """Send a test on every way at once, past the queue; by name, why it was not taken, or None."""
    text = "This is a test: alerts of this site arrive here. Nothing is wrong."
    notice = Notice(0, "test", f"Alerts of {site} arrive", text, {}, clock.now())
    results: dict[str, str | None] = {}
    for name, channel in channels.items():
        try:
            channel(notice)
            results[name] = None
        except NotTaken as error:
            results[name] = str(error)
    return results


def recent(store: Store, limit: int) -> list[dict[str, Any]]:
    """The newest alerts, each with the ways on which it was sent, or waits, or was given up."""
    with store.read() as connection:
        alerts = connection.execute(select(RaisedAlert).order_by(RaisedAlert.id.desc()).limit(limit)).all()
        ids = [alert.id for alert in alerts]
        ways = connection.execute(
            select(AlertSending).where(AlertSending.alert_id.in_(ids)).order_by(AlertSending.channel)
        ).all()
    return [
        {
            "id": alert.id,
            "kind": alert.kind,
            "raised_at": alert.raised_at,
            "subject": alert.subject,
            "text": alert.text,
            "facts": alert.facts,
            "ways": [
                {"channel": way.channel, "state": _state(way), "tries": way.tries, "failure": way.failure}
                for way in ways
                if way.alert_id == alert.id
            ],
        }
        for alert in alerts
    ]


def _state(way: Row[Any]) -> str:
    if way.sent_at is not None:
        return "sent"
    return "given up" if way.send_at is None else "waits"


def forget_old(store: Store) -> int:
    """Delete alerts that are older than `KEPT`; returns how many."""
    with store.write() as connection:
        old = delete(RaisedAlert).where(RaisedAlert.raised_at < clock.now() - KEPT)
        return connection.execute(old).rowcount

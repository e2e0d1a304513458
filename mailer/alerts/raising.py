"""Write an alert down, in the transaction of what it tells of: sent later, by whoever has the time."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert

from mailer import clock
from mailer.alerts.model import Alert
from mailer.maillog import EventLog
from mailer.store import Store
from mailer.store.bulk import insert_or_ignore
from mailer.store.schema import AlertSending, RaisedAlert

log = EventLog("alerts")


class Alerts:
    """The writing end: what raises an alert needs no network."""

    def __init__(self, store: Store, channels: Sequence[str]) -> None:
        self._store = store
        self._channels = tuple(channels)

    def send(self, alert: Alert) -> bool:
        """Raise an alert in a transaction of its own; False: ops were told in this hour. Raises StoreError."""
        with self._store.write() as connection:
            return self.raise_in(connection, alert)

    def raise_in(self, connection: Connection, alert: Alert) -> bool:
        """The same, in the transaction of what it tells of."""
        now = clock.now()
        row = {
            "kind": alert.kind,
            "cause": alert.cause,
            "hour_at": alert.hour(now),
            "raised_at": now,
            "subject": alert.subject,
            "text": alert.text,
            "facts": dict(alert.facts),
        }
        statement = insert_or_ignore(connection, RaisedAlert).values(row).returning(RaisedAlert.id)
        alert_id = connection.scalar(statement)
        if alert_id is None:
            return False
        log.alert(kind=alert.kind, alert=alert_id)
        for channel in self._channels:
            connection.execute(insert(AlertSending).values(alert_id=alert_id, channel=channel, send_at=now))
        return True

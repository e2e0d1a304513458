"""Tell ops when messages that belong to nobody pile up: a forger, or a return path that lost its tag (A79)."""

from __future__ import annotations

from datetime import timedelta

from mailer import clock
from mailer.alerts import Alert, Alerts
from mailer.monitoring.queries import in_review
from mailer.store import Store

#: In an hour; fewer are everyday life.
LEAST = 20
#: Times the average of the day before.
GROWTH = 3
_HOUR, _DAY = timedelta(hours=1), timedelta(hours=24)


class Unmatched:
    """Watches how many messages that came back wait for a person."""

    def __init__(self, store: Store, alerts: Alerts) -> None:
        self._store = store
        self._alerts = alerts

    def check(self) -> bool:
        """Raise the alert if it is time; whether one was raised. Raises StoreError."""
        now = clock.now()
        with self._store.read() as connection:
            latest = in_review(connection, after=now - _HOUR, until=now)
            before = in_review(connection, after=now - _HOUR - _DAY, until=now - _HOUR)
        if not grows(latest, before):
            return False
        return self._alerts.send(_alert(latest, before / 24))


def grows(latest: int, before: int) -> bool:
    """Whether an hour's count is news beside that of the 24 hours before it."""
    return latest >= LEAST and latest * 24 >= GROWTH * before


def _alert(latest: int, usual: float) -> Alert:
    return Alert(
        kind="unmatched_grows",
        subject=f"{latest} messages came back in an hour that belong to nobody",
        text=(
            f"In the last hour {latest} messages came back that match no delivery; usual are {usual:.0f}. "
            "Nobody was suppressed for them. Look at some with `mailer bounce review`: forged bounces are "
            "dismissed; genuine ones without our tag mean that a relay rewrites the return path."
        ),
        facts={"last_hour": latest, "usual_per_hour": round(usual, 1)},
    )

"""Let go what only a clock that was set back still holds: a row nobody has tried is due at once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from mailer import clock
from mailer.store import Store
from mailer.store.among import among
from mailer.store.lookups import look_up_only
from mailer.store.schema import Campaign, Delivery
from mailer.store.vocabulary import CampaignState, DeliveryState

# Rows changed in one transaction; some 10 ms of SQLite's write lock.
SLICE = 1_000
# By so much the clocks of two hosts may differ without anybody's doing.
TOLERANCE = timedelta(seconds=5)


def make_due(store: Store) -> bool:
    """Make the queued rows of sending campaigns due now, one slice of them; whether there were any.

    They are written with the instant as it is, so a later one means that the clock was set back
    since. Those that were deferred keep their time: they come as much later.
    """
    now = clock.now()
    sending = select(Campaign.id).where(Campaign.state == CampaignState.SENDING)
    ahead = (
        select(Delivery.id)
        .where(
            Delivery.stream.in_(sending),
            Delivery.next_attempt_at > now + TOLERANCE,
            Delivery.state == DeliveryState.QUEUED,
        )
        .limit(SLICE)
    )
    with store.read() as connection:
        look_up_only(connection)
        ids = connection.scalars(ahead).all()
    if not ids:
        return False
    store.let_others_write()
    with store.write() as connection:
        look_up_only(connection)
        connection.execute(
            update(Delivery)
            .where(among(Delivery.id), Delivery.state == DeliveryState.QUEUED)
            .values(next_attempt_at=now),
            {"ids": ids},
        )
    return True

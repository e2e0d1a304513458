"""One sender process: registers itself, runs the engine until it is told to stop, leaves nothing in doubt."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

from mailer import clock
from mailer.alerts import Alerts
from mailer.campaigns.breakers import Breakers
from mailer.delivery import queries
from mailer.delivery.claim import Claims
from mailer.delivery.engine import Engine, EngineOptions
from mailer.delivery.journal import Journal
from mailer.delivery.outages import Outages
from mailer.delivery.pace import Paces
from mailer.delivery.pace.table import RELAY
from mailer.delivery.rate import RateLimit
from mailer.delivery.record import Bounced, Records
from mailer.delivery.recover import recover
from mailer.delivery.relays import Relay, Relays
from mailer.delivery.retry import RetryPolicy
from mailer.delivery.sender import Messages
from mailer.delivery.smtp import SmtpCourier
from mailer.delivery.watch import Watch
from mailer.delivery.windows import SiteWindows
from mailer.maillog import EventLog
from mailer.settings import Settings
from mailer.settings.relay import RelayInUse, ehlo_name, relays_in_use
from mailer.store import Store, StoreError

log = EventLog("delivery")

# Whose turns those of `[sending] rate` are: no relay can have this name.
SITE_TURNS = "(site)"


async def run_worker(
    store: Store,
    settings: Settings,
    *,
    messages: Messages,
    bounced: Bounced,
    journals: Path,
    stop: asyncio.Event,
    connections: Mapping[str, int] | None = None,
    sends_system: bool = True,
    breakers: Breakers | None = None,
    alerts: Alerts | None = None,
) -> None:
    """Send what is due until `stop` is set; then finish what is in flight and give the rest back.

    `connections` is this worker's share of the host's, by relay; default: all of them.
    `sends_system`: also the mail that goes first, which one worker of a host does.
    Raises StoreError when the database cannot be used at the start, LeaseLost when
    other workers have taken this one for dead.
    """
    records = Records(retry_policy(settings), bounced)
    await asyncio.to_thread(recover, store, records, journals=journals)
    journal = Journal.create(journals, sync=settings.sending.journal_sync)
    try:
        worker_id = await asyncio.to_thread(_register, store, journal.path)
    except BaseException:
        journal.close(remove=True)
        raise
    relays = relays_of(store, settings, connections=connections)
    engine = Engine(
        store,
        worker_id=worker_id,
        claims=Claims(store, worker_id),
        records=records,
        journal=journal,
        messages=messages,
        relays=relays,
        options=engine_options(settings, sends_system=sends_system),
        rate=rate_limit(store, settings),
        paced=Paces(store, settings, worker_id=worker_id),
        watch=None if breakers is None else Watch(breakers),
        outages=None if alerts is None else Outages(relays, alerts.send),
    )
    log.worker_started(worker=worker_id)
    clean = False
    try:
        clean = await engine.run(stop)
    finally:
        clean = clean and await asyncio.to_thread(_sign_off, store, worker_id)
        journal.close(remove=clean)
        log.worker_stopped(worker=worker_id, clean=clean)


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT end the work calmly."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


def retry_policy(settings: Settings) -> RetryPolicy:
    """The schedule that `[sending]` asks for (A54)."""
    sending = settings.sending
    return RetryPolicy(
        first=timedelta(minutes=sending.first_retry_minutes),
        then=timedelta(hours=sending.retry_hours),
        give_up=timedelta(hours=sending.give_up_hours),
    )


def engine_options(settings: Settings, *, sends_system: bool = True) -> EngineOptions:
    """The engine's knobs from `[sending]`."""
    sending = settings.sending
    return EngineOptions(
        sends_system=sends_system,
        batch_size=sending.batch_size,
        per_second=sending.rate.per_second,
        system_share=sending.system_share,
        stop_seconds=sending.stop_seconds,
    )


def relays_of(store: Store, settings: Settings, *, connections: Mapping[str, int] | None = None) -> Relays:
    """The relays in use, with this worker's connections to each; default: all of the host's."""
    found = relays_in_use(settings)
    return Relays(_relay(store, settings, one, connections or {}) for one in found)


def _relay(store: Store, settings: Settings, found: RelayInUse, connections: Mapping[str, int]) -> Relay:
    # Without a limit until one is found; its turns are then shared with all workers, as those of the site.
    windows = SiteWindows(store, RELAY + found.name, rate=1.0)
    return Relay(
        found.name,
        connections=connections.get(found.name, found.connections),
        new_courier=partial(SmtpCourier, found.smtp, ehlo_name=ehlo_name(settings, found.smtp)),
        weight=found.weight,
        streams=frozenset(found.streams),
        limit=RateLimit(None, system_share=settings.sending.system_share, windows=windows),
    )


def rate_limit(store: Store, settings: Settings) -> RateLimit:
    """The rate of `[sending]`, shared through the database by every worker of the site."""
    sending, rate = settings.sending, settings.sending.rate.per_second
    windows = None if rate is None else SiteWindows(store, SITE_TURNS, rate=rate)
    return RateLimit(rate, system_share=sending.system_share, windows=windows)


def _register(store: Store, journal: Path) -> int:
    with store.write() as connection:
        return queries.add_worker(
            connection, host=socket.gethostname(), pid=os.getpid(), journal=str(journal), now=clock.now()
        )


def _sign_off(store: Store, worker_id: int) -> bool:
    """Close the worker's row, if it holds no claim any more; False leaves it to recovery."""
    try:
        with store.write() as connection:
            if queries.claimed_by(connection, worker_id):
                return False
            return queries.stop_worker(connection, worker_id, now=clock.now())
    except StoreError:
        return False

"""The site's clockwork: short ticks, run by APScheduler; what is due is decided by the database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from mailer import clock
from mailer.alerts.sending import forget_old
from mailer.audit import Ledger, seal
from mailer.bounces.deciding import Deciding
from mailer.bounces.intake.forgetting import forget_old_mails
from mailer.campaigns.breakers import Breakers
from mailer.campaigns.service import Campaigns
from mailer.campaigns.stepped import make_due
from mailer.errors import MailerError
from mailer.keyring import Secrets
from mailer.maillog import EventLog
from mailer.monitoring.unmatched import Unmatched
from mailer.store import Store
from mailer.subscribers.joining import Joining
from mailer.subscribers.purge import purge_unconfirmed

log = EventLog("scheduling")

# How often at least the scheduler looks at the clock.
LOOK_SECONDS = 0.5
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Tick:
    """Something to look after every so many seconds; harmless to run twice, or on two hosts (A89)."""

    name: str
    seconds: float
    action: Callable[[], object]


class _Every(BaseTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """Fires so many seconds after it fired: what a clock set forward has skipped is not made up for."""

    def __init__(self, seconds: float) -> None:
        self.interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The library's question, asked after each run."""
        return now if previous_fire_time is None else now + self.interval


class _SteadyScheduler(BackgroundScheduler):  # type: ignore[misc]  # APScheduler ships no types
    """APScheduler, on a clock that may be stepped.

    It sleeps by the monotonic clock and then compares wall-clock times: after a step backwards
    every tick would be late by as much. A tick that is further away than its interval shows one.
    """

    def _process_jobs(self) -> float:
        now = clock.now()
        for job in self.get_jobs():
            if job.next_run_time - now > job.trigger.interval:
                job.modify(next_run_time=now)
        wait: float | None = super()._process_jobs()
        # The step may come right now: it is then noticed by the next look.
        return LOOK_SECONDS if wait is None else min(wait, LOOK_SECONDS)


class Scheduler:
    """Runs ticks in threads until stopped; one that fails is run again next time."""

    def __init__(self, ticks: Sequence[Tick], *, stopping: threading.Event | None = None) -> None:
        # A tick that takes longer than its interval is no news; APScheduler warns about each.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._stopping = stopping or threading.Event()
        self._broken: set[str] = set()
        # Coalesced and never late: after a pause a tick runs once, not once per beat it missed.
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = _SteadyScheduler(job_defaults=defaults, timezone="UTC", daemon=True)
        for tick in ticks:
            self._scheduler.add_job(partial(self._run, tick), _Every(tick.seconds), next_run_time=clock.now())

    def start(self) -> None:
        """Begin ticking."""
        self._scheduler.start()

    def stop(self) -> None:
        """Let running ticks end, begin no other."""
        self._stopping.set()
        self._scheduler.shutdown(wait=True)

    def _run(self, tick: Tick) -> None:
        if self._stopping.is_set():
            return
        try:
            tick.action()
        except Exception as error:  # noqa: BLE001 - logged with its trace; the tick is run again next time
            if tick.name not in self._broken:
                self._broken.add(tick.name)
                trace = None if isinstance(error, MailerError) else error
                reason = str(error) if trace is None else type(error).__name__
                log.tick_failed(tick=tick.name, reason=reason, trace=trace)
        else:
            if tick.name in self._broken:
                self._broken.discard(tick.name)
                log.tick_recovered(tick=tick.name)


def site_scheduler(
    store: Store,
    *,
    joining: Joining,
    campaigns: Campaigns,
    ledger: Ledger,
    secrets: Secrets,
    head_path: Path,
    breakers: Breakers,
    send_alerts: Callable[[], object],
    unmatched: Unmatched,
    deciding: Deciding,
    keep_mail_days: int,
) -> Scheduler:
    """Everything a site looks after by the clock."""
    stopping = threading.Event()
    ticks = (
        Tick("sign_ups", 0.5, joining.process_requests),
        Tick("start_campaigns", 1.0, lambda: campaigns.start_due(clock.now())),
        Tick("materialise", 0.5, lambda: materialise(campaigns, stopping)),
        Tick("stepped_clock", 5.0, lambda: in_slices(lambda: make_due(store), stopping)),
        Tick("finish_campaigns", 1.0, campaigns.finish_done),
        Tick("breakers", 30.0, breakers.check),
        Tick("alerts", 2.0, send_alerts),
        Tick("returned_mails", 2.0, lambda: deciding.process_waiting(stopping=stopping.is_set)),
        Tick("holds", 60.0, deciding.ripen),
        Tick("unmatched", 600.0, unmatched.check),
        Tick("seal", 1.0, lambda: seal(store, secrets, head_path, stopping=stopping.is_set)),
        Tick("trim_log", 1.0, store.trim_log),
        Tick("purge", _HOUR, lambda: purge_unconfirmed(store, ledger)),
        Tick("forget_mails", _HOUR, lambda: forget_old_mails(store, keep_days=keep_mail_days)),
        Tick("forget_alerts", _HOUR, lambda: forget_old(store)),
    )
    return Scheduler(ticks, stopping=stopping)


def materialise(campaigns: Campaigns, stopping: threading.Event) -> None:
    """Write the audiences of sending campaigns out, slice by slice."""
    for campaign_id in campaigns.unmaterialised():
        in_slices(partial(campaigns.materialise_slice, campaign_id), stopping)


def in_slices(action: Callable[[], bool], stopping: threading.Event) -> None:
    """Do it until it says that nothing is left."""
    while not stopping.is_set() and action():
        pass

"""What the processes of `mailer work` do: one runs the clockwork, the others send."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import uvloop

from mailer.application import Site
from mailer.cli.logs import log_to_stderr
from mailer.cli.main import Refused
from mailer.delivery.worker import stop_on_signals
from mailer.errors import MailerError
from mailer.forking import STOP_SIGNALS
from mailer.settings.relay import RelayInUse
from mailer.store import StoreBusy
from mailer.supervision import NOT_NOW

# Of a sender, each with a database connection of its own when it needs one: claims, outcomes,
# and two for what comes in between (heartbeat, turns of the rate, claims that are read again).
STORE_THREADS = 4
# Where senders take every core, an opt-out would wait for seconds behind them (`make bench`).
_NICENESS = 3
# The store's threads wait for the interpreter while they hold the write lock of SQLite; Python's
# own 5 ms let the senders wait for each other (a fifth faster with this, `make bench`).
_SWITCH_SECONDS = 0.0005
# Objects in hand before the collector looks for cycles: a message makes many and leaves none.
_COLLECT_AFTER = 20_000


def shares(relays: Sequence[RelayInUse], workers: int) -> list[dict[str, int]]:
    """How many of a host's connections each worker gets, by relay.

    Each has one to every relay with a share of the campaign mail, so there may be fewer workers. A
    relay for system mail alone is the first worker's, which is the one that sends it.
    """
    campaigns = [relay for relay in relays if "campaign" in relay.streams]
    main = [relay for relay in campaigns if relay.weight] or campaigns
    workers = min(workers, *(relay.connections for relay in main))
    return [
        {relay.name: _share(relay, number, workers if relay in campaigns else 1) for relay in relays}
        for number in range(workers)
    ]


def _share(relay: RelayInUse, number: int, workers: int) -> int:
    if number >= workers:
        return 0
    return relay.connections // workers + (number < relay.connections % workers)


def prepare(site: Site) -> None:
    """Load what every process needs and let go of what none can share, before they are forked."""
    site.scheduler()
    _ = site.messages
    site.close()  # a connection that two processes use is neither's
    gc.freeze()  # a collection in a child would touch, and so copy, every page it shares


def run_sender(
    site: Site, name: str, *, connections: Mapping[str, int], sends_system: bool, quiet: bool
) -> None:
    """Send until SIGTERM, and let the web pages go first: somebody may be waiting to leave."""
    _give_way()
    site.store.gives_way = True
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.set_threshold(_COLLECT_AFTER)
    with _speaking(site, name, quiet=quiet), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_send(site, connections=connections, sends_system=sends_system))


def _give_way() -> None:
    os.nice(_NICENESS)
    if hasattr(os, "SCHED_BATCH"):  # Linux
        # A sender wakes for each packet of replies. Scheduled as a batch job it waits until whoever runs has
        # had its time, and a machine that is full switches less often: a tenth faster (`make bench`).
        with suppress(OSError):  # a container may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


async def _send(site: Site, *, connections: Mapping[str, int], sends_system: bool) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    threads = ThreadPoolExecutor(STORE_THREADS, thread_name_prefix="store")
    asyncio.get_running_loop().set_default_executor(threads)
    await site.send(stop, connections=connections, sends_system=sends_system)


def run_clockwork(site: Site, *, quiet: bool) -> None:
    """Tick until SIGTERM."""
    # Taken, not handled: a handler may come while this thread holds a lock that the handler wants.
    # The threads of the ticks inherit the mask.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    with _speaking(site, "clockwork", quiet=quiet):
        scheduler = site.scheduler()
        scheduler.start()
        signal.sigwait(STOP_SIGNALS)
        scheduler.stop()


def run_intake(site: Site, *, quiet: bool) -> None:
    """Take in what comes back until SIGTERM."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # as for the clockwork, and for the same threads
    with _speaking(site, "intake", quiet=quiet):
        intake = site.intake()
        intake.start()
        signal.sigwait(STOP_SIGNALS)
        intake.stop()


@contextmanager
def _speaking(site: Site, name: str, *, quiet: bool) -> Iterator[None]:
    """Log under the process's name; what the product refuses becomes its sentence and exit code."""
    log_to_stderr(quiet=quiet, process=name, form=site.settings.logging.format)
    try:
        yield
    except MailerError as error:
        Refused(error).show()
        raise SystemExit(NOT_NOW if isinstance(error, StoreBusy) else error.exit_code) from error

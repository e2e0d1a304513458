"""The database away, locked or full in mid-campaign: nothing is lost, nothing is sent twice (law 2)."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from mailer import clock
from mailer.delivery import engine as engine_module
from mailer.delivery import queries
from mailer.delivery.dialogue import Dialogue
from mailer.delivery.engine import LeaseLost
from mailer.delivery.recover import recover
from mailer.store import Store, StoreFull, StoreUnreachable
from tests.delivery.world import World, until
from tests.faults.smtp_server import Rule, Script, SmtpServer


class Trouble:
    """Makes a store's transactions fail while it is on."""

    def __init__(self, store: Store, error: type[Exception]) -> None:
        self.on = False
        self.failures = 0
        for name in ("write", "read"):
            setattr(store, name, self._wrapped(getattr(store, name), error))

    def _wrapped(self, original: object, error: type[Exception]) -> object:
        @contextmanager
        def transaction(**options: float) -> Iterator[Connection]:
            if self.on:
                self.failures += 1
                raise error()
            with original(**options) as connection:  # type: ignore[operator]  # a method of Store
                yield connection

        return transaction


@pytest.mark.parametrize("error", [StoreUnreachable, StoreFull])
def test_outcomes_wait_for_a_database_that_is_away(world: World, error: type[Exception]) -> None:
    """Kept in memory and in the journal, written when it is back."""
    world.build([f"p{i:02}" for i in range(40)])
    names = sorted(world.states())
    worker_store = Store(world.store.engine)
    trouble = Trouble(worker_store, error)

    async def story() -> SmtpServer:
        server = SmtpServer(Script(delay_seconds=0.02))
        async with server.running() as port:
            seen, world.store = world.store, worker_store
            async with world.sending(port, batch_size=10):
                world.store = seen
                await until(lambda: len(server.accepted) >= 4)
                trouble.on = True
                await asyncio.sleep(1.0)
                trouble.on = False
                await world.settled(seconds=20)
        return server

    server = asyncio.run(story())
    assert trouble.failures > 0
    assert Counter(m.recipient.partition("@")[0] for m in server.accepted) == Counter(names)
    assert set(world.states().values()) == {"accepted"}
    assert {row.attempts for row in world.rows()} == {1}


def test_a_stop_while_the_database_is_away_leaves_the_journal_to_the_next_worker(small_world: World) -> None:
    """Nothing that the server accepted is forgotten."""
    world = small_world
    world.build([f"p{i:02}" for i in range(10)])
    trouble = Trouble(world.store, StoreUnreachable)

    async def story() -> SmtpServer:
        server = SmtpServer(Script(delay_seconds=0.05))
        async with server.running() as port, world.sending(port, stop_seconds=0.5):
            await until(lambda: bool(server.accepted))
            trouble.on = True
            await asyncio.sleep(0.5)
        return server

    server = asyncio.run(story())
    trouble.on = False
    found = recover(world.store, world.records, journals=world.root / "journals")
    assert found.workers == 1
    assert found.unknown == 0
    accepted = {m.recipient.partition("@")[0] for m in server.accepted}
    assert {name for name, state in world.states().items() if state == "accepted"} == accepted


def test_a_locked_database_is_waited_for(small_world: World) -> None:
    """Another process holds SQLite's write lock for seconds."""
    world = small_world
    world.build([f"p{i:02}" for i in range(20)])
    path = Path(world.store.engine.url.database or "")

    def hold(release: threading.Event) -> None:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        release.wait(5)
        other.execute("ROLLBACK")
        other.close()

    async def story() -> SmtpServer:
        server = SmtpServer(Script(delay_seconds=0.02))
        async with server.running() as port, world.sending(port, batch_size=5):
            await until(lambda: len(server.accepted) >= 3)
            release = threading.Event()
            holder = threading.Thread(target=hold, args=(release,))
            holder.start()
            await asyncio.sleep(1.0)
            release.set()
            await asyncio.to_thread(holder.join)
            await world.settled(seconds=20)
        return server

    assert len(asyncio.run(story()).accepted) == 20
    assert set(world.states().values()) == {"accepted"}


def test_a_full_disk_is_waited_for(small_world: World) -> None:
    """SQLite at its page limit, as on a full disk: sending goes on once there is room."""
    world = small_world
    world.build([f"p{i:02}" for i in range(60)])

    most: dict[str, int] = {}

    def limit(pages: int) -> None:
        # The pragma belongs to a connection: every one of the pool is opened anew and gets it.
        most["pages"] = pages
        world.store.engine.dispose()

    @event.listens_for(world.store.engine, "connect")
    def apply(connection: sqlite3.Connection, _record: object) -> None:
        if most:
            connection.execute(f"PRAGMA max_page_count = {most['pages']}")

    reply = "250 2.0.0 " + "x" * 480

    async def story() -> SmtpServer:
        server = SmtpServer(Script([Rule("dot", reply)], delay_seconds=0.0))
        async with server.running() as port:
            with world.store.read() as connection:
                used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            limit(used)
            async with world.sending(port, batch_size=100):
                await until(lambda: len(server.accepted) == 60, seconds=20)
                await asyncio.sleep(0.5)
                stuck = world.counts().get("attempting", 0)
                limit(10 * used)
                await world.settled(seconds=20)
        assert stuck > 0
        return server

    assert len(asyncio.run(story()).accepted) == 60
    assert set(world.states().values()) == {"accepted"}


def test_a_worker_without_a_lease_lets_nothing_out(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could not say that it lives for longer than a lease: others may have taken its claims."""
    small_world.build(["a", "b"])
    monkeypatch.setattr(engine_module, "LEASE_SECONDS", -1.0)

    async def story() -> SmtpServer:
        server = SmtpServer()
        async with server.running() as port, small_world.sending(port):
            await asyncio.sleep(0.7)
        return server

    assert asyncio.run(story()).accepted == []
    assert set(small_world.states().values()) == {"queued"}


def test_a_worker_whose_claims_were_taken_stops_with_a_sentence(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_world.build(["a"])
    monkeypatch.setattr(engine_module, "BEAT_SECONDS", 0.05)

    async def story() -> None:
        async with SmtpServer().running() as port:
            engine, journal = small_world.engine(port)
            running = asyncio.create_task(engine.run(asyncio.Event()))
            await asyncio.sleep(0.2)
            with small_world.store.write() as connection:
                queries.stop_worker(connection, 1, now=clock.now())
            with pytest.raises(LeaseLost, match="took this one's claims"):
                await asyncio.wait_for(running, 10)
            journal.close(remove=False)

    asyncio.run(story())


def test_a_fault_of_our_own_ends_the_worker_instead_of_leaving_messages_hanging(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one is started in its place; what was on the wire is in the journal."""
    small_world.build(["a", "b", "c"])

    def stumble(_dialogue: Dialogue, _transaction: object, _reply: object) -> None:
        raise RuntimeError("stumbled")

    monkeypatch.setattr(Dialogue, "_answered", stumble)

    async def story() -> None:
        async with SmtpServer().running() as port:
            engine, journal = small_world.engine(port, connections=1)
            with pytest.raises(RuntimeError, match="stumbled"):
                await asyncio.wait_for(engine.run(asyncio.Event()), 10)
            journal.close(remove=False)

    asyncio.run(story())
    recover(small_world.store, small_world.records, journals=small_world.root / "journals")
    assert sorted(small_world.states().values()) == ["queued", "queued", "unknown"]

"""Sealing what an import of many people has left: in slices, with a way in between, to the end or until stopped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from mailer.audit import Entry, Ledger, seal, verify
from mailer.audit.seal import SLICE_ROWS, pending
from mailer.keyring import Secrets
from mailer.store import Store
from mailer.store.schema import LedgerEntry, Seal
from mailer.store.vocabulary import Stream

BACKLOG = 5 * SLICE_ROWS


@pytest.fixture
def head(tmp_path: Path) -> Path:
    return tmp_path / "ledger.head"


@pytest.fixture
def backlog(store: Store, ledger: Ledger) -> None:
    append(store, ledger, BACKLOG)


def append(store: Store, ledger: Ledger, count: int) -> None:
    entries = [Entry(Stream.CONSENT, "imported", {"line": line}, b"a" * 32) for line in range(count)]
    with store.write() as connection:
        ledger.append_many(connection, entries)


def unsealed(store: Store) -> int:
    with store.read() as connection:
        query = select(func.count()).select_from(LedgerEntry).where(LedgerEntry.seal_id.is_(None))
        return connection.execute(query).scalar_one()


@pytest.mark.rule("C4")
def test_a_backlog_is_sealed_in_several_links_that_verify(
    store: Store, secrets: Secrets, head: Path, backlog: None
) -> None:
    assert seal(store, secrets, head) == BACKLOG
    assert unsealed(store) == 0
    verdict = verify(store, secrets, head)
    assert (verdict.rows, verdict.findings) == (BACKLOG, ())
    assert verdict.seals > 1


@pytest.mark.rule("C4")
def test_who_stops_waits_for_one_slice_and_the_rest_is_sealed_next_time(
    store: Store, secrets: Secrets, head: Path, backlog: None
) -> None:
    answers = chain([False, True], repeat(True))
    first = seal(store, secrets, head, slice_rows=700, stopping=lambda: next(answers))
    assert first == 1400
    assert verify(store, secrets, head).findings == ()
    assert seal(store, secrets, head) == BACKLOG - first
    assert verify(store, secrets, head).findings == ()


def test_slices_shrink_where_they_hold_the_lock_for_long(
    store: Store, secrets: Secrets, head: Path, backlog: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(10**9))
    monkeypatch.setattr("mailer.clock.monotonic", lambda: next(ticks) * 0.5)
    seal(store, secrets, head)
    with store.read() as connection:
        ends = [int(ids.rpartition("-")[2]) for ids in connection.scalars(select(Seal.ids).order_by(Seal.id))]
    sizes = [later - earlier for earlier, later in zip([0, *ends], ends, strict=False)]
    assert sizes[0] == SLICE_ROWS
    assert sizes[:-1] == sorted(sizes[:-1], reverse=True)
    assert min(sizes[:-1]) < SLICE_ROWS / 4


@pytest.mark.rule("F2")
def test_others_write_between_two_slices(
    store: Store, secrets: Secrets, head: Path, ledger: Ledger, backlog: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first slice somebody else wants the lock: it is theirs before the backlog is sealed."""
    left: list[int] = []
    write, slices = Store.write, []

    def someone() -> None:
        append(store, ledger, 1)
        left.append(unsealed(store))

    other = threading.Thread(target=someone)

    @contextmanager
    def watched(self: Store, **options: Any) -> Iterator[Connection]:
        with write(self, **options) as connection:
            yield connection
        slices.append(True)
        if len(slices) == 1:
            other.start()

    monkeypatch.setattr(Store, "write", watched)
    seal(store, secrets, head, slice_rows=50)
    other.join()
    assert left[0] > 1
    seal(store, secrets, head)
    assert verify(store, secrets, head).findings == ()


@pytest.mark.rule("C4")
@pytest.mark.real
def test_a_row_that_is_committed_between_two_others_joins_a_later_seal(
    postgresql_store: Store, secrets: Secrets, head: Path, ledger: Ledger
) -> None:
    """Its id is lower than those that are sealed; a seal over a range of ids would claim it unread."""
    store = postgresql_store
    with store.write() as slow:
        ledger.append(slow, stream=Stream.AUDIT, event="slow", payload={})
        append(store, ledger, 3)
        assert seal(store, secrets, head) == 3
    with store.read() as connection:
        assert pending(connection)
    assert seal(store, secrets, head) == 1
    assert verify(store, secrets, head).findings == ()

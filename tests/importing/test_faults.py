"""An import that is stopped loses nothing, doubles nothing, and lets an opt-out through (D18, law 3)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, insert

from mailer import clock
from mailer.addresses import parse_address
from mailer.audit import Ledger
from mailer.store import StoreFull
from mailer.store.schema import Subscriber, Subscription, Suppression
from mailer.store.vocabulary import SuppressionReason
from mailer.subscribers.importing import ImportInterrupted
from mailer.subscribers.importing.slices import SliceWriter
from mailer.subscribers.suppressions import Suppressions

if TYPE_CHECKING:
    from tests.importing.conftest import MakeFile, Office


def people(count: int) -> str:
    return "email,first_name\n" + "".join(f"p{number}@shop.example,P{number}\n" for number in range(count))


def fail_at(monkeypatch: pytest.MonkeyPatch, slices: int, error: BaseException) -> None:
    """Let so many slices through, then fail in the middle of one."""
    record, seen = SliceWriter._record, []

    def recorded(self: SliceWriter, *arguments: Any) -> None:
        seen.append(True)
        if len(seen) > slices:
            raise error
        record(self, *arguments)

    monkeypatch.setattr(SliceWriter, "_record", recorded)


@pytest.mark.rule("D18")
@pytest.mark.parametrize("error", [StoreFull(), KeyboardInterrupt()])
def test_a_stopped_import_keeps_whole_slices_and_is_continued_by_running_it_again(
    office: Office, make_file: MakeFile, error: BaseException
) -> None:
    path = make_file(people(5000))  # more than two slices, however much they grow
    with pytest.MonkeyPatch.context() as monkeypatch:
        fail_at(monkeypatch, 2, error)
        with pytest.raises((ImportInterrupted, KeyboardInterrupt)):
            office.run(path)
    entered = office.count(Subscriber)
    assert 0 < entered < 5000
    assert office.count(Subscription) == len(office.ledger("imported")) == entered
    (event,) = office.ledger("import")
    assert json.loads(event.payload)["finished"] is False
    report = office.run(path)
    assert report.counts == {"confirmed": 5000 - entered, "already.confirmed": entered}
    assert office.count(Subscription) == len(office.ledger("imported")) == 5000


@pytest.mark.rule("D18")
def test_the_sentence_says_how_far_it_came_and_what_to_do(office: Office, make_file: MakeFile) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        fail_at(monkeypatch, 1, StoreFull())
        with pytest.raises(ImportInterrupted, match="after 200 rows: .* run the same command again"):
            office.run(make_file(people(900)))


@pytest.mark.rule("D18")
@pytest.mark.real
def test_a_sign_up_between_look_up_and_insert_is_met_by_trying_again(
    postgresql_office: Office, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two transactions can want the same new person, except on SQLite; the import looks again."""
    office = postgresql_office
    judge = SliceWriter.judge
    done: list[bool] = []

    def judge_then_lose(self: SliceWriter, connection: Connection, rows: Sequence[Any]) -> Any:
        written = judge(self, connection, rows)
        if not done:
            done.append(True)
            with office.store.write() as other:
                other.execute(insert(Subscriber).values(**person(office, "P0@shop.example")))
        return written

    monkeypatch.setattr(SliceWriter, "judge", judge_then_lose)
    report = office.run(make_file(people(3)))
    assert report.counts == {"confirmed": 3}
    assert office.count(Subscriber) == 3
    row = office.subscription("p0@shop.example")
    assert row is not None
    assert row.email == "P0@shop.example"


@pytest.mark.rule("F2")
def test_an_opt_out_gets_in_between_the_slices(sqlite_office: Office, make_file: MakeFile) -> None:
    path = make_file(people(6000))
    suppressions = Suppressions(
        sqlite_office.store,
        sqlite_office.imports.settings,
        sqlite_office.secrets,
        Ledger(sqlite_office.secrets),
    )
    importing = threading.Thread(target=sqlite_office.run, args=(path,))
    importing.start()
    number = 0
    while importing.is_alive():
        suppressions.add(parse_address(f"p{number}@shop.example"), SuppressionReason.UNSUBSCRIBED)
        number += 1
        time.sleep(0.02)
    importing.join()
    assert number > 3, "opt-outs waited for the whole import"
    assert sqlite_office.count(Suppression) == number


@pytest.mark.rule("D18")
def test_slices_shrink_on_a_slow_database_and_grow_on_a_fast_one(
    sqlite_office: Office, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    write = SliceWriter.write
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    ticks = iter(range(10**9))
    # Each slice appears to take 2 s, whatever its size.
    monkeypatch.setattr(clock, "monotonic", lambda: next(ticks) * 2.0)

    def measured(self: SliceWriter, connection: Connection, rows: Sequence[Any]) -> Any:
        sizes.append(len(rows))
        return write(self, connection, rows)

    monkeypatch.setattr(SliceWriter, "write", measured)
    sqlite_office.run(make_file(people(900)))
    assert sizes[0] == 200
    assert sizes[1] < 200
    assert min(sizes[:-1]) >= 50
    assert sizes[2:-1] == sorted(sizes[2:-1], reverse=True)


def person(office: Office, email: str) -> dict[str, Any]:
    """A row of somebody who has just signed up."""
    address = parse_address(email)
    return {
        "email": str(address),
        "email_key": address.key,
        "email_hash": office.hash(email),
        "domain": address.domain,
        "language": "en",
        "fields": {},
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }

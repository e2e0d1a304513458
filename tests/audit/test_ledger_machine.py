"""The ledger against any order of events: who writes, seals and erases is never accused, who tampers is named."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from mailer.audit import Entry, Ledger, seal, verify
from mailer.audit.head import read_head
from mailer.audit.ledger import erase_payloads
from mailer.keyring import Secrets, TokenKey
from mailer.store import migrate, open_store
from mailer.store.vocabulary import Stream

KEYS = Secrets((TokenKey("k1", os.urandom(32), date(2026, 1, 1)),), os.urandom(32), os.urandom(32))
EVENTS = st.sampled_from(["requested", "confirmed", "unsubscribed", "schedule"])
PAYLOADS = st.dictionaries(st.text(max_size=5), st.text(max_size=10) | st.integers(0, 99), max_size=3).map(
    lambda given: {name.encode("utf-8", "replace").decode(): str(value) for name, value in given.items()}
)
SUBJECTS = st.none() | st.binary(min_size=32, max_size=32)
#: Each leaves the row where it is and changes what it says.
CHANGES = [
    "event = event || 'x'",
    "at = '2001-01-01 00:00:00.000000'",
    "payload = payload || ' '",
    "salt = x'00'",
]


class LedgerMachine(RuleBasedStateMachine):
    """Appends, seals, erasures, and now and then a hand that should not be there."""

    rows: Bundle[int] = Bundle("rows")

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        root = Path(self._folder.name)
        self.store = open_store("sqlite:///ledger.db", root=root)
        migrate.upgrade(self.store)
        with closing(sqlite3.connect(root / "ledger.db")) as connection:
            for table in ("ledger", "seals"):
                for verb in ("update", "delete"):
                    connection.execute(f"DROP TRIGGER {table}_{verb}")
        self.database, self.head = root / "ledger.db", root / "ledger.head"
        self.ledger = Ledger(KEYS)
        self.known: set[int] = set()
        self.sealed: set[int] = set()
        self.erased: set[int] = set()
        self.altered: set[int] = set()
        self.missing: set[int] = set()

    def teardown(self) -> None:
        self.store.dispose()
        self._folder.cleanup()

    @rule(target=rows, event=EVENTS, payload=PAYLOADS, subject=SUBJECTS)
    def append(self, event: str, payload: dict[str, str], subject: bytes | None) -> int:
        with self.store.write() as connection:
            number = self.ledger.append(
                connection, stream=Stream.CONSENT, event=event, payload=payload, subject=subject
            )
        assert number not in self.known, "an id is never given twice"
        self.known.add(number)
        return number

    @rule(count=st.integers(2, 5))
    def append_several(self, count: int) -> None:
        with self.store.write() as connection:
            ids = self.ledger.append_many(
                connection, [Entry(Stream.AUDIT, "export", {"n": n}) for n in range(count)]
            )
        self.known.update(ids)

    @rule()
    def roll_back(self) -> None:
        try:
            with self.store.write() as connection:
                self.ledger.append(connection, stream=Stream.AUDIT, event="import", payload={})
                raise InterruptedError
        except InterruptedError:
            return

    @rule(slice_rows=st.integers(1, 4))
    def seal(self, slice_rows: int) -> None:
        waiting = self.known - self.sealed - self.missing
        assert seal(self.store, KEYS, self.head, slice_rows=slice_rows) == len(waiting)
        self.sealed |= waiting

    @precondition(lambda self: not (self.altered or self.missing))
    @rule(number=rows)
    def erase(self, number: int) -> None:
        with self.store.write() as connection:
            assert erase_payloads(connection, [number]) == 1
        self.erased.add(number)

    @precondition(lambda self: len(self.altered) < 2)
    @rule(number=rows, change=st.sampled_from(CHANGES))
    def alter(self, number: int, change: str) -> None:
        gone = number in self.erased or number in self.missing
        if (
            number in self.altered
            or (gone and change.startswith(("payload", "salt")))
            or number in self.missing
        ):
            return
        self._tamper(f"UPDATE ledger SET {change} WHERE id = {number}")
        self.altered.add(number)

    @precondition(lambda self: not self.missing)
    @rule(number=rows)
    def remove(self, number: int) -> None:
        if number in self.sealed and number not in self.altered:
            self._tamper(f"DELETE FROM ledger WHERE id = {number}")
            self.missing.add(number)

    @invariant()
    def exactly_the_tampered_rows_are_named(self) -> None:
        verdict = verify(self.store, KEYS, self.head)
        named = sorted(finding.row for finding in verdict.findings if finding.row is not None)
        assert named == sorted(self.altered | self.missing)
        assert [finding for finding in verdict.findings if finding.row is None] == []
        assert verdict.rows == len(self.known) - len(self.missing)

    @invariant()
    def the_head_is_the_newest_seal(self) -> None:
        head = read_head(self.head)
        with self.store.read() as connection:
            newest = connection.exec_driver_sql("SELECT id, hash FROM seals ORDER BY id DESC LIMIT 1").first()
        assert (head and (head.seal, head.hash)) == (newest and tuple(newest))

    def _tamper(self, statement: str) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            assert connection.execute(statement).rowcount == 1


TestLedgerMachine = pytest.mark.rule("C4", "C20", "D27")(LedgerMachine.TestCase)
TestLedgerMachine.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)

"""The journal: what was written is read back, a torn end is not believed, a live one is not taken."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer import clock
from mailer.delivery import journal as journal_module
from mailer.delivery.courier import BodyWithheld
from mailer.delivery.journal import Journal, _decode, _encode, held, read_journal
from mailer.delivery.model import Attempt, Outcome, OutcomeKind
from tests.delivery.world import intended

YES = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "2.0.0 ok")


def attempt(delivery: int, number: int = 1, outcome: Outcome | None = None) -> Attempt:
    """One attempt at one delivery."""
    return Attempt(delivery, number, f"{delivery}@shop.example", bytes(32), clock.now(), outcome)


async def write(path: Path, *attempts: Attempt) -> Journal:
    """A journal with these records."""
    journal = Journal.create(path)
    for one in attempts:
        if one.outcome is None:
            await intended(journal, one)
        else:
            journal.note(one)
    journal.flush()
    return journal


def test_intents_and_outcomes_are_read_back(tmp_path: Path) -> None:
    """Law 2: the last word on each delivery."""
    first, second = attempt(1), attempt(2)
    done = first._replace(outcome=YES)

    async def story() -> Journal:
        return await write(tmp_path, first, second, done)

    journal = asyncio.run(story())
    assert read_journal(journal.path) == {1: done, 2: second}


def test_the_intent_is_on_disk_before_it_is_believed(tmp_path: Path) -> None:
    async def story() -> None:
        journal = Journal.create(tmp_path)
        await intended(journal, attempt(7))
        assert read_journal(journal.path)[7].outcome is None

    asyncio.run(story())


def test_intents_of_one_turn_are_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[bytes] = []
    real = os.write

    def spy(file: int, data: bytes) -> int:
        writes.append(data)
        return real(file, data)

    async def story() -> None:
        journal = Journal.create(tmp_path)
        monkeypatch.setattr(journal_module.os, "write", spy)
        await asyncio.gather(*(intended(journal, attempt(n)) for n in range(50)))
        monkeypatch.undo()

    asyncio.run(story())
    assert [data.count(b"\n") for data in writes if b"shop.example" in data] == [50]


@given(cut=st.integers(0, 200))
def test_a_torn_last_line_is_not_believed(cut: int) -> None:
    """A record is whole or it says nothing."""
    line = _encode(attempt(3, outcome=YES), told=False)
    whole = _decode(line, {})
    assert _decode(line[:cut], {}) in (None, whole)
    assert _decode(line[: min(cut, len(line) - 3)], {}) is None


@given(
    reply=st.text(max_size=200),
    code=st.none() | st.integers(0, 999),
    status=st.none() | st.text(max_size=9),
    kind=st.sampled_from(OutcomeKind),
    suppress=st.booleans(),
)
def test_every_outcome_survives_the_journal(
    reply: str, code: int | None, status: str | None, kind: OutcomeKind, suppress: bool
) -> None:
    record = attempt(3, 2, Outcome(kind, code, status, reply, suppress))
    intent = record._replace(outcome=None)
    for told in (False, True):
        line = _encode(record, told=told)
        assert line.count(b"\n") == 1
        assert _decode(line, {3: intent}) == record


def test_an_outcome_without_its_intent_says_nothing_unless_it_is_whole() -> None:
    """The intent could not be written, so nothing left: the delivery goes back."""
    line = _encode(attempt(3, 2, YES), told=True)
    assert _decode(line, {}) is None
    assert _decode(line, {3: attempt(3, 1)}) is None


@given(junk=st.binary(max_size=100))
def test_junk_says_nothing(junk: bytes) -> None:
    found = _decode(junk, {})
    assert found is None


def test_a_live_journal_cannot_be_taken_over(tmp_path: Path) -> None:
    async def story() -> Journal:
        return await write(tmp_path, attempt(1))

    journal = asyncio.run(story())
    with held(journal.path) as dead:
        assert not dead
    journal.close(remove=False)
    with held(journal.path) as dead:
        assert dead
    with held(tmp_path / "nowhere") as dead:
        assert not dead


def test_a_disk_that_is_full_withholds_the_body(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No intent, no message; a torn line is taken back, the next one is whole again."""

    async def story() -> dict[int, Attempt]:
        journal = Journal.create(tmp_path)
        await intended(journal, attempt(1))

        def full(file: int, data: bytes) -> int:
            if len(data) > 20:
                return real(file, data[:20])
            raise OSError(28, "No space left on device")

        real = os.write
        monkeypatch.setattr(journal_module.os, "write", lambda file, data: full(file, data[:21]))
        with pytest.raises(BodyWithheld, match="No space left"):
            await intended(journal, attempt(2))
        monkeypatch.undo()
        journal.note(attempt(1, outcome=YES))
        journal.flush()
        return read_journal(journal.path)

    found = asyncio.run(story())
    assert set(found) == {1}
    assert found[1].outcome == YES


def test_an_outcome_that_could_not_be_written_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    async def story() -> dict[int, Attempt]:
        journal = Journal.create(tmp_path)
        monkeypatch.setattr(journal_module.os, "write", refuse)
        journal.note(attempt(1, outcome=YES))
        journal.flush()
        monkeypatch.undo()
        journal.flush()
        return read_journal(journal.path)

    assert asyncio.run(story())[1].outcome == YES


def test_segments_whose_outcomes_are_recorded_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal does not grow with the campaign; nothing unrecorded is ever dropped."""
    monkeypatch.setattr(journal_module, "SEGMENT_BYTES", 500)

    async def story() -> None:
        journal = Journal.create(tmp_path)
        for number in range(100):
            await intended(journal, attempt(number))
            journal.note(attempt(number, outcome=YES))
            journal.flush()
            if number >= 10:
                journal.recorded([number - 10])
            kept = read_journal(journal.path)
            assert set(range(max(0, number - 9), number + 1)) <= set(kept)
        assert len(list(journal.path.glob("*.jsonl"))) <= 15
        journal.close(remove=True)
        assert not journal.path.exists()

    asyncio.run(story())

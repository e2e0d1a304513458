"""The order of rows and files decides nothing about who is mailed; a no always wins (B20)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from mailer.store.schema import Subscriber, Subscription, Suppression
from mailer.store.vocabulary import ALL_LISTS

if TYPE_CHECKING:
    from tests.importing.conftest import MakeFile, Office

PEOPLE = ("ada", "Bob", "cleo", "dan")
#: What a sheet may say of one person, in words of its status column; one yes and several noes.
SAID = ("active", "unsubscribed", "cleaned", "complained", "blocked", "disabled")
NOES = frozenset(SAID[1:])

Rows = Sequence[tuple[str, str, str]]

fresh_each_time = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
rows = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.sampled_from(SAID), st.sampled_from(("", "2020-01-01"))),
    min_size=1,
    max_size=12,
)


def written(folder: Path, said: Rows, name: str = "people.csv") -> Path:
    """A sheet of these rows; the third word is when somebody left, if the sheet knows."""
    lines = [f"{who}@shop.example,{word},{since if word in NOES else ''}" for who, word, since in said]
    path = folder / name
    path.write_text("email,status,left at\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def end_state(office: Office) -> dict[str, tuple[bool, frozenset[tuple[str, bool]]]]:
    """Of each person: whether the next campaign reaches them, and every no that holds, the widest only."""
    found = {}
    for who in PEOPLE:
        held = office.suppressions(f"{who}@shop.example")
        widest = {
            (reason, scope == ALL_LISTS)
            for reason, scope in held
            if scope == ALL_LISTS or (reason, ALL_LISTS) not in held
        }
        confirmed = office.state(f"{who}@shop.example") == "confirmed"
        found[who] = (confirmed and not held, frozenset(widest))
    return found


def emptied(office: Office) -> Office:
    """The same office with nobody in it."""
    with office.store.write() as connection:
        for table in (Subscription, Subscriber, Suppression):
            connection.execute(delete(table))
    return office


@pytest.mark.rule("B20", "F1")
@fresh_each_time
@given(rows=rows, again=st.randoms(use_true_random=False))
def test_shuffled_and_doubled_rows_end_in_the_same_state(
    sqlite_office: Office, rows: Rows, again: Random
) -> None:
    shuffled = [*rows, *rows]
    again.shuffle(shuffled)
    with TemporaryDirectory() as folder:
        emptied(sqlite_office).run(written(Path(folder), rows))
        first = end_state(sqlite_office)
        emptied(sqlite_office).run(written(Path(folder), shuffled))
    assert end_state(sqlite_office) == first


@pytest.mark.rule("B20", "F1")
@fresh_each_time
@given(rows=rows)
def test_who_has_any_no_in_a_file_is_not_mailed_and_everybody_else_is(
    sqlite_office: Office, rows: Rows
) -> None:
    with TemporaryDirectory() as folder:
        emptied(sqlite_office).run(written(Path(folder), rows))
    said = {who: {word for name, word, _ in rows if name == who} for who in PEOPLE}
    reached = {who for who, (reached, _) in end_state(sqlite_office).items() if reached}
    assert reached == {who for who, words in said.items() if words == {"active"}}


@pytest.mark.rule("B20")
@fresh_each_time
@given(first=rows, second=rows)
def test_a_later_file_reactivates_nobody(sqlite_office: Office, first: Rows, second: Rows) -> None:
    with TemporaryDirectory() as folder:
        emptied(sqlite_office).run(written(Path(folder), first))
        before = end_state(sqlite_office)
        sqlite_office.run(written(Path(folder), second))
    after = end_state(sqlite_office)
    for who, (_, noes) in before.items():
        assert noes <= after[who][1] or {reason for reason, _ in noes} <= {r for r, _ in after[who][1]}
        assert not (noes and after[who][0]), "somebody who had said no is reached again"


@pytest.mark.rule("B20")
@fresh_each_time
@given(first=rows, second=rows)
def test_two_files_end_the_same_in_either_order(sqlite_office: Office, first: Rows, second: Rows) -> None:
    ends = []
    with TemporaryDirectory() as folder:
        for pair in ((first, second), (second, first)):
            emptied(sqlite_office)
            for each in pair:
                sqlite_office.run(written(Path(folder), each))
            ends.append(end_state(sqlite_office))
    assert ends[0] == ends[1]


@fresh_each_time
@given(rows=rows)
def test_a_second_run_of_any_file_changes_nothing(sqlite_office: Office, rows: Rows) -> None:
    with TemporaryDirectory() as folder:
        path = written(Path(folder), rows)
        emptied(sqlite_office).run(path)
        before = sqlite_office.everything()
        sqlite_office.run(path)
    assert sqlite_office.everything() == before


@fresh_each_time
@given(rows=rows)
def test_a_dry_run_of_a_file_without_repetitions_counts_what_the_run_counts(
    sqlite_office: Office, rows: Rows
) -> None:
    unique = list({who: (who, word, since) for who, word, since in rows}.values())
    with TemporaryDirectory() as folder:
        path = written(Path(folder), unique)
        dry = emptied(sqlite_office).run(path, dry_run=True)
        assert dry.counts == sqlite_office.run(path).counts


@pytest.mark.rule("B20", "F1")
def test_a_blanket_date_of_consent_does_not_outweigh_somebody_s_own_earlier_no(
    office: Office, make_file: MakeFile
) -> None:
    """The declared date is the operator's word about a whole file; only a confirmation here is the person's."""
    office.run(make_file("email\nada@shop.example\n"))
    report = office.run(make_file("email,left at\nada@shop.example,2020-01-01\n"))
    assert report.counts == {"suppressed.unsubscribed": 1}
    assert office.state("ada@shop.example") == "unsubscribed"

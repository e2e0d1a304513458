"""What follows from a log: "never arrived" is said only where nothing else can be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.settling.traces import Trace
from mailer.delivery.settling.verdicts import Case, Doubtful, Finding, Limits, Witness, judge
from tests.delivery.settling.logs import START

AT = START + timedelta(hours=1)
RELAY = "mx.shop.example:25"


def witness(number: int, *, minutes: float = 0, seen: bool = True, late: float = 0) -> Witness:
    """A message taken so many minutes after the attempt; its line in the log so many minutes late."""
    at = AT + timedelta(minutes=minutes)
    return Witness(number, at, at + timedelta(minutes=late) if seen else None)


#: Everything that must hold before silence means anything does.
SILENT = Case(
    Doubtful(17, 1, AT, RELAY),
    Trace(),
    [(START, START + timedelta(hours=2))],
    [witness(15, minutes=-1), witness(16), witness(18, minutes=1)],
)


def test_a_message_in_the_queue_was_accepted_whatever_else_is_missing() -> None:
    found = judge(Case(Doubtful(17, 3, AT, None), Trace("4F00", AT), [], []))
    assert (found.delivery_id, found.attempts, found.finding) == (17, 3, Finding.ACCEPTED)
    assert found.words == "The relay's log has it in the queue as 4F00 at 2026-11-22 09:00 UTC."


def test_a_message_cut_off_inside_never_arrived() -> None:
    found = judge(Case(Doubtful(17, 1, AT, None), Trace(arrived={"4F00"}, cut={"4F00"}), [], []))
    assert found.finding is Finding.ABSENT
    assert found.words == "The relay's log has its connection cut inside the message (4F00)."


def test_a_cut_of_an_older_attempt_says_nothing_of_a_newer_one() -> None:
    trace = Trace(arrived={"4F00"}, cut={"4F00"})
    second = Doubtful(17, 2, AT, RELAY)
    assert judge(replace(SILENT, doubtful=second, trace=trace)).finding is Finding.ABSENT
    assert judge(replace(SILENT, doubtful=second, trace=trace, spans=[])).finding is Finding.DOUBT


def test_a_message_that_reached_the_relay_and_no_queue_stays_in_doubt() -> None:
    """The active queue may be full, or a filter slow: it may still be taken."""
    trace = Trace(arrived={"4F00", "4F01"}, cut={"4F00"})
    found = judge(replace(SILENT, trace=trace))
    assert found.finding is Finding.DOUBT and "reached the relay as 4F01" in found.words


def test_silence_of_a_whole_log_means_that_it_never_arrived() -> None:
    found = judge(SILENT)
    assert found.finding is Finding.ABSENT
    assert found.words == "The relay's log covers the time of the attempt and does not name it."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"doubtful": Doubtful(17, 1, AT, None)}, "It is not known which relay it went to"),
        ({"relay": "other.example:25"}, "It went to mx.shop.example:25: give the log of that relay."),
        ({"spans": [(AT, AT + timedelta(hours=9))]}, "must reach from 2026-11-22 08:45 to 2026-11-22 09:30"),
        ({"spans": [(START, AT)]}, "it has 2026-11-22 08:00 to 2026-11-22 09:00."),
        ({"spans": [(START, AT), (AT + timedelta(minutes=9), AT + timedelta(hours=2))]}, "without a hole"),
        ({"spans": []}, "without a hole"),
        (
            {"witnesses": [*SILENT.witnesses, witness(19, minutes=2, seen=False)]},
            "does not name delivery 19, which the relay took at 2026-11-22 09:02",
        ),
        ({"witnesses": SILENT.witnesses[:2]}, "names 2 of the messages that this relay is known to have"),
        ({"witnesses": []}, "names no message that this relay is known to have taken"),
        ({"witnesses": [], "relay": RELAY}, "names no message that this relay is known to have taken"),
        (
            {"witnesses": [witness(15, late=60), *SILENT.witnesses]},
            "has delivery 15 60 minutes after it was sent: name the log's time zone",
        ),
        ({"witnesses": [witness(15, late=-120), *SILENT.witnesses]}, "120 minutes before it was sent"),
    ],
)
def test_each_doubt_says_what_would_end_it(change: dict[str, object], words: str) -> None:
    found = judge(replace(SILENT, **change))  # type: ignore[arg-type]  # the table holds values of all fields
    assert found.finding is Finding.DOUBT
    assert words in found.words


def test_an_operator_who_names_the_relay_needs_one_witness_only() -> None:
    case = replace(SILENT, doubtful=Doubtful(17, 1, AT, None), relay=RELAY, witnesses=[witness(16)])
    assert judge(case).finding is Finding.ABSENT


def test_a_witness_from_beyond_the_ends_of_the_log_need_not_be_in_it() -> None:
    far = witness(19, minutes=600, seen=False)
    assert judge(replace(SILENT, witnesses=[*SILENT.witnesses, far])).finding is Finding.ABSENT


minutes = st.integers(-90, 180).map(lambda number: timedelta(minutes=number))


@given(
    spans=st.lists(
        st.tuples(minutes, minutes).map(lambda pair: (AT + min(pair), AT + max(pair))), max_size=3
    ),
    seen=st.lists(st.tuples(st.integers(-200, 200), st.booleans(), st.integers(-30, 30)), max_size=6),
    relay=st.sampled_from([None, RELAY, "other.example:25"]),
    went_to=st.sampled_from([None, RELAY]),
    arrived=st.sets(st.sampled_from("ab")),
    cut=st.sets(st.sampled_from("ab")),
    attempts=st.integers(1, 3),
)
def test_nothing_is_called_absent_that_the_log_could_have_missed(
    spans: list[tuple[object, object]],
    seen: list[tuple[int, bool, int]],
    relay: str | None,
    went_to: str | None,
    arrived: set[str],
    cut: set[str],
    attempts: int,
) -> None:
    """The rule itself, said the other way round."""
    witnesses = [witness(n, minutes=at, seen=ok, late=late) for n, (at, ok, late) in enumerate(seen)]
    case = Case(
        Doubtful(17, attempts, AT, went_to),
        Trace(None, None, arrived, cut & arrived),
        spans,
        witnesses,
        relay,
    )  # type: ignore[arg-type]  # spans of instants, drawn
    if judge(case).finding is not Finding.ABSENT:
        return
    assert arrived <= cut
    if arrived and attempts == 1:
        return
    limits = Limits()
    assert relay or went_to
    assert relay is None or went_to in (None, relay)
    assert any(first <= AT - limits.before and AT + limits.after <= last for first, last in case.spans)
    assert any(each.seen_at for each in witnesses)
    assert all(abs(each.seen_at - each.attempted_at) <= limits.clocks for each in witnesses if each.seen_at)

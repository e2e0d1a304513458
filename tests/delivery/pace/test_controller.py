"""The controller as a pure function: back-off, steps up, holds, stops, and what they do not do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.pace.controller import PROVIDER, ROUTE, Heard, Pace, Rules, step
from mailer.delivery.pace.signals import STOP_SECONDS, Refusal, Says

pytestmark = pytest.mark.rule("B12")

SLOWER = Refusal(Says.SLOWER, "it asked us to slow down (451 4.7.1)")
MAYBE = Refusal(Says.MAYBE, "it refused too much for now (451)")
STOP = Refusal(Says.STOP, "an unusual rate of mail was found (421 4.7.28)", STOP_SECONDS)
SETTLED = Pace(limit=100.0, ceiling=110.0, since=1000.0)


def after(pace: Pace, *heard: tuple[float, Heard], rules: Rules = ROUTE) -> Pace:
    for now, one in heard:
        pace = step(pace, one, now=now, rules=rules)
    return pace


def test_there_is_no_limit_until_a_relay_refuses() -> None:
    pace = after(Pace(), *((float(now), Heard(accepted=10_000, rate=5000.0)) for now in range(600)))
    assert (pace.limit, pace.connections, pace.until, pace.refused_at) == (None, None, 0.0, 0.0)


def test_the_first_refusal_makes_085_of_the_rate_of_that_moment_the_limit() -> None:
    assert after(Pace(), (1000.0, Heard(refusal=SLOWER, rate=200.0))).limit == pytest.approx(170.0)


def test_each_later_one_makes_it_085_of_the_last_limit() -> None:
    assert after(SETTLED, (1001.0, Heard(refusal=SLOWER))).limit == pytest.approx(85.0)


def test_refusals_of_what_was_on_its_way_lower_it_only_once() -> None:
    crowd = [(1001.0 + n / 100, Heard(refusal=SLOWER)) for n in range(50)]
    assert after(SETTLED, *crowd).limit == pytest.approx(85.0)


def test_a_refusal_before_the_relay_could_feel_the_change_lowers_nothing() -> None:
    lowered = after(SETTLED, (1001.0, Heard(refusal=SLOWER)))
    again = after(lowered, (1003.0, Heard(accepted=100)), (1004.0, Heard(refusal=SLOWER)))
    assert again.limit == lowered.limit


def test_one_that_goes_on_refusing_when_it_has_felt_it_gets_less() -> None:
    """1000 were taken in the 20 s since: 50 a second is nearer to what it takes than 0.85 x 85."""
    lowered = after(SETTLED, (1001.0, Heard(refusal=SLOWER)))
    again = after(lowered, (1021.0, Heard(accepted=1000, refusal=SLOWER)))
    assert again.limit == pytest.approx(50.0)


def test_one_refusal_never_does_more_than_halve_it() -> None:
    lowered = after(SETTLED, (1001.0, Heard(refusal=SLOWER)))
    assert after(lowered, (1021.0, Heard(accepted=10, refusal=SLOWER))).limit == pytest.approx(42.5)


def test_a_relay_that_takes_nothing_at_all_is_closed_and_not_slow() -> None:
    """Nothing was taken, so nothing was learned about the rate; the holds grow to a minute instead."""
    pace = after(SETTLED, (1001.0, Heard(refusal=SLOWER)))
    for _ in range(20):
        pace = after(pace, (pace.until + 0.1, Heard(refusal=SLOWER)))
    assert (pace.limit, pace.hold) == (pytest.approx(85.0), 60.0)


def test_holds_double_while_it_goes_on_and_begin_again_at_one_second() -> None:
    holds, pace = [], SETTLED
    for now in (1001.0, 1002.1, 1004.3, 1008.5, 1100.0):
        pace = after(pace, (now, Heard(refusal=SLOWER)))
        holds.append(round(pace.until - now, 3))
    assert holds == [1, 2, 4, 8, 1]


def test_the_seconds_that_a_server_names_are_obeyed() -> None:
    named = replace(SLOWER, wait_seconds=300.0)
    assert after(SETTLED, (1001.0, Heard(refusal=named))).until == 1301.0


def test_steps_up_are_even_hundredths_of_the_limit_last_refused() -> None:
    pace, limits = after(SETTLED, (1001.0, Heard(refusal=SLOWER))), []
    for second in range(1, 26):
        pace = after(pace, (1001.0 + second, Heard(accepted=85)))
        limits.append(round(pace.limit or 0, 6))
    assert limits[4::5] == [86, 87, 88, 89, 90]


def test_far_beyond_the_limit_last_refused_they_are_larger() -> None:
    """A relay that takes more than it did is found out in minutes: each step is a twentieth."""
    far = Pace(limit=200.0, ceiling=100.0, since=1000.0, refused_at=990.0)
    assert after(far, (1005.0, Heard(accepted=1000))).limit == pytest.approx(210.0)


def test_the_first_limit_is_a_guess_and_is_searched_in_larger_steps() -> None:
    """A burst of a moment says little; a refusal says more."""
    guess = after(Pace(), (1000.0, Heard(refusal=SLOWER, rate=20.0)))
    searched = after(guess, (1006.0, Heard(accepted=100)), (1012.0, Heard(accepted=125)))
    assert (guess.limit, searched.limit) == (pytest.approx(17.0), pytest.approx(17.0 * 1.25**2))
    refused = after(searched, (1013.0, Heard(refusal=SLOWER)))
    assert refused.limit == pytest.approx(0.85 * 17.0 * 1.25**2)
    assert after(refused, (1019.0, Heard(accepted=200))).limit == pytest.approx(0.86 * 17.0 * 1.25**2)


@pytest.mark.parametrize("limit", [0.01, 1 / 60, 0.2, 1.0])
def test_a_limit_that_fell_far_is_back_within_two_hours_once_nobody_refuses(limit: float) -> None:
    """An hour of trouble must not cost the campaign of a million days."""
    pace, now, sent = Pace(limit=limit, ceiling=limit / 0.85, refused_at=1.0, lowered_at=1.0), 0.0, 0.0
    while (limit := pace.limit or 50.0) < 50.0:
        seconds = max(2.0, 1.0 / limit)
        now, sent = now + seconds, sent + limit * seconds
        pace = after(pace, (now, Heard(accepted=int(sent))))
        sent -= int(sent)
    assert now < 7200


def test_a_limit_that_is_not_used_stays_where_it_is() -> None:
    pace = after(SETTLED, *((1000.0 + 5 * n, Heard(accepted=20)) for n in range(1, 100)))
    assert pace.limit == SETTLED.limit


@given(limit=st.floats(0.011, 500), refusals=st.integers(1, 60))
def test_nothing_brings_it_below_the_floor(limit: float, refusals: int) -> None:
    pace, now = Pace(limit=limit, ceiling=limit, since=0.0), 1000.0
    for _ in range(refusals):
        now = max(now, pace.until) + 100
        pace = after(pace, (now, Heard(accepted=10, refusal=SLOWER)))
        assert pace.limit is not None
        assert pace.limit >= ROUTE.floor


@given(
    st.lists(
        st.tuples(st.floats(0, 30), st.integers(0, 500), st.sampled_from([None, SLOWER, MAYBE, STOP])),
        max_size=80,
    )
)
def test_whatever_is_heard_a_step_never_raises_it_much_and_never_lowers_it_twice(
    story: list[tuple[float, int, Refusal | None]],
) -> None:
    pace, now = SETTLED, 1000.0
    for seconds, accepted, refusal in story:
        now += seconds
        before, pace = pace, after(pace, (now, Heard(accepted, 1 if refusal is MAYBE else 0, refusal, 50.0)))
        assert before.limit is not None
        assert pace.limit is not None
        assert before.limit * 0.5 - 1e-9 <= pace.limit <= before.limit * 1.26
        assert pace.until >= before.until


# --- replies that need not be about speed -------------------------------------------------------


def test_a_few_of_many_are_nobodys_speed() -> None:
    """1 in 200 gets 451: a greylisting neighbour, a DNS that stutters."""
    pace = after(SETTLED, *((1000.0 + n, Heard(accepted=199, maybe=1, refusal=MAYBE)) for n in range(1, 300)))
    assert pace.limit is not None
    assert pace.limit >= 100


def test_a_share_of_them_is() -> None:
    assert after(SETTLED, (1001.0, Heard(accepted=90, maybe=10, refusal=MAYBE))).limit == pytest.approx(85.0)


def test_what_no_limit_helps_against_is_not_about_speed() -> None:
    """5 % get 451 at any rate: six limits in a row do not change that, and sending goes on."""
    pace, now = Pace(limit=100.0, ceiling=100.0, since=0.0), 1000.0
    lowest = 100.0
    for _ in range(2000):
        now = max(now + 2.0, pace.until)
        taken = int((pace.limit or 0) * 2)
        pace = after(pace, (now, Heard(taken, max(1, taken // 20), MAYBE)))
        lowest = min(lowest, pace.limit or 0)
    assert lowest > 10
    assert pace.limit is not None
    assert pace.limit > 80


# --- 4.7.28 -------------------------------------------------------------------------------------


@pytest.mark.rule("B11")
def test_4728_stops_for_ten_minutes_then_one_connection_and_one_more_each_minute() -> None:
    pace = after(Pace(), (1000.0, Heard(refusal=STOP, rate=20.0)))
    assert pace.until - 1000.0 >= 600
    assert (pace.connections, pace.limit) == (1, pytest.approx(17.0))
    joined, now = [], pace.until
    for _ in range(30):
        now += 10
        pace = after(pace, (now, Heard(accepted=100)))
        joined.append(pace.connections)
    assert joined == [1] * 5 + [2] * 6 + [3] * 6 + [4] * 6 + [5] * 6 + [6]


@pytest.mark.rule("B11")
def test_connections_do_not_come_back_while_nothing_proves_them() -> None:
    stopped = after(Pace(), (1000.0, Heard(refusal=STOP, rate=20.0)))
    assert after(stopped, (99_999.0, Heard())).connections == 1


@pytest.mark.rule("B11")
def test_4728_again_stops_again_with_one_connection() -> None:
    pace = after(Pace(connections=7, limit=5.0, since=1000.0), (2000.0, Heard(refusal=STOP)))
    assert (pace.connections, pace.until) == (1, 2000.0 + STOP_SECONDS)


# --- reports, and forgetting --------------------------------------------------------------------

LATE = replace(SLOWER, lag_seconds=900.0)


def test_reports_of_one_quarter_of_an_hour_count_once() -> None:
    pace = after(
        SETTLED, *((1001.0 + 60 * n, Heard(accepted=6000, refusal=LATE)) for n in range(10)), rules=PROVIDER
    )
    assert pace.limit == pytest.approx(85.0)
    assert pace.until == 0.0, "nothing is stopped by a report of hours ago"


def test_a_report_while_nothing_is_sent_lowers_the_rate_when_there_is_one() -> None:
    owed = after(Pace(), (1000.0, Heard(refusal=LATE)), rules=PROVIDER)
    assert (owed.limit, owed.owed) == (None, True)
    paid = after(owed, (5000.0, Heard(accepted=40, rate=20.0)), rules=PROVIDER)
    assert (paid.limit, paid.owed) == (pytest.approx(17.0), False)


def test_what_nobody_complained_about_for_long_is_forgotten() -> None:
    week = 7 * 86400.0
    pace = Pace(limit=1.0, ceiling=1.0, refused_at=1000.0, cause="x")
    assert after(pace, (1000.0 + week - 1, Heard(accepted=1)), rules=PROVIDER).limit is not None
    assert after(pace, (1000.0 + week + 1, Heard(accepted=1)), rules=PROVIDER).limit is None

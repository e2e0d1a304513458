"""A warm-up as a curve: what a day may have, and a rate that never exceeds it (B12)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.delivery.pace.ramp import Ramp
from mailer.delivery.pacing import AHEAD_SECONDS, CATCH_UP_SECONDS, reserve
from mailer.settings.pace import PaceSettings

pytestmark = pytest.mark.rule("B12")

START = date(2026, 3, 27)
BERLIN = ZoneInfo("Europe/Berlin")


def ramp(
    *, first_day: int = 500, growth: float = 2.0, volume: int = 10_000, changed_on: date | None = None,
    start: date | None = START,
) -> Ramp:  # fmt: skip
    return Ramp(start, first_day, growth, volume, changed_on, BERLIN)


def curve(curve_of: Ramp, days: int, *, first: date = START) -> list[int | None]:
    return [curve_of.most(first + timedelta(days=day)) for day in range(days)]


def test_without_a_start_there_is_no_cap() -> None:
    assert ramp(start=None).rate(datetime(2026, 3, 27, tzinfo=UTC)) is None


def test_each_day_takes_twice_the_day_before_until_no_cap_is_needed() -> None:
    assert curve(ramp(), 7) == [500, 1000, 2000, 4000, 8000, None, None]


def test_before_its_first_day_it_is_the_first_day() -> None:
    assert ramp().most(START - timedelta(days=40)) == 500


def test_years_later_it_is_over_without_a_sum() -> None:
    assert ramp(growth=1.0001).most(START + timedelta(days=36_500)) is None


def test_after_a_change_of_templates_or_headers_half_goes_out_and_grows_again() -> None:
    changed = START + timedelta(days=100)
    assert curve(ramp(changed_on=changed), 3, first=changed - timedelta(days=1)) == [None, 5000, None]
    # A change in the middle of the warm-up halves the curve from there on.
    early = ramp(changed_on=START + timedelta(days=2))
    assert curve(early, 7) == [500, 1000, 1000, 2000, 4000, 8000, None]


def test_the_settings_say_it() -> None:
    given_ = PaceSettings(warm_up_start=START, warm_up_first_day=50, warm_up_growth=3, warm_up_volume=1000)
    assert curve(Ramp.of(given_, timezone="Europe/Berlin"), 4) == [50, 150, 450, None]


def test_a_day_of_23_hours_has_its_mail_as_well() -> None:
    """Clocks go forward on 29 March 2026 in Berlin."""
    short, usual = (ramp().rate(datetime(2026, 3, day, 12, tzinfo=BERLIN)) for day in (29, 27))
    assert short == pytest.approx(1998 / (23 * 3600))
    assert usual == pytest.approx(498 / 86400)


@settings(max_examples=30)
@given(
    first_day=st.integers(10, 2000),
    growth=st.floats(1.05, 3),
    lateness=st.lists(st.floats(0, 1), min_size=1, max_size=5),
    begins=st.floats(0, 86400),
)
def test_no_day_ever_has_more_than_its_curve(
    first_day: int, growth: float, lateness: list[float], begins: float
) -> None:
    """Every turn is taken, each as late as a turn may be, through a change of the clocks and of every rate."""
    of = Ramp(START, first_day, growth, 6000, None, BERLIN)
    now = datetime(2026, 3, 27, tzinfo=BERLIN).timestamp() + begins
    free_at, counts = 0.0, dict[date, int]()
    for turn in range(40_000):
        rate = of.rate(datetime.fromtimestamp(now, UTC))
        if rate is None:
            break
        window = reserve(free_at, now=now, interval=1 / rate, count=1, ahead=AHEAD_SECONDS)
        if not window.count:
            now = window.first - AHEAD_SECONDS + 1e-6
            continue
        free_at = window.free_at
        taken = max(now, window.first) + lateness[turn % len(lateness)] * CATCH_UP_SECONDS
        day = datetime.fromtimestamp(taken, BERLIN).date()
        counts[day] = counts.get(day, 0) + 1
        now = max(now, taken)
    for day, count in counts.items():
        most = of.most(day)
        assert most is None or count <= most
    full = [day for day in list(counts)[1:-1] if of.most(day)]
    assert all(counts[day] >= 0.75 * (of.most(day) or 0) - 3 for day in full), "and most of it is used"

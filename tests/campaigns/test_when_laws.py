"""Laws of `parse_when`: what the program says can be typed back; no past; no guess at a clock change (A89)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from mailer.campaigns.when import MAX_AHEAD, Moment, WhenInvalid, parse_when, zone_named

pytestmark = pytest.mark.rule("A89")

NOW = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
PLACES = ("Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham")
ZONES = (*PLACES, "UTC", "UTC+05:30", "UTC-11:00")
MINUTES_AHEAD = st.integers(1, int(MAX_AHEAD.total_seconds()) // 60)


def read(text: str, zone: str = "UTC") -> Moment:
    """What `text` means at NOW."""
    with time_machine.travel(NOW, tick=False):
        return parse_when(text, zone=zone)


@given(ahead=MINUTES_AHEAD, zone=st.sampled_from(ZONES), site=st.sampled_from(PLACES))
def test_an_instant_with_its_offset_is_read_as_itself(ahead: int, zone: str, site: str) -> None:
    """ISO 8601 is one instant in every zone, also in the hour that comes twice."""
    moment = Moment(NOW + timedelta(minutes=ahead), zone)
    assert read(moment.local.isoformat(), site).instant == moment.instant
    if zone in PLACES:
        again = read(f"{moment.local.isoformat()}[{zone}]", site)
        assert again == moment


@given(ahead=MINUTES_AHEAD, zone=st.sampled_from(ZONES), site=st.sampled_from(PLACES))
def test_the_utc_time_that_the_program_says_back_is_read_as_itself(ahead: int, zone: str, site: str) -> None:
    """`Friday 27 November 2026, 09:00 Europe/Berlin (2026-11-27 08:00 UTC)`: the bracket can be copied."""
    moment = Moment(NOW + timedelta(minutes=ahead), zone)
    found = re.search(r"\((.+)\)$", str(moment))
    said = found[1] if found else f"{moment.instant:%Y-%m-%d %H:%M} UTC"
    assert read(said, site) == Moment(moment.instant, "UTC")


@given(minutes=st.integers(-600_000, 600_000), zone=st.sampled_from(ZONES))
def test_a_time_is_to_come_or_refused(minutes: int, zone: str) -> None:
    instant = NOW + timedelta(minutes=minutes)
    text = Moment(instant, zone).local.isoformat()
    if timedelta() < timedelta(minutes=minutes) <= MAX_AHEAD:
        assert read(text).instant == instant
    else:
        with pytest.raises(WhenInvalid, match="past" if minutes <= 0 else "more than a year ahead"):
            read(text)


@given(
    day=st.sampled_from(["today", "tomorrow", "monday", "wed", "sunday", "2026-11-23"]),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    zone=st.sampled_from(ZONES),
)
def test_words_for_days_never_mean_the_past(day: str, hour: int, minute: int, zone: str) -> None:
    text, past = f"{day} {hour:02}:{minute:02}", ""
    with time_machine.travel(NOW, tick=False):
        try:
            moment = parse_when(text, zone=zone)
        except WhenInvalid as refused:
            past = str(refused)
    if not past:
        assert moment.instant > NOW
        assert (moment.local.hour, moment.local.minute) == (hour, minute)
    else:
        assert "which is past" in past
        assert day in ("today", "2026-11-23"), "a weekday or tomorrow is always to come"


def changes(name: str) -> Iterator[tuple[datetime, timedelta, timedelta]]:
    """The clock changes of a zone within the year ahead: the instant, the offset before and after."""
    zone, at = ZoneInfo(name), NOW + timedelta(days=2)
    while at < NOW + timedelta(days=363):
        later = at + timedelta(hours=12)
        if at.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            yield _exact(zone, at, later)
        at = later


def _exact(zone: ZoneInfo, low: datetime, high: datetime) -> tuple[datetime, timedelta, timedelta]:
    before, after = (moment.astimezone(zone).utcoffset() for moment in (low, high))
    assert before is not None and after is not None
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    # Changes are on the minute; halving ends within one after it.
    return high.replace(second=0, microsecond=0), before, after


@cache
def all_changes() -> tuple[tuple[str, datetime, timedelta, timedelta], ...]:
    """Those of every zone that can be named (A89 makes no exception for small places)."""
    names = sorted(name for name in available_timezones() if name.split("/")[0] in _CONTINENTS)
    return tuple((name, *change) for name in names for change in changes(name))


_CONTINENTS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Pacific")


def test_every_clock_change_of_the_year_is_refused_with_ways_out_that_work() -> None:
    """In all zones: a minute inside the gap or the fold is refused, the suggested times are taken."""
    seen = all_changes()
    assert len({name for name, *_ in seen}) > 100
    with time_machine.travel(NOW, tick=False):
        for name, at, before, after in seen:
            wall = (at + min(before, after) + abs(after - before) / 2).replace(tzinfo=None)
            shown = f"{wall:%Y-%m-%d %H:%M}"
            with pytest.raises(WhenInvalid) as refused:
                parse_when(f"{shown} {name}", zone="UTC")
            for suggested in _suggestions(str(refused.value), wall, forward=after > before):
                moment = parse_when(f"{suggested} {name}", zone="UTC")
                assert abs(moment.instant - at) <= timedelta(hours=3), name
                assert moment.instant.astimezone(zone_named(name)).isoformat().startswith(suggested[:10])


def _suggestions(sentence: str, wall: datetime, *, forward: bool) -> list[str]:
    if forward:
        assert "does not exist" in sentence
        found = re.findall(r"((?:\d{4}-\d\d-\d\d )?\d\d:\d\d) (?:or|instead)", sentence)
        # A bare time of day is on the day that was asked for.
        found = [said if " " in said else f"{wall:%Y-%m-%d} {said}" for said in found]
    else:
        assert "comes twice" in sentence
        found = re.findall(r'"([^"]+)"', sentence)
    assert len(set(found)) == 2, sentence
    return found

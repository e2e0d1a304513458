"""A time is understood exactly, or refused with a sentence; never guessed (A89)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from mailer.campaigns.when import WhenInvalid, parse_when, zone_named

BERLIN = "Europe/Berlin"
#: A Sunday; 18:00 in Berlin.
NOW = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def utc(text, zone=BERLIN):
    return f"{parse_when(text, zone=zone).instant:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-27 09:00 Europe/Berlin", "2026-11-27 08:00"),
        ("2026-11-27 09:00", "2026-11-27 08:00"),
        ("2026-11-27T09:00", "2026-11-27 08:00"),
        ("2026-11-27, 9am", "2026-11-27 08:00"),
        ("2026-11-27 at 9:30 pm", "2026-11-27 20:30"),
        ("2026-11-27 9 a.m.", "2026-11-27 08:00"),
        ("2026-11-27 12am", "2026-11-26 23:00"),
        ("2026-11-27 12pm", "2026-11-27 11:00"),
        ("2026-11-27 noon", "2026-11-27 11:00"),
        ("2026-11-27 09:00Z", "2026-11-27 09:00"),
        ("2026-11-27 09:00 UTC", "2026-11-27 09:00"),
        ("2026-11-27T09:00:00+05:30", "2026-11-27 03:30"),
        ("2026-11-27 09:00 +0100", "2026-11-27 08:00"),
        ("2026-11-27T09:00+01:00[Europe/Berlin]", "2026-11-27 08:00"),
        ("2026-11-27 09:00 america/new_york", "2026-11-27 14:00"),
        ("tomorrow 9am", "2026-11-23 08:00"),
        ("Tomorrow at 9am Asia/Tokyo", "2026-11-24 00:00"),  # in Tokyo it is the 23rd already
        ("today 23:00", "2026-11-22 22:00"),
        ("tonight 8.30pm", "2026-11-22 19:30"),
        ("friday 17:30", "2026-11-27 16:30"),
        ("fri 17:30", "2026-11-27 16:30"),
        ("sunday 19:00", "2026-11-22 18:00"),  # today, still to come
        ("sunday 17:00", "2026-11-29 16:00"),  # today it is past
        ("in 2 hours", "2026-11-22 19:00"),
        ("in an hour", "2026-11-22 18:00"),
        ("in 45 minutes", "2026-11-22 17:45"),
        ("in 1 day", "2026-11-23 17:00"),
        ("in 2 weeks", "2026-12-06 17:00"),
        ("now", "2026-11-22 17:00"),
    ],
)
def test_what_people_say_is_understood(text, instant):
    assert utc(text) == instant


def test_a_week_later_is_the_same_time_of_day_although_the_clocks_changed():
    with time_machine.travel(datetime(2026, 10, 20, 7, 0, tzinfo=UTC), tick=False):
        # 09:00 in Berlin is 07:00 UTC in summer and 08:00 UTC a week later.
        assert utc("in 1 week") == "2026-10-27 08:00"
        assert utc("in 168 hours") == "2026-10-27 07:00"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not understood as a time"),
        ("soon", "is not understood as a time"),
        ("27.11.2026 09:00", "is not understood as a time"),
        ("2026-11-31 09:00", "There is no day 2026-11-31"),
        ("2026-11-27 25:00", "There is no time of day '25:00'"),
        ("2026-11-27 13pm", "no 13pm on a clock of twelve hours"),
        ("2026-11-27", "has no time of day"),
        ("tomorrow", "has no time of day"),
        ("9am", "has no day"),
        ("tomorrow 9", "could be morning or evening"),
        ("next friday 9am", "can mean two days"),
        ("tomorrow midnight", "Midnight belongs to two days"),
        ("tomorrow 9am Europe/Berln", "Did you mean Europe/Berlin?"),
        ("tomorrow 9am berlin", "Did you mean Europe/Berlin?"),
        ("tomorrow 9am CET", "CET can mean several times"),
        ("tomorrow 9am Middle-earth", "Write it as a place"),
        ("tomorrow 09:00+25:00", "There is no offset"),
        ("2026-11-27 09:00+02:00 Europe/Berlin", "At that time Europe/Berlin is not UTC+02:00"),
        ("in 3 fortnights", "say minutes, hours, days or weeks"),
        ("2026-11-22 17:00", "which is past"),
        ("today 9am", "which is past"),
        ("2062-11-27 09:00", "more than a year ahead"),
    ],
)
def test_what_is_unclear_is_refused_with_a_sentence(text, words):
    with pytest.raises(WhenInvalid, match=words.replace("+", r"\+").replace("?", r"\?")):
        parse_when(text, zone=BERLIN)


def test_a_past_time_is_said_back_with_the_time_it_is_there():
    with pytest.raises(WhenInvalid) as refused:
        parse_when("2026-11-20 09:00", zone=BERLIN)
    assert str(refused.value) == (
        "'2026-11-20 09:00' is Friday 20 November 2026, 09:00 Europe/Berlin (2026-11-20 08:00 UTC), which is "
        "past: it is 2026-11-22 18:00 there now. Choose a time to come, or use --now."
    )


@pytest.mark.rule("A89")
def test_a_time_that_the_clocks_skip_is_refused_with_its_neighbours():
    with pytest.raises(WhenInvalid) as refused:
        parse_when("2027-03-28 02:30", zone=BERLIN)
    assert str(refused.value) == (
        "2027-03-28 02:30 does not exist in Europe/Berlin: the clocks are put forward over it. "
        "Choose 01:30 or 03:30 instead."
    )


@pytest.mark.rule("A89")
def test_a_time_that_comes_twice_is_refused_with_both_spellings_and_they_work():
    with pytest.raises(WhenInvalid) as refused:
        parse_when("2027-10-31 02:30", zone=BERLIN)
    assert 'Write "2027-10-31 02:30+02:00" for the first or "2027-10-31 02:30+01:00" for the second.' in str(
        refused.value
    )
    assert utc("2027-10-31 02:30+02:00") == "2027-10-31 00:30"
    assert utc("2027-10-31 02:30+01:00 Europe/Berlin") == "2027-10-31 01:30"


def test_the_zone_a_person_spoke_in_is_kept():
    assert parse_when("tomorrow 9am", zone=BERLIN).zone == BERLIN
    assert parse_when("tomorrow 9am utc", zone=BERLIN).zone == "UTC"
    moment = parse_when("tomorrow 09:00+05:30", zone=BERLIN)
    assert moment.zone == "UTC+05:30"
    assert f"{moment.local:%H:%M %z}" == "09:00 +0530"
    assert str(moment) == "Monday 23 November 2026, 09:00 UTC+05:30 (2026-11-23 03:30 UTC)"


@pytest.mark.parametrize("name", ["UTC", "UTC+02:00", "UTC-11:30", "Pacific/Chatham"])
def test_every_zone_that_is_stored_can_be_read_back(name):
    assert zone_named(name).utcoffset(datetime(2026, 11, 22)) is not None


@given(
    wall=st.datetimes(min_value=datetime(2026, 11, 24), max_value=datetime(2027, 11, 20)),
    zone=st.sampled_from(
        [BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]
    ),
)
def test_what_is_understood_reads_the_same_on_the_wall_of_that_zone(wall, zone):
    wall = wall.replace(second=0, microsecond=0)
    text = f"{wall:%Y-%m-%d %H:%M} {zone}"
    with time_machine.travel(NOW, tick=False):
        first = wall.replace(tzinfo=ZoneInfo(zone))
        if first.utcoffset() != first.replace(fold=1).utcoffset():
            with pytest.raises(WhenInvalid):
                parse_when(text, zone="UTC")
        else:
            moment = parse_when(text, zone="UTC")
            assert moment.instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall


@given(text=st.text(max_size=40))
def test_any_text_at_all_is_a_time_to_come_or_a_sentence(text):
    with time_machine.travel(NOW, tick=False):
        said, instant = ".", NOW
        try:
            instant = parse_when(text, zone=BERLIN).instant
        except WhenInvalid as refused:
            said = str(refused)
    assert said.endswith((".", "?"))
    assert NOW <= instant <= NOW + timedelta(days=367)

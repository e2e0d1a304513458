"""Understand when a campaign shall leave: "2026-11-27 09:00 Europe/Berlin", "tomorrow 9am", "in 2 hours".

Whatever is said becomes one instant in UTC, or a sentence about what is unclear. A time that the
clocks of the zone skip or strike twice is never guessed at (A89). RFC 9557 is where the offset
beside a zone comes from.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from mailer import clock
from mailer.errors import MailerError

# A year ahead is more likely a slip of the keyboard than a plan.
MAX_AHEAD = timedelta(days=366)
NOW = "now"
_EXAMPLES = '"2026-11-27 09:00 Europe/Berlin", "tomorrow 9am", "friday 17:30" or "in 2 hours"'
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SECONDS = {"minute": 60, "min": 60, "hour": 3_600, "h": 3_600}
_DAYS = {"day": 1, "week": 7}


class WhenInvalid(MailerError):
    """This is not a time at which a campaign can leave."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, and the zone the person spoke in, so that it can be said back in their words."""

    instant: datetime  #: aware, UTC
    zone: str  #: "Europe/Berlin", "UTC" or "UTC+02:00"

    @property
    def local(self) -> datetime:
        """The wall clock's time in the zone the person spoke in."""
        return self.instant.astimezone(zone_named(self.zone))

    def __str__(self) -> str:
        local = f"{self.local:%A %d %B %Y, %H:%M} {self.zone}"
        return local if self.zone == "UTC" else f"{local} ({self.instant:%Y-%m-%d %H:%M} UTC)"


def parse_when(text: str, *, zone: str) -> Moment:
    """Read `text` as a moment to come; a time without a zone is meant in `zone` (`[site] timezone`).

    Raises WhenInvalid: not understood, past, too far ahead, or skipped or doubled by the zone's clocks.
    """
    now = clock.now().replace(microsecond=0)
    words = " ".join(text.split())
    if words.lower() == NOW:
        return Moment(now, zone)
    moment = _relative(words, zone, now) or _absolute(words, zone, now)
    return _to_come(moment, words, now)


def zone_named(name: str) -> tzinfo:
    """The zone of a name from the tz database, or of an offset such as `UTC+02:00`. Raises WhenInvalid."""
    fixed = re.fullmatch(r"UTC([+-])(\d\d):(\d\d)", name)
    if fixed:
        return _fixed(*fixed.groups())
    if name == "UTC":
        return UTC
    try:
        # EST, CET and the like are names of other times in winter than people mean in summer.
        if "/" not in name:
            raise ZoneInfoNotFoundError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise WhenInvalid(_unknown_zone(name)) from error


def _unknown_zone(name: str) -> str:
    cities = {zone.rsplit("/", 1)[-1].lower(): zone for zone in sorted(available_timezones()) if "/" in zone}
    known = {**cities, **{zone.lower(): zone for zone in cities.values()}}
    if name.isupper() and len(name) <= 5:
        return f"{name} can mean several times. Write the zone as a place, such as Europe/Berlin, or UTC."
    near = difflib.get_close_matches(name.lower(), known, 1, cutoff=0.7)
    hint = (
        f"Did you mean {known[near[0]]}?" if near else "Write it as a place, such as Europe/Berlin, or UTC."
    )
    return f"There is no time zone {name[:40]!r}. {hint}"


def _fixed(sign: str, hours: str, minutes: str) -> timezone:
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    if offset > timedelta(hours=14) or int(minutes) > 59:
        raise WhenInvalid(f"There is no offset {sign}{hours}:{minutes} from UTC.")
    return timezone(-offset if sign == "-" else offset)


def _relative(words: str, zone: str, now: datetime) -> Moment | None:
    """`in 2 hours` is elapsed time; `in 2 days` is the same time of day, whatever the clocks do."""
    found = re.fullmatch(r"in (?:(\d{1,4})|an?) ?([a-z]+?)s?", words.lower())
    if not found:
        return None
    amount, unit = int(found[1] or 1), found[2]
    if unit in _SECONDS:
        return Moment(now + timedelta(seconds=amount * _SECONDS[unit]), zone)
    if unit in _DAYS:
        place = zone_named(zone)
        wall = now.astimezone(place).replace(tzinfo=None) + timedelta(days=amount * _DAYS[unit])
        return Moment(_unambiguous(wall, zone, place), zone)
    raise WhenInvalid(f'{words!r} is not understood: say minutes, hours, days or weeks, as in "in 2 hours".')


_ABSOLUTE = re.compile(
    r"(?P<day>\S+?)(?:(?<=\d)T|[ ,]+|,? at )"
    r"(?P<time>\d{1,2}(?:[:.]\d\d){0,2}(?: ?[ap]\.?m\.?)?|noon|midnight)"
    r"(?: ?(?P<offset>Z|[+-]\d\d:?\d\d))?(?:(?: | ?\[)(?P<zone>[A-Za-z][A-Za-z0-9_+/-]*)\]?)?",
    re.IGNORECASE,
)


def _absolute(words: str, zone: str, now: datetime) -> Moment:
    found = _ABSOLUTE.fullmatch(words)
    if not found:
        raise WhenInvalid(_not_understood(words))
    clock_time = _time(found["time"], words)
    named = _zone_word(found["zone"]) or zone
    if found["offset"]:
        return _with_offset(found, clock_time, words, now)
    place = zone_named(named)
    today = now.astimezone(place)
    day = _day(found["day"], today, clock_time, words)
    return Moment(_unambiguous(datetime.combine(day, clock_time), named, place), named)


def _not_understood(words: str) -> str:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", words) or words.lower() in ("today", "tomorrow", *_WEEKDAYS):
        return f'{words!r} has no time of day. Say when, as in "{words} 9am".'
    if re.fullmatch(r"\d{1,2}(?:[:.]\d\d)?(?: ?[ap]m)?", words, re.IGNORECASE):
        return f'{words!r} has no day. Say "today {words}" or "tomorrow {words}".'
    if words.lower().startswith("next "):
        return f"{words!r} can mean two days. Write the date, or the weekday alone for the first one to come."
    return f"{words[:80]!r} is not understood as a time. Write {_EXAMPLES}."


def _zone_word(word: str | None) -> str | None:
    if word is None:
        return None
    if word.upper() in ("UTC", "GMT", "Z"):
        return "UTC"
    # `europe/berlin` is understood; anything else is left for `zone_named` to refuse.
    return next((zone for zone in available_timezones() if zone.lower() == word.lower()), word)


def _with_offset(found: re.Match[str], clock_time: time, words: str, now: datetime) -> Moment:
    """A wall time with its offset is one instant whatever the zone does; the zone is only said back."""
    offset = found["offset"].upper()
    if offset == "Z":
        place, name = UTC, "UTC"
    else:
        digits = offset.replace(":", "")
        place = _fixed(digits[0], digits[1:3], digits[3:5])
        name = f"UTC{digits[0]}{digits[1:3]}:{digits[3:5]}"
    local = datetime.combine(_day(found["day"], now.astimezone(place), clock_time, words), clock_time, place)
    named = _zone_word(found["zone"])
    if named is None:
        return Moment(local.astimezone(UTC), name)
    if local.astimezone(zone_named(named)).utcoffset() != local.utcoffset():
        raise WhenInvalid(f"At that time {named} is not {name}. Leave one of the two out.")
    return Moment(local.astimezone(UTC), named)


def _time(text: str, words: str) -> time:
    if text.lower() == "noon":
        return time(12)
    if text.lower() == "midnight":
        raise WhenInvalid(
            f"Midnight belongs to two days: in {words!r} write 00:00, the start of the day, instead."
        )
    half = re.search(r"([ap])\.?m", text.lower())
    hour, minute, second = (int(n) for n in (*re.findall(r"\d+", text), 0, 0)[:3])
    if half and not 1 <= hour <= 12:
        raise WhenInvalid(f"There is no {text} on a clock of twelve hours.")
    if not half and not re.search(r"[:.]", text):
        raise WhenInvalid(f"{text!r} could be morning or evening. Write {hour:02d}:00, {text}am or {text}pm.")
    if half:
        hour = hour % 12 + (12 if half[1] == "p" else 0)
    try:
        return time(hour, minute, second)
    except ValueError as error:
        raise WhenInvalid(f"There is no time of day {text!r}.") from error


def _day(word: str, today: datetime, clock_time: time, words: str) -> date:
    for rule in (_by_name, _by_weekday, _by_date):
        day = rule(word.lower().rstrip(","), today, clock_time)
        if day is not None:
            return day
    raise WhenInvalid(_not_understood(words))


def _by_name(word: str, today: datetime, _time: time) -> date | None:
    days = {"today": 0, "tonight": 0, "tomorrow": 1}.get(word)
    return None if days is None else today.date() + timedelta(days=days)


def _by_weekday(word: str, today: datetime, clock_time: time) -> date | None:
    """The first such day whose time is still to come; today counts."""
    matches = [
        n for n, name in enumerate(_WEEKDAYS) if name == word or (len(word) == 3 and name.startswith(word))
    ]
    if not matches:
        return None
    ahead = (matches[0] - today.weekday()) % 7
    if ahead == 0 and clock_time <= today.time():
        ahead = 7
    return today.date() + timedelta(days=ahead)


def _by_date(word: str, _today: datetime, _time: time) -> date | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", word):
        return None
    try:
        return date.fromisoformat(word)
    except ValueError as error:
        raise WhenInvalid(f"There is no day {word}.") from error


def _unambiguous(wall: datetime, name: str, place: tzinfo) -> datetime:
    """The one instant that the zone's clocks show `wall` at; a skipped or doubled time is refused."""
    first = wall.replace(tzinfo=place, fold=0)
    second = wall.replace(tzinfo=place, fold=1)
    shown = f"{wall:%Y-%m-%d %H:%M}"
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    if first.astimezone(UTC).astimezone(place).replace(tzinfo=None) != wall:
        before, after = (second.astimezone(UTC).astimezone(place), first.astimezone(UTC).astimezone(place))
        raise WhenInvalid(
            f"{shown} does not exist in {name}: the clocks are put forward over it. "
            f"Choose {_beside(before, wall)} or {_beside(after, wall)} instead."
        )
    raise WhenInvalid(
        f"{shown} comes twice in {name}: the clocks are put back over it. "
        f'Write "{shown}{_offset(first)}" for the first or "{shown}{_offset(second)}" for the second.'
    )


def _beside(moment: datetime, wall: datetime) -> str:
    """With its date when that is another day: some zones skip the first hour of one."""
    return f"{moment:%H:%M}" if moment.date() == wall.date() else f"{moment:%Y-%m-%d %H:%M}"


def _offset(moment: datetime) -> str:
    text = f"{moment:%z}"
    return f"{text[:3]}:{text[3:5]}"


def _to_come(moment: Moment, words: str, now: datetime) -> Moment:
    if moment.instant <= now:
        there = Moment(now, moment.zone).local
        raise WhenInvalid(
            f"{words!r} is {moment}, which is past: it is {there:%Y-%m-%d %H:%M} there now. "
            "Choose a time to come, or use --now."
        )
    if moment.instant - now > MAX_AHEAD:
        raise WhenInvalid(f"{words!r} is {moment}, more than a year ahead. Check the year.")
    return moment

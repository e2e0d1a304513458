"""A time in the past as people type it: `2h`, `3d`, `2026-11-22`, `2026-11-22 09:00`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click

from mailer import clock

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_AGO = re.compile(r"(\d{1,4}) ?([mhdw])")


def instant(text: str, zone: str, *, hint: str) -> datetime:
    """How long ago, or a date or time, in `zone` unless it names an offset.

    Raises BadParameter, which points at the option `hint`.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return clock.now() - int(ago[1]) * _UNITS[ago[2]]
    try:
        given = datetime.fromisoformat(text.strip())
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no time: write 90m, 2h, 3d, 2026-11-22 or '2026-11-22 09:00'.", param_hint=hint
        ) from None
    return given if given.tzinfo else given.replace(tzinfo=ZoneInfo(zone))

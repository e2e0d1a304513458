"""Log lines of the long-running commands: one event, its facts, nothing that acts (D25, D26)."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.cli.logs import FactsFormatter

ROOT = Path(__file__).parents[2]


def line(message: str = "route_down", *arguments: object, level: int = logging.INFO, **facts: object) -> str:
    """One formatted record of the delivery room, made at nine o'clock."""
    record = logging.LogRecord("mailer.delivery", level, __file__, 1, message, arguments, None)
    record.created = datetime(2026, 11, 22, 9, 0, 0, 123000, tzinfo=UTC).timestamp()
    for name, value in facts.items():
        setattr(record, name, value)
    return FactsFormatter().format(record)


def test_a_line_is_time_level_room_event_and_facts() -> None:
    assert line(campaign="week-48", sent=12) == (
        "2026-11-22T09:00:00.123+00:00 INFO mailer.delivery route_down campaign=week-48 sent=12"
    )


def test_an_event_without_facts_ends_with_its_name() -> None:
    assert line(level=logging.WARNING).endswith("WARNING mailer.delivery route_down")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("one", "one"),
        ("two words", '"two words"'),
        ("", '""'),
        (0, "0"),
        (None, "None"),
        (1.5, "1.5"),
        ("a\nb", r"a\nb"),
        ("a\nb c", r'"a\nb c"'),
    ],
)
def test_a_fact_is_quoted_where_it_would_run_into_the_next(value: object, shown: str) -> None:
    assert line(reason=value).endswith(f" route_down reason={shown}")


def test_arguments_of_the_message_are_filled_in() -> None:
    assert line("%s of %d", "first", 2).endswith("mailer.delivery first of 2")


@pytest.mark.rule("D26")
@given(st.text(), st.text())
def test_no_message_and_no_fact_makes_a_second_line(message: str, fact: str) -> None:
    assert line(message.replace("%", "%%"), reason=fact).isprintable()


@pytest.mark.rule("D26")
def test_a_traceback_keeps_its_lines_and_loses_what_could_act() -> None:
    try:
        raise ValueError("from outside: \x1b[2J\x9b31m")
    except ValueError:
        record = logging.LogRecord("mailer.x", logging.ERROR, __file__, 1, "tick_failed", (), sys.exc_info())
    lines = FactsFormatter().format(record).split("\n")
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1] == r"ValueError: from outside: \x1b[2J\x9b31m"
    assert all(each.isprintable() for each in lines)


_SCRIPT = """
import logging, sys
from mailer.cli.logs import log_to_stderr
log_to_stderr(quiet=sys.argv[1] == "quiet")
log = logging.getLogger("mailer.delivery")
log.debug("detail")
log.info("sent", extra={"count": 3})
log.warning("route_down")
"""


@pytest.mark.parametrize(("how", "events"), [("loud", ["sent", "route_down"]), ("quiet", ["route_down"])])
def test_quiet_keeps_what_goes_wrong(how: str, events: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, how], capture_output=True, text=True, timeout=30, check=True, cwd=ROOT
    )
    assert done.stdout == ""
    assert [each.split()[3] for each in done.stderr.splitlines()] == events

"""Log lines of the long-running commands: one event, its facts, nothing that acts (D25, D26)."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.cli.logs import FactsFormatter, JsonFormatter

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


def object_of(message: str = "route_down", **facts: object) -> dict[str, object]:
    """One record as JSON, read back."""
    record = logging.LogRecord("mailer.delivery", logging.WARNING, __file__, 1, message, (), None)
    record.created = datetime(2026, 11, 22, 9, 0, 0, 123000, tzinfo=UTC).timestamp()
    for name, value in facts.items():
        setattr(record, name, value)
    text = JsonFormatter("sender 2").format(record)
    assert "\n" not in text
    read: dict[str, object] = json.loads(text)
    return read


def test_json_is_one_object_a_line_with_every_fact_under_its_name() -> None:
    assert object_of(relay="main", failures=3, ms=0.4) == {
        "time": "2026-11-22T09:00:00.123+00:00",
        "level": "warning",
        "logger": "mailer.delivery",
        "event": "route_down",
        "relay": "main",
        "failures": 3,
        "ms": 0.4,
        "process": "sender 2",
    }


def test_a_fact_takes_no_other_s_name_and_may_be_anything() -> None:
    found = object_of(time="never", at=datetime(2026, 11, 22, tzinfo=UTC), names={"a"})
    assert found["time"] == "2026-11-22T09:00:00.123+00:00"
    assert found["at"] == "2026-11-22 00:00:00+00:00"
    assert found["names"] == "{'a'}"


def test_a_trace_is_one_value_of_the_object() -> None:
    try:
        raise ValueError("no such ada@example.net")
    except ValueError:
        record = logging.LogRecord("mailer", logging.ERROR, __file__, 1, "crash", (), sys.exc_info())
    found = json.loads(JsonFormatter().format(record))
    assert "ValueError: no such ...@example.net" in found["trace"]


HOSTILE = ["a\nb", "a\x1b[2J", "\u2028", "\ud800", "\0"]


@pytest.mark.rule("D26")
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_inside_its_json_line(text: str) -> None:
    record = logging.LogRecord("mailer", logging.ERROR, __file__, 1, "refused", (), None)
    record.reply = text
    written = JsonFormatter().format(record)
    assert written.isascii()
    assert written.isprintable()
    assert json.loads(written)["reply"] == text


@pytest.mark.rule("D25")
@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("550 5.1.1 <ada@example.net>: user unknown", "550 5.1.1 <...@example.net>: user unknown"),
        ("to=ada+tag@example.net, from=b@x.example", "to=...@example.net, from=...@x.example"),
        ("ädä@example.net", "...@example.net"),
        ("no address @ all", "no address @ all"),
    ],
)
def test_an_address_that_slips_into_a_fact_is_masked(said: str, written: str) -> None:
    assert f'reply="{written}"' in line(reply=said) or f"reply={written}" in line(reply=said)
    assert object_of(reply=said)["reply"] == written


def test_the_settings_say_which_form_it_has() -> None:
    script = _SCRIPT.replace('== "quiet")', '== "quiet", form="json")')
    done = subprocess.run(
        [sys.executable, "-c", script, "loud"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        cwd=ROOT,
    )
    assert [json.loads(each)["event"] for each in done.stderr.splitlines()] == ["sent", "route_down"]


def test_an_event_in_words_has_its_name_beside_them() -> None:
    found = object_of("campaign started", event="campaign_started", campaign=7)
    assert (found["event"], found["message"], found["campaign"]) == (
        "campaign_started",
        "campaign started",
        7,
    )

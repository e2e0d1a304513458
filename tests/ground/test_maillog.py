"""The log has one method per event, and every room uses them: names and facts that programs can rely on."""

from __future__ import annotations

import inspect
import logging
import re
import typing

import pytest

from mailer.cli.logs import FactsFormatter, JsonFormatter
from mailer.maillog import EventLog
from tests.house.tree import ROOT, python_sources

EVENTS = {name: method for name, method in vars(EventLog).items() if not name.startswith("_")}
#: What stands for a value of each type, and would be seen if it were a person's.
VALUES: dict[object, object] = {int: 7, str: "main", bool: True, float: 0.5, str | None: None}
VALUES |= {BaseException: ValueError("bug"), BaseException | None: None}


def write(name: str, caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    """Log one event with values of the right types; the record."""
    kinds = typing.get_type_hints(EVENTS[name])
    facts = {fact: VALUES[kind] for fact, kind in kinds.items() if fact != "return"}
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "mailer"):
        getattr(EventLog("room"), name)(**facts)
    (record,) = caplog.records
    return record


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_one_record_under_its_own_name(name: str, caplog: pytest.LogCaptureFixture) -> None:
    record = write(name, caplog)
    assert record.name == "mailer.room"
    assert getattr(record, "event", record.getMessage()) == name
    assert "\n" not in JsonFormatter().format(record)
    assert name in FactsFormatter().format(record)


@pytest.mark.parametrize("name", EVENTS)
def test_facts_are_given_by_name(name: str) -> None:
    parameters = list(inspect.signature(EVENTS[name]).parameters.values())[1:]
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for one in parameters)


@pytest.mark.rule("D25")
def test_no_event_has_a_place_for_a_person() -> None:
    personal = re.compile(r"mail_?address|e_?mail\b|recipient|subscriber_|token|password|secret|body|subject")
    for name, method in EVENTS.items():
        for fact in inspect.signature(method).parameters:
            assert not personal.search(fact), f"{name}: {fact}"


def test_no_room_writes_log_lines_of_its_own_making() -> None:
    made = re.compile(r"\b_?log(?:ger)?\.(?:debug|info|warning|error|exception|critical)\(")
    found = [
        f"{source.name}:{number}"
        for source in python_sources("mailer")
        for number, line in enumerate(source.text.splitlines(), 1)
        if made.search(line)
    ]
    assert found == []


def test_every_event_is_written_somewhere() -> None:
    code = "\n".join(source.text for source in python_sources("mailer") if source.name != "mailer/maillog.py")
    for name in EVENTS:
        assert re.search(rf"\.{name}\b", code), name


def test_the_page_for_ops_lists_every_event() -> None:
    page = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
    for name, method in EVENTS.items():
        facts = ", ".join(list(inspect.signature(method).parameters)[1:])
        row = f"| `{name}` | {facts.replace(', trace', '').replace('trace', '')} | {inspect.getdoc(method)} |"
        assert row in page, row

"""What the pages say of a bad morning: the figures add up, nothing shows an address, and nothing reads it all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select

from mailer import clock
from mailer.ops import queries
from mailer.ops.board import RANGES
from mailer.ops.health import RULES, Facts, Grade, verdict
from mailer.ops.kept import Kept
from mailer.store import Store
from mailer.store.schema import Report, Subscriber
from tests.web.ops.conftest import Browser, Office
from tests.web.ops.filled import fill

QUIET = Facts(
    workers=2,
    silent=0,
    sending=1,
    paused=(),
    resting=(),
    alarms=0,
    review=0,
    unreadable=0,
    unread=0,
    alerts=0,
    complaints=0,
    hard=0,
    policy=0,
)


@pytest.fixture
def browser(office: Office) -> Browser:
    """Ada, who looks at a bad morning."""
    fill(office.desk.site, clock.now())
    return office.sign_in()


def test_a_site_with_nothing_in_it_is_well(office: Office) -> None:
    browser = office.sign_in()
    assert "Nothing asks for you." in browser.page("/ops").text
    for path, words in (
        ("campaigns", "None."),
        ("queue", "Nobody: relays and providers take what they are given."),
        ("suppressions", "None."),
        ("review", "No failures are alike enough."),
        ("workers", "No sender has run in the last day"),
    ):
        assert words in browser.page(f"/ops/{path}").text


def test_the_first_page_says_what_is_wrong_worst_first(browser: Browser) -> None:
    page = browser.page("/ops").text
    told = [
        "autumn-clearance is paused: 38 % of 1,204 messages at microsoft were refused",
        "1 alarm of failures alike",
        "1 sender silent for more than a minute.",
        "refusals of us as a sender in 24 hours.",
        "4 messages that came back wait for a person.",
        "2 alerts in 24 hours.",
    ]
    places = [page.find(words) for words in told]
    assert -1 not in places, list(zip(places, told, strict=True))
    assert places == sorted(places)


def test_a_campaign_on_its_way_shows_how_far_it_is(browser: Browser) -> None:
    page = browser.page("/ops/campaigns").text
    # 4,200 accepted + 41 rejected + 17 skipped of 7,168
    assert "59 % of 7,168" in page
    assert "4,200 accepted · 310 deferred · 41 failed · 17 skipped" in page
    assert "advent" in page


def test_a_page_reloads_itself_only_where_that_was_asked_for(browser: Browser) -> None:
    assert "refresh" not in browser.get("/ops").text
    assert '<meta http-equiv="refresh" content="10">' in browser.get("/ops?live=1").text


@pytest.mark.parametrize("span", RANGES)
def test_every_report_of_a_period_is_in_the_chart_and_in_its_tables(
    browser: Browser, office: Office, span: str
) -> None:
    found = office.desk.site.board.returns(span)
    length, step = RANGES[span]
    with office.desk.store.read() as connection:
        since = max(clock.now() - length + step, clock.now() - length)
        least = connection.scalar(select(func.count()).where(Report.received_at >= since)) or 0
    total = sum(found.total.values())
    assert total >= least > 0
    assert sum(sum(counts) for counts in found.over_time.values()) == total
    assert sum(sum(counts.values()) for _, counts in found.by_provider) == total
    assert len(found.labels) == length / step
    page = browser.page(f"/ops/returns?span={span}")
    assert page.tags.count("figure") == page.tags.count("table") == 2
    assert "microsoft" in page.text


@pytest.mark.parametrize("span", ["", "1y", "7d'"])
def test_a_period_that_there_is_not_is_a_404(browser: Browser, span: str) -> None:
    assert browser.get(f"/ops/returns?span={span}").status_code == 404


def test_the_queue_says_who_slows_us_down_and_what_waits(browser: Browser) -> None:
    page = browser.page("/ops/queue").text
    assert "451 4.7.650: listed, too many from this address" in page
    assert "outlook.com" in page
    assert "451 4.7.650" in page


def test_workers_are_named_with_when_they_were_last_heard_of(browser: Browser) -> None:
    page = browser.page("/ops/workers").text
    assert "post-2, process 2413 silent 214 s ago" in page
    assert "post-1, process 2411 sends 2 s ago" in page
    assert "autumn-clearance was paused: listed at microsoft" in page


@pytest.mark.rule("D24", "D25")
@pytest.mark.parametrize("name", ["ada", "bob"])
def test_no_page_shows_a_whole_address_of_a_reader(office: Office, name: str) -> None:
    fill(office.desk.site, clock.now())
    browser = office.sign_in(name)
    with office.desk.store.read() as connection:
        addresses = connection.scalars(select(Subscriber.email)).all()
    for path in ("", "/campaigns", "/returns", "/queue", "/suppressions", "/review", "/workers"):
        html = browser.get(f"/ops{path}").text
        assert [address for address in addresses if address in html] == []
    assert "…@example.net" in browser.get("/ops/suppressions").text


def test_names_from_outside_cannot_write_into_a_page(office: Office) -> None:
    hostile = '"><img src=x onerror=alert(1)>'
    row = {"kind": "bounce", "severity": "hard", "domain": hostile, "provider": hostile}
    with office.desk.store.write() as connection:
        connection.execute(insert(Report).values(received_at=clock.now(), **row))
    browser = office.sign_in()
    for path in ("/ops", "/ops/returns"):
        html = browser.get(path).text
        assert "<img" not in html
    assert "&lt;img" in browser.get("/ops/returns").text


def test_who_looks_in_the_same_seconds_sees_one_reading(browser: Browser, office: Office) -> None:
    browser.get("/ops/returns")
    asked: list[str] = []
    event.listen(office.desk.store.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    browser.get("/ops/returns")
    assert not [sql for sql in asked if "reports" in sql]


def test_a_reading_is_kept_for_its_seconds_and_made_again_then(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = 0.0
    monkeypatch.setattr(clock, "monotonic", lambda: passed)
    readings = iter(range(10))
    kept = Kept(lambda: next(readings), seconds=5.0)
    seen = []
    for passed in (0.0, 4.9, 5.0, 9.9, 10.0):  # noqa: B007 - read by the clock above
        seen.append(kept.get())
    assert seen == [0, 0, 1, 1, 2]


def test_a_slow_reading_rests_twenty_times_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = iter([0.0, 2.0, 41.9, 42.0, 43.0])  # begun, ended; kept; begun, ended
    monkeypatch.setattr(clock, "monotonic", lambda: next(passed))
    readings = iter(range(10))
    kept = Kept(lambda: next(readings), seconds=5.0)
    assert [kept.get() for _ in range(3)] == [0, 0, 1]


def test_a_reading_that_fails_is_tried_again_by_the_next(office: Office) -> None:
    outcomes = iter([None, 7])

    def read() -> int:
        found = next(outcomes)
        if found is None:
            raise OSError
        return found

    kept = Kept(read, seconds=60)
    with pytest.raises(OSError):
        kept.get()
    assert kept.get() == 7


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.words(QUIET)[:30] if rule.link else "")
def test_every_rule_of_the_verdict_leads_to_a_page(rule: Any, office: Office) -> None:
    assert office.sign_in().get(rule.link).status_code == 200


@pytest.mark.parametrize(
    ("changed", "grade"),
    [
        ({}, Grade.GOOD),
        ({"workers": 0}, Grade.BAD),
        ({"workers": 0, "sending": 0}, Grade.GOOD),
        ({"resting": ("main",)}, Grade.BAD),
        ({"policy": 19}, Grade.GOOD),
        ({"policy": 20}, Grade.LOOK),
        ({"policy": 20, "hard": 30}, Grade.GOOD),
        ({"unread": 1000}, Grade.LOOK),
    ],
)
def test_the_verdict_by_one_fact_at_a_time(changed: dict[str, Any], grade: Grade) -> None:
    known = {name: getattr(QUIET, name) for name in Facts.__slots__}
    [note] = verdict(Facts(**known | changed))
    assert note.grade is grade


def test_no_statement_reads_a_large_table_from_end_to_end(office: Office) -> None:
    fill(office.desk.site, clock.now())
    store: Store = office.desk.store
    asked: list[tuple[str, Any]] = []
    now = clock.now()
    with store.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda *args: asked.append((args[2], args[3])))
        queries.campaigns_in_sight(connection, now)
        queries.returned_counts(connection)
        queries.report_counts(connection, now - timedelta(days=1), now)
        queries.deferred(connection)
        queries.newest_suppressions(connection, 100)
        seen = list(asked)
        plans = {
            sql: [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
            for sql, values in seen
        }
    whole = [
        (sql, step)
        for sql, steps in plans.items()
        for step in steps
        if step.startswith("SCAN")
        and step.split()[1] in {"deliveries", "reports", "returned_mails", "subscribers"}
    ]
    assert whole == []

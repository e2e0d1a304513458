"""`mailer delivery list`: by state, reason and time, and as CSV however many there are."""

from __future__ import annotations

import csv
import io
import tracemalloc
from datetime import timedelta

import pytest

from mailer import clock
from mailer.application import open_site
from mailer.cli.delivery_view import CSV_COLUMNS
from mailer.cli.instants import instant
from mailer.delivery.listing import Wanted
from mailer.delivery.read import PAGE_ROWS, deliveries
from tests.cli.delivery_desk import NOW, DeliveryDesk


@pytest.fixture
def filled(desk: DeliveryDesk) -> DeliveryDesk:
    """One of each kind."""
    desk.add(state="accepted", reply_code=250, status="2.0.0")
    desk.add(
        state="rejected",
        reply_code=550,
        status="5.1.1",
        reply="<ada@example.net>: unknown",
        subscription_id=1,
    )
    desk.add(state="rejected", reply_code=550, status="5.7.1", reply="=SUM(A1) refused")
    desk.add(state="rejected", reply_code=554, status="5.7.26")
    desk.add(state="skipped", skip_reason="unsubscribed")
    desk.add(state="deferred", reply_code=451, status="4.7.1")
    return desk


def listed(desk: DeliveryDesk, *words: str) -> list[int]:
    return [each["id"] for each in desk.json("list", *words)]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (("--state", "rejected"), [4, 3, 2]),
        (("--state", "rejected", "--state", "skipped"), [5, 4, 3, 2]),
        (("--reason", "550"), [3, 2]),
        (("--reason", "5.7.1"), [3]),
        (("--reason", "5.7"), [4, 3]),
        (("--reason", "5.7.2"), []),
        (("--reason", "4.7.1"), [6]),
        (("--reason", "unsubscribed"), [5]),
        (("--reason", "550", "--state", "rejected", "--campaign", "week-48"), [3, 2]),
        (("--campaign", "week-48", "--state", "deferred"), [6]),
        (("--campaign", "week-48", "--state", "queued"), []),
        (("--limit", "2"), [6, 5]),
    ],
)
def test_states_reasons_and_campaigns_cut_together(
    filled: DeliveryDesk, words: tuple[str, ...], ids: list[int]
) -> None:
    assert listed(filled, *words) == ids


@pytest.mark.parametrize("reason", ["spam", "5", "5.7.", "5.%", "999", "", "5.1.1 "])
def test_a_reason_that_nobody_gives_is_a_matter_of_usage(filled: DeliveryDesk, reason: str) -> None:
    refused = filled.run("list", "--reason", reason)
    assert refused.exit_code == 2
    assert "give a reply code (550)" in " ".join(refused.stderr.split())


def test_since_cuts_by_the_last_thing_that_happened(desk: DeliveryDesk) -> None:
    old = desk.add(state="accepted", settled_at=NOW - timedelta(days=9), created_at=NOW - timedelta(days=9))
    late = desk.add(state="expired", settled_at=NOW, created_at=NOW - timedelta(days=9))
    assert listed(desk, "--since", "2026-11-22 09:00") == [late]
    assert listed(desk, "--since", "2026-11-22T10:00:00+01:00") == [late]
    assert listed(desk, "--since", "2026-11-22 09:01") == []
    assert listed(desk, "--since", "2026-11-01") == [late, old]


def test_since_is_meant_in_the_zone_of_the_site() -> None:
    assert instant("2026-11-22", "Europe/Berlin", hint="--since") == NOW - timedelta(hours=10)
    for text, ago in (("90m", 1.5), ("2h", 2), ("3 d", 72), ("1w", 168)):
        apart = clock.now() - instant(text, "UTC", hint="--since")
        assert abs(apart - timedelta(hours=ago)) < timedelta(minutes=1)


@pytest.mark.parametrize("text", ["yesterday", "22.11.2026", "2h ago", "", "10"])
def test_a_time_that_is_none_is_a_matter_of_usage(desk: DeliveryDesk, text: str) -> None:
    refused = desk.run("list", "--since", text or " ")
    assert refused.exit_code == 2 and "is no time: write 90m, 2h, 3d" in " ".join(refused.stderr.split())


# --- CSV ------------------------------------------------------------------------------------------


def rows_of(output: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(output, newline="")))


def test_csv_has_one_row_per_delivery_and_a_heading_for_each_cell(filled: DeliveryDesk) -> None:
    done = filled.run("list", "--csv", "--state", "rejected")
    assert done.stdout.splitlines()[0] == ",".join(CSV_COLUMNS)
    first = rows_of(done.stdout)[0]
    assert (first["id"], first["campaign"], first["state"], first["status"]) == (
        "4",
        "week-48",
        "rejected",
        "5.7.26",
    )
    assert first["created_at"] == "2026-11-22T09:00:00+00:00" and first["next_attempt_at"] == ""


def test_an_empty_csv_is_its_heading(desk: DeliveryDesk) -> None:
    assert desk.run("list", "--csv").stdout_bytes == ",".join(CSV_COLUMNS).encode() + b"\r\n"


@pytest.mark.rule("D17")
def test_no_cell_of_a_csv_is_a_formula(filled: DeliveryDesk) -> None:
    """A server writes the words of its reply; a spreadsheet must not run them."""
    third = next(row for row in rows_of(filled.run("list", "--csv").stdout) if row["id"] == "3")
    assert third["reply"] == "'=SUM(A1) refused"


@pytest.mark.rule("F5", "D23")
def test_no_list_shows_an_address_that_a_server_repeated(filled: DeliveryDesk) -> None:
    """A list of full addresses would be an export, and is not offered; one reply alone is shown in full."""
    for words in ((), ("--csv",), ("--json",)):
        shown = filled.run("list", *words).stdout
        assert "ada@" not in shown
    assert "<…@example.net>: unknown" in shown
    assert "<ada@example.net>: unknown" in filled.run("show", "2").stdout


@pytest.mark.parametrize(
    "reply", ["ada@example.net", "to=<ada@example.net>, no", "'ada@example.net'", "x ada.l+b@é.example y"]
)
def test_an_address_in_a_reply_is_shortened_wherever_it_stands(desk: DeliveryDesk, reply: str) -> None:
    desk.add(state="rejected", reply=reply)
    (found,) = desk.json("list")
    assert "ada" not in found["reply"] and "…@" in found["reply"]


def test_csv_and_json_are_one_or_the_other(desk: DeliveryDesk) -> None:
    assert desk.run("list", "--csv", "--json").exit_code == 2


def test_a_long_csv_goes_page_by_page_in_order_and_has_everybody_once(desk: DeliveryDesk) -> None:
    desk.add(2 * PAGE_ROWS + 7, state="accepted")
    for words in ((), ("--campaign", "week-48"), ("--campaign", "week-48", "--state", "accepted")):
        ids = [int(row["id"]) for row in rows_of(desk.run("list", "--csv", *words).stdout)]
        assert ids == list(range(2 * PAGE_ROWS + 7, 0, -1))
    assert len(rows_of(desk.run("list", "--csv", "--limit", str(PAGE_ROWS + 1)).stdout)) == PAGE_ROWS + 1


def test_however_many_there_are_one_page_is_in_memory(desk: DeliveryDesk) -> None:
    desk.add(8 * PAGE_ROWS, state="accepted", reply="2.0.0 Ok: queued as 4F00" * 4)
    site = open_site(desk.folder.root, {})
    try:
        next(deliveries(site.store, Wanted(), limit=1))
        tracemalloc.start()
        assert sum(1 for _ in deliveries(site.store, Wanted())) == 8 * PAGE_ROWS
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    finally:
        site.close()
    assert peak < 8_000_000

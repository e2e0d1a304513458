"""A hundred thousand rows with five per cent of every kind of damage: each ends where it belongs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailer.store.schema import LedgerEntry, Subscriber, Subscription, Suppression
from mailer.subscribers.importing import Declaration

if TYPE_CHECKING:
    from tests.importing.conftest import Office

HEAD = "Email Address,First Name,Last Name,Status,CONFIRM_TIME,CONFIRM_IP,Country,LEID,EUID\r\n"
_GOOD_DATE = "2024-05-01 10:00:00,192.0.2.7"

# What is done to a row, and the outcome it must end in. `number` makes the address unique.
DAMAGE: dict[str, tuple[Callable[[int], str], str]] = {
    "no @": (lambda n: f"person{n}.shop.example,A,B,active,{_GOOD_DATE},UK,1,2", "rejected.no_at_sign"),
    "space": (lambda n: f"per son{n}@shop.example,A,B,active,{_GOOD_DATE},UK,1,2", "rejected.local_part"),
    "dots": (lambda n: f"person{n}@shop..example,A,B,active,{_GOOD_DATE},UK,1,2", "rejected.domain"),
    "two addresses": (
        lambda n: f'"p{n}@a.example;q{n}@b.example",A,B,active,{_GOOD_DATE},UK,1,2',
        "rejected.several_addresses",
    ),
    "name and address": (
        lambda n: f'"P <person{n}@shop.example>",A,B,active,{_GOOD_DATE},UK,1,2',
        "rejected.comment_or_brackets",
    ),
    "stray quote": (lambda n: f'person{n}@shop.example,"A,B,active,{_GOOD_DATE},UK,1,2', "rejected.quotes"),
    "shifted": (lambda n: f"person{n}@shop.example,A,B,x,active,{_GOOD_DATE},UK,1,2", "rejected.cells"),
    "cut off": (lambda n: f"person{n}@shop.example,A", "rejected.cells"),
    "bad bytes": (
        lambda n: f"person{n}@shop.example,Zo\udceb,B,active,{_GOOD_DATE},UK,1,2",
        "rejected.bytes",
    ),
    "NUL": (lambda n: f"person{n}@shop.example,A\0,B,active,{_GOOD_DATE},UK,1,2", "rejected.bytes"),
    "unknown status": (lambda n: f"person{n}@shop.example,A,B,gold,{_GOOD_DATE},UK,1,2", "rejected.status"),
    "left": (lambda n: f"person{n}@shop.example,A,B,unsubscribed,,,UK,1,2", "suppressed.unsubscribed"),
    "cleaned": (lambda n: f"person{n}@shop.example,A,B,cleaned,,,UK,1,2", "suppressed.hard_bounce"),
    "no evidence": (lambda n: f"person{n}@shop.example,A,B,active,,,UK,1,2", "pending.no_evidence"),
}
_SHARE = 0.05
VOUCHED = Declaration(by="Eve")


def damaged_file(path: Path, rows: int) -> Counter[str]:
    """Write the file; returns how many rows must end in each outcome."""
    dice = random.Random(2026)
    kinds, expected = list(DAMAGE), Counter[str]()
    good: list[int] = []
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(HEAD)
        for number in range(rows):
            kind = int(dice.random() / _SHARE)
            if kind < len(kinds):
                make, outcome = DAMAGE[kinds[kind]]
                file.write(make(number) + "\r\n")
            elif kind == len(kinds) and good:
                outcome = "already.duplicate"
                file.write(f"PERSON{dice.choice(good)}@Shop.Example,A,B,active,{_GOOD_DATE},UK,1,2\r\n")
            else:
                outcome = "confirmed"
                good.append(number)
                file.write(f'person{number}@shop.example,"Ada, Countess","L",active,{_GOOD_DATE},UK,1,2\r\n')
            expected[outcome] += 1
    return expected


@pytest.mark.rule("D18", "C29", "B20")
def test_every_damaged_row_is_counted_under_its_reason_and_every_good_one_enters(
    sqlite_office: Office, tmp_path: Path
) -> None:
    expected = damaged_file(tmp_path / "people.csv", 100_000)
    report = sqlite_office.run(
        tmp_path / "people.csv", reject_bad_bytes=True, rejects=tmp_path / "rejects.csv", declaration=VOUCHED
    )
    assert report.counts == expected
    assert report.rows == 100_000
    entered = expected["confirmed"] + expected["pending.no_evidence"]
    refused = expected["suppressed.unsubscribed"] + expected["suppressed.hard_bounce"]
    assert sqlite_office.count(Subscriber) == sqlite_office.count(Subscription) == entered
    assert sqlite_office.count(Suppression) == refused
    assert sqlite_office.count(LedgerEntry) == entered + refused + 1
    rejected = sum(number for key, number in expected.items() if key.startswith("rejected."))
    assert (tmp_path / "rejects.csv").read_bytes().count(b"\r\n") == rejected + 1


def test_the_same_damage_in_a_small_file_comes_out_the_same_in_a_dry_run(
    office: Office, tmp_path: Path
) -> None:
    expected = damaged_file(tmp_path / "people.csv", 1500)
    dry = office.run(tmp_path / "people.csv", reject_bad_bytes=True, declaration=VOUCHED, dry_run=True)
    real = office.run(tmp_path / "people.csv", reject_bad_bytes=True, declaration=VOUCHED)
    assert dry.counts == real.counts == expected

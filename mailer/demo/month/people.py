"""The people of the month, what is true of each mailbox, and the files that they are imported from."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mailer.demo.month.plan import Plan
from mailer.demo.month.providers import Provider, pick_provider, providers

_FIRST = (
    "Ada Ben Cleo Dora Emil Fay Gus Hana Ida Jan Kai Lea Max Nils Ole Pia Rosa Sam Tom Uma Vera Wim Yara Zoe"
)
_LAST = "Ohm Volt Ampere Watt Farad Henry Tesla Weber Hertz Joule Kelvin Lux Mol Newton Pascal Siemens"
#: The files, with their share of the people; the last is the bought one.
GOOD_FILES = (("shop-customers", 0.7), ("trade-fair", 0.3))
BOUGHT = "bought-addresses"
#: As many bought addresses as this share of the readers, and how many of them exist no more.
_BOUGHT_SHARE, _BOUGHT_DEAD = 0.12, 0.55
#: Of ordinary readers: gone before the month, gone in the course of it, full for days, full for good.
_DEAD, _DIES, _FULL, _ABANDONED = 0.002, 0.004, 0.006, 0.001


@dataclass(frozen=True, slots=True)
class Person:
    """A mailbox and its fate: all that the simulation knows to be true."""

    number: int
    name: str
    address: str
    provider: Provider
    file: str
    dead_from: datetime | None = None
    full_from: datetime | None = None
    full_until: datetime | None = None

    def is_dead(self, at: datetime) -> bool:
        """Whether the address does not exist any more."""
        return self.dead_from is not None and self.dead_from <= at

    def is_full(self, at: datetime) -> bool:
        """Whether nothing fits into the mailbox."""
        return (
            self.full_from is not None
            and self.full_until is not None
            and self.full_from <= at < self.full_until
        )


def population(plan: Plan) -> list[Person]:
    """Everybody, the bought addresses last."""
    known = providers()
    bought = round(plan.people * _BOUGHT_SHARE)
    return [_person(plan, number, known) for number in range(plan.people + bought)]


def _person(plan: Plan, number: int, known: tuple[Provider, ...]) -> Person:
    dice = plan.dice("person", number)
    name, last = dice.choice(_FIRST.split()), dice.choice(_LAST.split())
    provider = pick_provider(plan, number, known)
    is_bought = number >= plan.people
    threshold = GOOD_FILES[0][1] * plan.people
    file = BOUGHT if is_bought else GOOD_FILES[number >= threshold][0]
    fate = dice.random()
    dead_from = full_from = full_until = None
    if is_bought:
        dead_from = plan.start if fate < _BOUGHT_DEAD else None
    elif fate < _DEAD:
        dead_from = plan.start
    elif fate < _DEAD + _DIES:
        dead_from = plan.start + timedelta(days=plan.days * dice.random())
    elif fate < _DEAD + _DIES + _FULL:
        full_from = plan.start + timedelta(days=plan.days * dice.random())
        full_until = full_from + timedelta(days=dice.uniform(2, 8))
    elif fate < _DEAD + _DIES + _FULL + _ABANDONED:
        full_from, full_until = plan.start, plan.end + timedelta(days=365)
    address = f"{name}.{last}.{number}@{provider.domain}".lower()
    return Person(number, name, address, provider, file, dead_from, full_from, full_until)


def write_file(path: Path, people: Iterable[Person]) -> None:
    """The export of an old tool: an address, a name, when and from where it was confirmed."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(_rows(people))


def _rows(people: Iterable[Person]) -> Iterator[list[str]]:
    yield ["Email", "First Name", "Status", "Confirmed at", "Confirm IP"]
    for person in people:
        yield [person.address, person.name, "subscribed", "2024-03-01 10:00:00", "192.0.2.7"]

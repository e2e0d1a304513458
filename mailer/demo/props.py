"""What the demo plays with: the people, the old tool's file, two campaigns."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

LIST = "news"
FIRST, FIRST_SUBJECT = "week-47", "Week 47: a bench supply from the parts drawer"
SECOND, SECOND_SUBJECT = "week-48", "Week 48: seven ways to kill a capacitor"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who meets the sign-up form."""

    name: str
    address: str


ADA = Person("Ada", "ada@example.net")
BEN = Person("Ben", "ben@example.org")
DORA = Person("Dora", "dora@example.com")
EVE = Person("Eve", "eve@example.net")
PEOPLE = (ADA, BEN, DORA, EVE)

#: In the old tool's file with evidence; the server knows the second no more.
_READERS = 60
GONE = "gone@example.org"
#: In the file, and never to be mailed: left, without evidence, not an address.
NEVER = ("left@example.org", "no-evidence@example.org", "not an address")

IMPORT_OPTIONS = ("--list", LIST, "--source", "old newsletter tool", "--declared-by", "Mira Volt")
#: Ada, Ben, the readers and the address that is gone; then without Ada and without that address.
EXPECTED_FIRST = 2 + _READERS + 1
EXPECTED_SECOND = EXPECTED_FIRST - 2

INIT_OPTIONS = (
    *("--name", "Ohm & Volt", "--legal-name", "Ohm & Volt Electronics GmbH"),
    *("--postal-address", "Lötstraße 12, 10115 Berlin, Germany"),
    *("--privacy-contact", "privacy@ohm-and-volt.example"),
    *("--from", "Ohm & Volt <news@ohm-and-volt.example>"),
)

_FIRST_CAMPAIGN = f"""---
subject: "{FIRST_SUBJECT}"
preheader: Rail-to-rail op-amps are back, and one circuit for the weekend.
list: {LIST}
---

# A bench supply from the parts drawer

Hello {{{{ subscriber.first_name | default("there") }}}},

it is soldering weather. This week: a part that was gone for seven months, and a circuit that fits
on half a stripboard.

## Back on the shelf

**OPA2192, dual rail-to-rail op-amp, SOIC-8.** We have 2,400 pieces, no more than 50 per order, so
that a hobby bench gets some as well as a factory does.

{{% if subscriber.first_name %}}
A word to you alone, {{{{ subscriber.first_name }}}}: put a heatsink on it anyway.
{{% else %}}
Put a heatsink on it anyway.
{{% endif %}}
"""

_SECOND_CAMPAIGN = f"""---
subject: "{SECOND_SUBJECT}"
preheader: Reverse it, overheat it, forget it in a drawer for twenty years.
list: {LIST}
---

# Seven ways to kill a capacitor

Hello {{{{ subscriber.first_name | default("there") }}}},

reverse it, overheat it, ripple it, bend its legs, wash it, trust its label, or forget it in a
drawer for twenty years. We tried all of them, so that you need not.
"""


def write_campaigns(site: Path) -> None:
    """Two campaign folders, as staff would write them."""
    for slug, text in ((FIRST, _FIRST_CAMPAIGN), (SECOND, _SECOND_CAMPAIGN)):
        folder = site / "campaigns" / slug
        folder.mkdir(parents=True)
        (folder / "campaign.md").write_text(text, encoding="utf-8")


def write_csv(path: Path) -> None:
    """The old tool's export: evidence per row, a person who left, damage, the same person twice."""
    rows = [
        ["Email", "First Name", "Status", "Confirmed at", "Confirm IP"],
        *(_confirmed(f"reader{number}@example.com", f"Reader {number}") for number in range(_READERS)),
        _confirmed("READER1@example.com", "The same reader again"),
        _confirmed(GONE, "Gone"),
        [NEVER[0], "Lena", "unsubscribed", "2024-03-01 10:00:00", "192.0.2.8"],
        [NEVER[1], "Nora", "subscribed", "", ""],
        [NEVER[2], "Nobody", "subscribed", "2024-03-01 10:00:00", "192.0.2.9"],
    ]
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=";").writerows(rows)


def _confirmed(address: str, name: str) -> list[str]:
    return [address, name, "subscribed", "2024-03-01 10:00:00", "192.0.2.7"]

"""The values that pass between the steps of one slice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mailer.subscribers.importing.decisions import Decision, Held
from mailer.subscribers.importing.options import Declaration
from mailer.subscribers.importing.rows import ImportRow


@dataclass(frozen=True, slots=True)
class Target:
    """Where the people of one import go, and what is said of all of them."""

    list_id: int
    list_name: str
    source: str  #: "import:<file>"
    origin: str  #: where the addresses come from, in words
    language: str
    declaration: Declaration
    invite: bool


@dataclass(slots=True)
class Decided:
    """One row with its decision and, once written, its rows' ids."""

    row: ImportRow
    held: Held
    decision: Decision
    subscriber_id: int = 0
    subscription_id: int = 0
    ledger_id: int = 0
    delivery_id: int | None = None
    due: datetime | None = None  #: of its invitation

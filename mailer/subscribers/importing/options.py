"""What the operator says about an import: who vouches for it, and how the file is to be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path


class Standing(StrEnum):
    """Where the old tool says a person stands."""

    SUBSCRIBED = "subscribed"
    UNCONFIRMED = "unconfirmed"
    LEFT = "unsubscribed"
    CLEANED = "cleaned"  #: its mail came back
    COMPLAINED = "complained"
    BLOCKED = "blocked"  #: by whom, the export does not say
    DISABLED = "disabled"  #: by staff


@dataclass(frozen=True, slots=True)
class Declaration:
    """The operator's word on the consent of the people in the file (C29).

    `by` is who vouches. `consent_date` and `evidence` stand in for rows that carry none of their
    own: when these people agreed, and where the proof of it is kept.
    """

    by: str | None = None
    source: str | None = None  #: where the addresses come from, in words
    consent_date: date | None = None
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How one file is imported."""

    dry_run: bool = False
    invite: bool = False  #: queue one confirmation mail for each row that enters as pending
    declaration: Declaration = field(default_factory=Declaration)
    treat_as: Standing | None = None  #: for rows that do not say where they stand
    email_column: str | None = None
    encoding: str | None = None  #: found out from the file when not given
    delimiter: str | None = None
    reject_bad_bytes: bool = False  #: leave undecodable rows out instead of refusing the file
    rejects: Path | None = None  #: write what was rejected to this CSV file

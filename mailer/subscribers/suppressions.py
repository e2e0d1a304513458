"""Remember who is not mailed and why, and lift it only as the policy table allows (B20, law 7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailer import clock
from mailer.addresses import EmailAddress, parse_address
from mailer.audit import Ledger
from mailer.errors import MailerError
from mailer.keyring import Secrets, address_hash
from mailer.settings import Settings
from mailer.store import Store
from mailer.store.vocabulary import ALL_LISTS, SkipReason, Stream, SuppressionReason
from mailer.subscribers import queries
from mailer.subscribers.lists import ListUnknown
from mailer.subscribers.model import LIFTED_BY_CONFIRMING, SUPPRESSION_POLICY, StaffLift

_PAGE = 500


class SuppressionMissing(MailerError):
    """This address is not suppressed for that reason."""


class LiftRefused(MailerError):
    """The policy does not let staff lift this suppression."""


@dataclass(frozen=True, slots=True)
class Block:
    """A suppression to record."""

    email_hash: bytes
    reason: SuppressionReason
    source: str  #: "staff", "link", "smtp", "import:<name>"
    list_id: int = ALL_LISTS
    note: str | None = None


@dataclass(frozen=True, slots=True)
class SuppressionRow:
    """One suppression as staff see it."""

    masked: str | None  #: `a…@example.net` while the address is still stored
    hash: str  #: the first half of the keyed hash, in hex: enough to tell rows apart
    reason: SuppressionReason
    list_name: str | None  #: None: every list
    source: str
    note: str | None
    created_at: datetime


def suppress(connection: Connection, ledger: Ledger, block: Block) -> bool:
    """Record a suppression, settle what waits for the address, end what the policy says it ends.

    Inside the caller's transaction; False when it was known already.
    """
    now = clock.now()
    person = queries.lock_person_of_hash(connection, block.email_hash)
    new = queries.add_suppression(
        connection,
        email_hash=block.email_hash,
        list_id=block.list_id,
        reason=block.reason,
        source=block.source,
        note=block.note,
        now=now,
    )
    if person:
        _stop(connection, person, block, now=now)
    if new:
        why, by = block.note, block.source
        _record(connection, ledger, "suppressed", block.email_hash, reason=block.reason, why=why, by=by)
    return new


def _stop(connection: Connection, person: int, block: Block, *, now: datetime) -> None:
    scope = None if block.list_id == ALL_LISTS else block.list_id
    ids = [row.subscription_id for row in queries.standings_of_person(connection, person, list_id=scope)]
    queries.skip_waiting(connection, ids, reason=SkipReason.SUPPRESSED, now=now)
    if SUPPRESSION_POLICY[block.reason].ends_subscriptions:
        queries.end_subscriptions(connection, ids, now=now)


def lift_by_confirming(
    connection: Connection, email_hash: bytes, *, list_id: int, now: datetime
) -> set[SuppressionReason]:
    """Lift, for one list, what the person's own confirmation lifts; other lists stay as they were."""
    removed = queries.remove_suppressions(
        connection, email_hash, reasons=LIFTED_BY_CONFIRMING, list_ids=(ALL_LISTS, list_id)
    )
    for row in removed:
        if row.list_id == ALL_LISTS:
            _keep_elsewhere(connection, email_hash, reason=row.reason, list_id=list_id, now=now)
    return {row.reason for row in removed}


def _keep_elsewhere(
    connection: Connection, email_hash: bytes, *, reason: SuppressionReason, list_id: int, now: datetime
) -> None:
    """Turn a "no" to every list into a "no" to every list but one."""
    for other in queries.other_list_ids(connection, list_id):
        queries.add_suppression(
            connection, email_hash=email_hash, list_id=other, reason=reason, source="all lists", now=now
        )


class Suppressions:
    """What staff may see and do about suppressed addresses."""

    def __init__(self, store: Store, settings: Settings, secrets: Secrets, ledger: Ledger) -> None:
        self._store = store
        self._lists = ", ".join(settings.lists)
        self._secrets = secrets
        self._ledger = ledger

    def add(
        self,
        address: EmailAddress,
        reason: SuppressionReason,
        *,
        list_name: str | None = None,
        note: str | None = None,
        source: str = "staff",
    ) -> bool:
        """Suppress an address, on one list or on all, at once; False when it was so already.

        Raises ListUnknown.
        """
        with self._store.write() as connection:
            block = Block(
                email_hash=address_hash(self._secrets, address),
                reason=reason,
                source=source,
                list_id=self._scope(connection, list_name),
                note=note,
            )
            return suppress(connection, self._ledger, block)

    def _scope(self, connection: Connection, list_name: str | None) -> int:
        """A list's id, removed lists included: their old links still work (law 6)."""
        if list_name is None:
            return ALL_LISTS
        found = queries.list_by_name(connection, list_name)
        if found is None:
            raise ListUnknown(f"There is no list named {list_name!r}; the lists are: {self._lists}.")
        return found.id

    def lift(self, address: EmailAddress, reason: SuppressionReason, *, why: str) -> StaffLift:
        """Lift a suppression on every list it covers, as far as the policy allows; says how far that is.

        Raises LiftRefused (the policy, or no reason given) and SuppressionMissing.
        """
        policy = SUPPRESSION_POLICY[reason]
        if policy.staff_lift is StaffLift.NEVER:
            raise LiftRefused(policy.staff_ground, reason=reason.value)
        if not why.strip():
            raise LiftRefused(f"Lifting needs a reason. {policy.staff_ground}", reason=reason.value)
        with self._store.write() as connection:
            self._lift(connection, address, reason, why=why.strip())
        return policy.staff_lift

    def _lift(
        self, connection: Connection, address: EmailAddress, reason: SuppressionReason, *, why: str
    ) -> None:
        email_hash = address_hash(self._secrets, address)
        queries.lock_person_of_hash(connection, email_hash)
        scopes = [
            row.list_id for row in queries.suppressions_of(connection, email_hash) if row.reason is reason
        ]
        if not scopes:
            raise SuppressionMissing(
                f"This address is not suppressed as {reason.value}.", reason=reason.value
            )
        queries.remove_suppressions(connection, email_hash, reasons=[reason], list_ids=scopes)
        if SUPPRESSION_POLICY[reason].staff_lift is StaffLift.CLEARS_THE_WAY:
            for scope in scopes:
                queries.add_suppression(
                    connection,
                    email_hash=email_hash,
                    list_id=scope,
                    reason=SuppressionReason.UNSUBSCRIBED,
                    source="staff",
                    note=f"was {reason.value}",
                    now=clock.now(),
                )
        _record(connection, self._ledger, "lifted", email_hash, reason=reason, why=why, by="staff")

    def list(self, reason: SuppressionReason | None = None) -> Iterator[SuppressionRow]:
        """Every suppression, oldest first, read in pages; addresses are masked."""
        after_id = 0
        while True:
            with self._store.read() as connection:
                page = queries.list_suppressions(connection, reason=reason, after_id=after_id, limit=_PAGE)
            for row in page:
                yield SuppressionRow(
                    masked=parse_address(row.email).masked if row.email else None,
                    hash=row.email_hash.hex()[:32],
                    reason=row.reason,
                    list_name=row.list,
                    source=row.source,
                    note=row.note,
                    created_at=row.created_at,
                )
            if len(page) < _PAGE:
                return
            after_id = page[-1].id


def _record(
    connection: Connection,
    ledger: Ledger,
    event: str,
    email_hash: bytes,
    *,
    reason: SuppressionReason,
    why: str | None,
    by: str,
) -> None:
    ledger.append(
        connection,
        stream=Stream.CONSENT,
        event=event,
        subject=email_hash,
        payload={"reason": reason.value, "why": why, "by": by},
    )

"""Take due deliveries in small batches; the same transaction reads who may still be mailed (law 3, A58)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from mailer import clock
from mailer.delivery import queries
from mailer.delivery.places import Places
from mailer.delivery.queries import Candidate, ClaimedCampaign
from mailer.store import Store
from mailer.store.lookups import look_up_only
from mailer.store.vocabulary import (
    SYSTEM_STREAM,
    CampaignState,
    DeliveryKind,
    DeliveryState,
    SkipReason,
    SubscriptionState,
    SuppressionReason,
)
from mailer.subscribers.confirmation import ConfirmationRecipient, confirmation_recipients

# Law 3: an older reading is read again before MAIL FROM.
MAX_AGE_SECONDS = 2.0

# Of what a database stores as JSON: nothing stands before the value, nothing after it.
_decoded = json.JSONDecoder().raw_decode
_KINDS = {kind.value: kind for kind in DeliveryKind}


class Claim(NamedTuple):
    """One delivery in this worker's hand, with everything its message is made from."""

    id: int
    kind: DeliveryKind
    stream: int
    domain: str  #: the recipient's, in lower case
    attempts: int
    context: Mapping[str, Any]  #: what a proof says of itself
    confirmation: ConfirmationRecipient | None  #: of a confirmation mail
    subscription_id: int | None
    subscription_tag: bytes
    email: str
    language: str
    fields: Mapping[str, Any]
    campaign_tag: bytes
    artefact_hash: str
    read_at: float  #: clock.monotonic() when the state behind this claim was read

    @property
    def is_system(self) -> bool:
        """Whether it belongs to the stream that goes first."""
        return self.stream == SYSTEM_STREAM

    def is_stale(self) -> bool:
        """Whether it must be read again before MAIL FROM."""
        return clock.monotonic() - self.read_at > MAX_AGE_SECONDS


@dataclass(frozen=True, slots=True)
class Skip:
    """A delivery that may not leave, and why."""

    delivery_id: int
    reason: SkipReason
    words: str | None = None
    stream: int = SYSTEM_STREAM  #: the campaign it belongs to


@dataclass(frozen=True, slots=True)
class Recheck:
    """What a second reading made of claims in hand."""

    fresh: tuple[Claim, ...]
    released: int = 0
    skipped: int = 0


class Claims:
    """Claiming and re-reading for one worker; every method is one short transaction."""

    def __init__(self, store: Store, worker_id: int) -> None:
        self._store = store
        self._worker_id = worker_id
        self._turn = 0
        self._places = Places()

    def take_system(self, limit: int) -> list[Claim]:
        """Due system mail."""
        return self._take(lambda _: (SYSTEM_STREAM,), limit)

    def take_campaigns(self, limit: int) -> list[Claim]:
        """Due mail of the campaigns that are sending, each campaign first in its turn."""
        self._turn += 1
        return self._take(self._in_turn, limit)

    def _in_turn(self, sending: Sequence[int]) -> Sequence[int]:
        first = self._turn % len(sending) if sending else 0
        return (*sending[first:], *sending[:first])

    def _take(self, pick: Callable[[Sequence[int]], Sequence[int]], limit: int) -> list[Claim]:
        now = clock.now()
        # SQLite's one write lock is not taken in vain; PostgreSQL has none.
        if self._store.is_sqlite and not self._is_due(pick, now):
            return []
        with self._store.write() as connection:
            look_up_only(connection)
            read_at = clock.monotonic()
            sending = queries.sending_campaigns(connection)
            rows: list[Candidate] = []
            for stream in pick(tuple(sending)):
                if len(rows) < limit:
                    rows += self._places.due(connection, stream, now, limit=limit - len(rows))
            judged = self._judge(connection, rows, campaigns=sending)
            queries.mark_claimed(connection, [row.id for row in judged.fit], worker_id=self._worker_id)
            self._skip(connection, judged.skips, now)
        if not self._store.is_sqlite:
            self._places.passed(rows)
        # Made of what was read, but not while others wait for SQLite's write lock.
        return judged.claims(sending, read_at=read_at)

    def _is_due(self, pick: Callable[[Sequence[int]], Sequence[int]], now: datetime) -> bool:
        with self._store.read() as connection:
            streams = pick(tuple(queries.sending_campaigns(connection)))
            return any(queries.is_due(connection, stream, now) for stream in streams)

    def recheck(self, claims: Sequence[Claim]) -> Recheck:
        """Read again what stands behind claims in hand; what may not leave is put down at once."""
        if not claims:
            return Recheck(())
        now = clock.now()
        read_at = clock.monotonic()
        ids = [claim.id for claim in claims]
        with self._store.read() as connection:
            look_up_only(connection)
            rows = queries.eligibility(connection, ids)
            campaigns = queries.campaigns(connection, {row.campaign_id for row in rows if row.campaign_id})
            judged = self._judge(connection, rows, campaigns=campaigns)
        if judged.skips or judged.waiting:
            with self._store.write() as connection:
                look_up_only(connection)
                self._skip(connection, judged.skips, now)
                queries.release(connection, judged.waiting, worker_id=self._worker_id, now=now)
        fresh = judged.claims(campaigns, read_at=read_at)
        return Recheck(tuple(fresh), released=len(judged.waiting), skipped=len(judged.skips))

    def release(self, ids: Sequence[int]) -> None:
        """Give unsent claims back."""
        with self._store.write() as connection:
            look_up_only(connection)
            queries.release(connection, ids, worker_id=self._worker_id, now=clock.now())

    def skip(self, skips: Sequence[Skip]) -> None:
        """Settle claims that cannot be sent."""
        with self._store.write() as connection:
            look_up_only(connection)
            self._skip(connection, skips, clock.now())

    def _skip(self, connection: Connection, skips: Sequence[Skip], now: datetime) -> None:
        rows = [(skip.delivery_id, skip.reason, skip.words) for skip in skips]
        queries.mark_skipped(connection, rows, worker_id=self._worker_id, now=now)

    def _judge(
        self,
        connection: Connection,
        found: Sequence[Candidate],
        *,
        campaigns: Mapping[int, ClaimedCampaign],
    ) -> _Judged:
        """Split deliveries into those that may leave, those that never may, and those that must wait."""
        rows = [row for row in found if self._is_ours(row)]
        asked = [row.id for row in rows if row.kind == DeliveryKind.CONFIRMATION]
        confirmations = confirmation_recipients(connection, asked) if asked else {}
        suppressed = queries.suppressions(
            connection, {row.email_hash for row in rows if row.email_hash and row.suppressed}
        )
        judged = _Judged(confirmations)
        for row in rows:
            verdict = _hindrance(row, suppressed, confirmations)
            campaign = campaigns.get(row.campaign_id or 0)
            if verdict is not None:
                judged.skips.append(Skip(row.id, verdict))
            elif row.kind == DeliveryKind.CAMPAIGN and not _is_sending(campaign):
                judged.waiting.append(row.id)
            else:
                judged.fit.append(row)
        return judged

    def _is_ours(self, row: Candidate) -> bool:
        return row.state != DeliveryState.ATTEMPTING or row.worker_id == self._worker_id


@dataclass(frozen=True, slots=True)
class _Judged:
    """Deliveries by what may become of them now."""

    confirmations: Mapping[int, ConfirmationRecipient | SkipReason]
    fit: list[Candidate] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)

    def claims(self, campaigns: Mapping[int, ClaimedCampaign], *, read_at: float) -> list[Claim]:
        """Those that may leave, with everything their messages are made from."""
        return [
            _as_claim(
                row, campaigns.get(row.campaign_id or 0), self.confirmations.get(row.id), read_at=read_at
            )
            for row in self.fit
        ]


def _is_sending(campaign: ClaimedCampaign | None) -> bool:
    return campaign is not None and campaign.state is CampaignState.SENDING


#: List (0: every list) and reason of each suppression of an address, by its keyed hash.
Suppressed = Mapping[bytes, Sequence[tuple[int, SuppressionReason]]]


def _reasons(row: Candidate, suppressed: Suppressed) -> list[SuppressionReason]:
    if not row.suppressed or row.email_hash is None or row.list_id is None:
        return []
    found = suppressed.get(row.email_hash, ())
    return [reason for list_id, reason in found if queries.applies_to(row.list_id, list_id)]


def _hindrance(
    row: Candidate,
    suppressed: Suppressed,
    confirmations: Mapping[int, ConfirmationRecipient | SkipReason],
) -> SkipReason | None:
    """Why this delivery may never leave, or None."""
    if row.kind == DeliveryKind.PROOF:
        return None if row.context else SkipReason.ERASED
    if row.kind == DeliveryKind.CONFIRMATION:
        judged = confirmations.get(row.id, SkipReason.ERASED)
        return judged if isinstance(judged, SkipReason) else None
    if row.subscription_tag is None:
        return SkipReason.ERASED
    if row.subscription_state == SubscriptionState.UNSUBSCRIBED:
        return SkipReason.UNSUBSCRIBED
    if reasons := _reasons(row, suppressed):
        only_left = all(reason is SuppressionReason.UNSUBSCRIBED for reason in reasons)
        return SkipReason.UNSUBSCRIBED if only_left else SkipReason.SUPPRESSED
    # F1: only a confirmed subscription is ever mailed.
    return None if row.subscription_state == SubscriptionState.CONFIRMED else SkipReason.STALE


def _as_claim(
    row: Candidate,
    campaign: ClaimedCampaign | None,
    confirmation: ConfirmationRecipient | SkipReason | None,
    *,
    read_at: float,
) -> Claim:
    return Claim(  # by place: for each message that is sent, names would take as long as the rest
        row.id,
        _KINDS[row.kind],
        row.stream,
        row.domain,
        row.attempts,
        row.context or {},
        confirmation if isinstance(confirmation, ConfirmationRecipient) else None,
        row.subscription_id,
        row.subscription_tag or b"",
        row.email or "",
        row.language or "",
        _decoded(row.fields)[0] if row.fields else {},
        campaign.tag if campaign else b"",
        campaign.artefact_hash if campaign else "",
        read_at,
    )

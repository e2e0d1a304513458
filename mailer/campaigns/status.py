"""Where a campaign stands, person by person, such that the sum is always its audience (law 1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from mailer.campaigns import queries
from mailer.campaigns.queries import CampaignRow
from mailer.store.vocabulary import CampaignState, DeliveryState

_WAITING = (DeliveryState.QUEUED, DeliveryState.ATTEMPTING, DeliveryState.DEFERRED)
_REPLIES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ReplyCount:
    """One kind of answer by the receiving servers, how often, and one example of its words."""

    reply_code: int
    status: str | None
    example: str
    count: int


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """One campaign at one moment; `audience` is the sum of everything else that is counted."""

    id: int
    slug: str
    subject: str
    state: CampaignState
    reason: str | None
    scheduled_at: datetime
    timezone: str
    started_at: datetime | None
    finished_at: datetime | None
    artefact_hash: str
    expected_count: int
    audience: int  #: people this sending is for; 0 before it starts
    not_materialised: int
    counts: Mapping[DeliveryState, int]
    skipped: Mapping[str, int]  #: by reason
    replies: tuple[ReplyCount, ...] = field(default=())
    breaker: str | None = None  #: the circuit breaker that paused it
    complaints: int = 0  #: readers who reported it as spam

    @property
    def waiting(self) -> int:
        """People to whom something will still happen."""
        return self.not_materialised + sum(self.counts.get(state, 0) for state in _WAITING)

    @property
    def settled(self) -> int:
        """People whose delivery has come to its end."""
        return self.audience - self.waiting

    @property
    def complaint_rate(self) -> float | None:
        """Complaints per accepted message (B9); None while nothing was accepted."""
        accepted = self.counts.get(DeliveryState.ACCEPTED, 0)
        return self.complaints / accepted if accepted else None

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in (CampaignState.CANCELLED, CampaignState.FINISHED)

    def as_json(self) -> dict[str, object]:
        """What `--json` shows."""
        return {
            "id": self.id,
            "slug": self.slug,
            "subject": self.subject,
            "state": self.state.value,
            "reason": self.reason,
            "breaker": self.breaker,
            "complaints": self.complaints,
            "complaint_rate": self.complaint_rate,
            "scheduled_at": self.scheduled_at.isoformat(),
            "timezone": self.timezone,
            "started_at": _text(self.started_at),
            "finished_at": _text(self.finished_at),
            "artefact": self.artefact_hash,
            "expected": self.expected_count,
            "audience": self.audience,
            "not_materialised": self.not_materialised,
            **{state.value: self.counts.get(state, 0) for state in DeliveryState},
            "skipped_by_reason": dict(self.skipped),
            "replies": [
                {"code": r.reply_code, "status": r.status, "example": r.example, "count": r.count}
                for r in self.replies
            ],
        }


def status_of(connection: Connection, campaign: CampaignRow) -> CampaignStatus:
    """Count one campaign; the connection's snapshot makes the sum exact."""
    counts, skipped = _tally(queries.delivery_counts(connection, campaign.id))
    rows = sum(counts.values())
    written_out = campaign.started_at is None or campaign.materialised_upto >= campaign.audience_bound
    # Once all is written out the rows are the truth: the stored size may still count someone erased.
    audience = rows if written_out else max(rows, campaign.audience_count)
    return CampaignStatus(
        id=campaign.id,
        slug=campaign.slug,
        subject=campaign.subject,
        state=campaign.state,
        reason=campaign.reason,
        breaker=campaign.breaker,
        complaints=queries.complaint_count(connection, campaign.id),
        scheduled_at=campaign.scheduled_at,
        timezone=campaign.timezone,
        started_at=campaign.started_at,
        finished_at=campaign.finished_at,
        artefact_hash=campaign.artefact_hash,
        expected_count=campaign.expected_count,
        audience=audience,
        not_materialised=audience - rows,
        counts=counts,
        skipped=skipped,
        replies=tuple(
            ReplyCount(code, status, reply or "", count)
            for code, status, reply, count in queries.reply_samples(connection, campaign.id, _REPLIES_SHOWN)
        ),
    )


def _tally(
    rows: Iterable[tuple[DeliveryState, str | None, int]],
) -> tuple[dict[DeliveryState, int], dict[str, int]]:
    counts: dict[DeliveryState, int] = {}
    skipped: dict[str, int] = {}
    for state, reason, count in rows:
        counts[state] = counts.get(state, 0) + count
        if state is DeliveryState.SKIPPED:
            skipped[str(reason)] = count
    return counts, skipped


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()

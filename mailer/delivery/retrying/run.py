"""Make deliveries due again by order of staff: in slices, each with its record in the ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from mailer import clock
from mailer.audit import Ledger
from mailer.delivery.again import held_campaigns, put_back
from mailer.delivery.retrying.candidates import Asked, slice_of
from mailer.delivery.retrying.rules import RETRYABLE, Candidate, Refusal, refusal
from mailer.store import Store
from mailer.store.vocabulary import CampaignState, DeliveryState, Stream

# Rows per transaction: a few ms of SQLite's write lock.
SLICE_ROWS = 500
_WHY = "retry"


@dataclass
class Retried:
    """What came of an order: how many are due now, and which are not, by reason."""

    due: Counter[DeliveryState] = field(default_factory=Counter)  #: by the state they were in
    refused: dict[Refusal, list[int]] = field(default_factory=lambda: defaultdict(list))
    held: dict[str, CampaignState] = field(default_factory=dict)  #: campaigns that do not send now, by slug

    @property
    def count(self) -> int:
        """How many are due now."""
        return self.due.total()


def retry(
    store: Store, ledger: Ledger, asked: Asked, *, mended: str | None = None, dry_run: bool = False
) -> Retried:
    """Make due now what may be tried again.

    `mended` says what was done about the cause of policy rejections, or of messages that could not be
    made, and lets those through. With
    `dry_run` nothing changes and `held` also names the finished campaigns that would send again.
    Claims still judge each of them: whoever left, or is suppressed, gets nothing (law 3).
    """
    done = Retried()
    streams: set[int] = set()
    seen: set[int] = set()
    for portion in asked.portions(SLICE_ROWS):
        for candidates in _slices(store, ledger, portion, mended=mended, done=done, dry_run=dry_run):
            streams |= {each.stream for each in candidates}
            if asked.ids:
                seen |= {each.id for each in candidates}
    if missing := sorted(set(asked.ids) - seen):
        done.refused[Refusal.MISSING] = missing
    with store.read() as connection:
        done.held = held_campaigns(connection, streams) if done.count else {}
    return done


def _slices(
    store: Store, ledger: Ledger, asked: Asked, *, mended: str | None, done: Retried, dry_run: bool
) -> Iterator[Sequence[Candidate]]:
    above = 0
    while True:
        with store.read() if dry_run else store.write() as connection:
            candidates = slice_of(connection, asked, above=above, limit=SLICE_ROWS, lock=not dry_run)
            good, refused = _sorted_out(candidates, mended=mended)
            if not dry_run and good:
                _put_back(connection, ledger, good, asked=asked, mended=mended)
        done.due.update(each.state for each in good)
        for each, reason in refused:
            done.refused[reason].append(each.id)
        yield candidates
        if len(candidates) < SLICE_ROWS:
            return
        above = candidates[-1].id
        store.let_others_write()


def _sorted_out(
    candidates: Sequence[Candidate], *, mended: str | None
) -> tuple[list[Candidate], list[tuple[Candidate, Refusal]]]:
    """Those that may be tried again, and the others, each with its reason."""
    judged = [(each, refusal(each, mended=mended is not None)) for each in candidates]
    good = [each for each, reason in judged if reason is None]
    return good, [(each, reason) for each, reason in judged if reason is not None]


def _put_back(
    connection: Connection, ledger: Ledger, good: Sequence[Candidate], *, asked: Asked, mended: str | None
) -> None:
    ids = [each.id for each in good]
    put_back(connection, ledger, ids, was=RETRYABLE, now=clock.now(), reason=_WHY)
    payload = {
        "asked": asked.as_record(),
        "deliveries": len(ids),
        "first": ids[0],
        "last": ids[-1],
        "was": {state.value: count for state, count in Counter(each.state for each in good).items()},
        "mended": mended,
    }
    ledger.append(connection, stream=Stream.AUDIT, event="retry", payload=payload)

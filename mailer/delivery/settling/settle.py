"""Write down what deliveries turned out to be: by a log, by an operator's word, by a report."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy.engine import Connection

from mailer import clock
from mailer.audit import Ledger
from mailer.delivery.again import put_back
from mailer.delivery.settling import queries
from mailer.delivery.settling.queries import Chosen
from mailer.delivery.settling.verdicts import Finding, Verdict
from mailer.store import Store
from mailer.store.vocabulary import DeliveryState, Stream

_SLICE_ROWS = 200
_UNKNOWN = frozenset({DeliveryState.UNKNOWN})
#: A report proves a copy also where a lost journal, or a wrong word, has put the delivery back to wait.
_REPORTED = _UNKNOWN | {DeliveryState.QUEUED, DeliveryState.DEFERRED}


@dataclass(frozen=True, slots=True)
class Settled:
    """How many deliveries were settled, and how."""

    accepted: int = 0
    resent: int = 0

    def __add__(self, other: Settled) -> Settled:
        return Settled(self.accepted + other.accepted, self.resent + other.resent)


def settle(
    store: Store, ledger: Ledger, verdicts: Sequence[Verdict], *, record: Mapping[str, object]
) -> Settled:
    """Apply verdicts: accepted, or back to be sent with the same Message-ID; doubts stay as they are.

    Each slice is one transaction with its entry in the ledger, of which `record` says by what it was
    settled. A delivery that has moved on since it was judged is left alone.
    """
    total = Settled()
    certain = iter([each for each in verdicts if each.finding is not Finding.DOUBT])
    while part := list(islice(certain, _SLICE_ROWS)):
        with store.write() as connection:
            total += _apply(connection, ledger, part, record)
        store.let_others_write()
    return total


def by_word(store: Store, chosen: Chosen, finding: Finding, *, why: str) -> list[Verdict]:
    """What an operator says of the chosen deliveries that are unknown."""
    words = {
        Finding.ACCEPTED: f"Accepted by an operator's word: {why}",
        Finding.ABSENT: f"Sent again by an operator's word: {why}",
    }[finding]
    with store.read() as connection:
        return [
            Verdict(each.id, each.attempts, finding, words) for each in queries.unknown(connection, chosen)
        ]


def settle_by_report(connection: Connection, ledger: Ledger, delivery_id: int, *, report: str) -> bool:
    """A report came to the return path of this delivery, so the relay did take it; True if that was news.

    In the caller's transaction. A bounce proves it as well as a word of success (RFC 3461): nobody
    else knows that return path. A copy that waits to be sent again does not leave any more. `report`
    says what came, for the record; it holds no address.
    """
    if not queries.accept(connection, [delivery_id], was=_REPORTED, now=clock.now()):
        return False
    queries.say(connection, [(delivery_id, f"The relay took it, as a report shows: {report}")])
    _record(ledger, connection, {"evidence": "report", "report": report}, accepted=[delivery_id], resent=())
    return True


def _apply(
    connection: Connection, ledger: Ledger, verdicts: Sequence[Verdict], record: Mapping[str, object]
) -> Settled:
    now = clock.now()
    found = queries.still_unknown(connection, [each.delivery_id for each in verdicts])
    current = [each for each in verdicts if found.get(each.delivery_id) == each.attempts]
    taken = [each.delivery_id for each in current if each.finding is Finding.ACCEPTED]
    absent = [each.delivery_id for each in current if each.finding is Finding.ABSENT]
    queries.say(connection, [(each.delivery_id, each.words) for each in current])
    accepted = queries.accept(connection, taken, was=_UNKNOWN, now=now)
    resent = put_back(connection, ledger, absent, was=_UNKNOWN, now=now, reason="settle")
    _record(ledger, connection, record, accepted=accepted, resent=resent)
    return Settled(len(accepted), len(resent))


def _record(
    ledger: Ledger,
    connection: Connection,
    record: Mapping[str, object],
    *,
    accepted: Collection[int],
    resent: Collection[int],
) -> None:
    if accepted or resent:
        payload = {**record, "accepted": sorted(accepted), "resent": sorted(resent)}
        ledger.append(connection, stream=Stream.AUDIT, event="settle", payload=payload)

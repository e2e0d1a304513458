"""Settle by a Postfix log: what to look for, the one pass through it, and a verdict for each delivery."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Protocol

from sqlalchemy.engine import Connection

from mailer.addresses import EmailAddress
from mailer.delivery.settling import queries
from mailer.delivery.settling.queries import Chosen, Known
from mailer.delivery.settling.traces import Evidence, Marks, search
from mailer.delivery.settling.verdicts import Case, Doubtful, Limits, Verdict, Witness, judge
from mailer.keyring import Secrets
from mailer.return_path import encode_return_path
from mailer.store import Store


class MessageIds(Protocol):
    """Makes Message-IDs, as the one that built the messages does."""

    def message_id(self, delivery_id: int) -> str:
        """The local part of a delivery's Message-ID."""


@dataclass(frozen=True)
class Names:
    """By what this site's messages are known in a log."""

    secrets: Secrets
    ids: MessageIds
    domain: str  #: of Message-IDs
    return_path: EmailAddress

    def marks(self, known: Iterable[Known]) -> Marks:
        """The names of these deliveries."""
        message_ids: dict[bytes, int] = {}
        tags: dict[bytes, int] = {}
        for each in known:
            # Of a lost host the row has none; it can be made again.
            name = each.message_id or f"{self.ids.message_id(each.id)}@{self.domain}"
            message_ids[name.encode()] = each.id
            path = encode_return_path(self.secrets, each.id, self.return_path)
            tags[path.rpartition("@")[0].rpartition("+")[2].encode()] = each.id
        return Marks(message_ids, tags)


@dataclass(frozen=True)
class Judged:
    """What is said of the deliveries asked about."""

    verdicts: Sequence[Verdict]
    evidence: Evidence | None  #: None: no log was read


def judge_by_log(
    store: Store,
    names: Names,
    paths: Sequence[Path],
    *,
    chosen: Chosen,
    relay: str | None = None,
    zone: tzinfo | None = None,
    limits: Limits | None = None,
) -> Judged:
    """Read the log once and judge every chosen delivery that is unknown; nothing is changed.

    `relay`: whose log it is, "host:port", by the operator's word. `zone`: of its times; None: this
    machine's. Raises LogUnreadable.
    """
    with store.read() as connection:
        doubtful = queries.unknown(connection, chosen)
        beside = {each.id: _beside(connection, each, relay) for each in doubtful}
    if not doubtful:
        return Judged((), None)
    everything = [*doubtful, *(witness for found in beside.values() for witness in found)]
    newest = max(each.attempted_at for each in doubtful)
    evidence = search(paths, names.marks(everything), near=newest, zone=zone)
    cases = (
        Case(
            Doubtful(each.id, each.attempts, each.attempted_at, each.relay),
            evidence.trace(each.id),
            evidence.spans,
            [_witness(known, evidence) for known in beside[each.id]],
            relay,
            limits or Limits(),
        )
        for each in doubtful
    )
    return Judged([judge(case) for case in cases], evidence)


def _beside(connection: Connection, each: Known, relay: str | None) -> list[Known]:
    went_to = each.relay or relay
    return queries.witnesses(connection, each.id, went_to) if went_to else []


def _witness(known: Known, evidence: Evidence) -> Witness:
    return Witness(known.id, known.attempted_at, evidence.trace(known.id).taken_at)

"""A campaign some of whose deliveries are unknown, and the log of the relay that may have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from mailer import clock
from mailer.addresses import parse_address
from mailer.audit import Ledger
from mailer.audit.read import Filter, Record, records
from mailer.delivery.settling.by_log import Judged, Names, judge_by_log
from mailer.delivery.settling.queries import Chosen
from mailer.keyring import Secrets
from mailer.return_path import encode_return_path
from mailer.store import Store
from mailer.store.schema import Campaign, Delivery
from mailer.store.vocabulary import CampaignState, DeliveryState
from tests.delivery.settling.logs import MadeUpLog
from tests.delivery.world import World

RELAY = "mx.shop.example:25"
RETURN_PATH = parse_address("bounce@b.example")


class Numbers:
    """Message-IDs that can be read."""

    def message_id(self, delivery_id: int) -> str:
        """The number, and nothing else."""
        return f"m{delivery_id}"


@dataclass
class Scene:
    """Seven people; the relay took the first and last three, and of the middle one nobody knows."""

    world: World
    ledger: Ledger
    secrets: Secrets
    folder: Path
    names: tuple[str, ...] = tuple("abcdefg")
    ids: dict[str, int] = field(default_factory=dict)
    log: MadeUpLog = field(default_factory=MadeUpLog)

    def build(self) -> Scene:
        """Everything sent an hour ago, and a log that covers it; what the unknown one left is up to the test."""
        self.world.build(self.names)
        self.ids = dict(zip(self.names, [row.id for row in self.world.rows()], strict=True))
        self.log.at = clock.now().replace(microsecond=0) - timedelta(hours=2)
        self.log.quiet()
        for name in self.names:
            self.log.wait(minutes=5)
            self.sent(name, self.log.at, known=name != "d")
        return self

    @property
    def store(self) -> Store:
        """The database."""
        return self.world.store

    def sent(self, name: str, at: datetime, *, known: bool) -> None:
        """The attempt of one delivery; its line in the log when the answer is known."""
        answer: dict[str, Any] = {"state": "unknown", "reply": "The reply to the dot was never read."}
        if known:
            answer = {"state": "accepted", "reply_code": 250, "reply": "2.0.0 ok"}
            self.log.accepted(self.message_id(name))
        self.change(
            name,
            attempts=1,
            attempted_at=at,
            settled_at=at,
            next_attempt_at=None,
            relay=RELAY,
            message_id=self.message_id(name),
            **answer,
        )

    def change(self, name: str, **values: Any) -> None:
        """Set columns of one delivery."""
        with self.store.write() as connection:
            connection.execute(update(Delivery).where(Delivery.id == self.ids[name]).values(**values))

    def message_id(self, name: str) -> str:
        """Of one delivery."""
        return f"m{self.ids[name]}@shop.example"

    def return_path(self, name: str) -> str:
        """Of one delivery."""
        return encode_return_path(self.secrets, self.ids[name], RETURN_PATH)

    def judge(self, *, chosen: Chosen | None = None, **options: Any) -> Judged:
        """What the log says, read after another hour."""
        self.log.quiet(hours=1)
        path = self.log.write(self.folder / "mail.log")
        names = Names(self.secrets, Numbers(), "shop.example", RETURN_PATH)
        return judge_by_log(self.store, names, [path], chosen=chosen or Chosen(), **{"zone": UTC} | options)

    def state(self, name: str) -> str:
        """Of one delivery."""
        return str(self.world.row(self.ids[name]).state.value)

    def finish(self, state: CampaignState = CampaignState.FINISHED) -> None:
        """The campaign has come to an end, or is held."""
        values = {"state": state, "finished_at": clock.now(), "reason": "held"}
        with self.store.write() as connection:
            connection.execute(update(Campaign).values(values))

    def recorded(self, event: str) -> Sequence[Record]:
        """What the ledger holds of such events, newest first."""
        with self.store.read() as connection:
            return records(connection, Filter(event=event))

    def sum(self) -> dict[str, int]:
        """Deliveries per state: law 1."""
        counts = self.world.counts()
        assert sum(counts.values()) == len(self.names)
        return counts

    def unknown(self) -> bool:
        """Whether the one in doubt still is."""
        return self.world.row(self.ids["d"]).state is DeliveryState.UNKNOWN


@pytest.fixture
def scene(world: World, ledger: Ledger, secrets: Secrets, tmp_path: Path) -> Scene:
    """On both databases."""
    return Scene(world, ledger, secrets, tmp_path).build()

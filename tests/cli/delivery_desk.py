"""A site with one campaign and the deliveries that a test puts into it, and somebody who types commands."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from sqlalchemy import insert, select

from mailer.application import open_site
from mailer.audit.read import Filter, records
from mailer.cli.main import main
from mailer.site import SiteFolder
from mailer.store.schema import Artefact, Campaign, Delivery, Subscriber, Subscription

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
_PERSON = {
    "email": "ada@example.net", "email_key": "ada@example.net", "email_hash": bytes(32), "domain": "example.net",
    "language": "en", "fields": {}, "created_at": NOW, "updated_at": NOW,
}  # fmt: skip
_CAMPAIGN = {
    "tag": b"sixsix", "slug": "week-48", "subject": "Ten LEDs", "list_id": 1, "artefact_hash": "a" * 64,
    "scheduled_at": NOW, "timezone": "UTC", "expected_count": 1, "created_at": NOW, "started_at": NOW,
    "audience_bound": 1, "audience_count": 9, "materialised_upto": 1,
}  # fmt: skip
_SUBSCRIPTION = {
    "subscriber_id": 1, "list_id": 1, "tag": bytes(16), "state": "confirmed", "source": "x", "requested_at": NOW
}  # fmt: skip


class DeliveryDesk:
    """Where staff look after single messages."""

    def __init__(self, folder: SiteFolder, template: Path, *, campaign: str = "sending") -> None:
        self.folder = folder
        shutil.copy(template, folder.data / "mailer.db")
        with self.write() as connection:
            connection.execute(insert(Subscriber), [_PERSON])
            connection.execute(insert(Artefact), [{"hash": "a" * 64, "content": b"", "created_at": NOW}])
            connection.execute(insert(Campaign), [{**_CAMPAIGN, "state": campaign}])
            connection.execute(insert(Subscription), [_SUBSCRIPTION])

    def write(self) -> Any:
        """A write transaction."""
        return _Opened(self.folder)

    def add(self, count: int = 1, **values: Any) -> int:
        """Deliveries of the campaign; the id of the last. One alone can belong to Ada."""
        plain = {
            "stream": 1,
            "kind": "campaign",
            "campaign_id": 1,
            "domain": "example.net",
            "created_at": NOW,
        }
        if values.get("state") in ("queued", "deferred"):
            plain["next_attempt_at"] = NOW
        with self.write() as connection:
            connection.execute(insert(Delivery), [plain | values] * count)
            return int(
                connection.execute(select(Delivery.id).order_by(Delivery.id.desc()).limit(1)).scalar_one()
            )

    def run(self, *words: str, typed: str | None = None) -> Result:
        """One `mailer delivery` command."""
        command = ["delivery", *words, "--site", str(self.folder.root)]
        return CliRunner().invoke(main, command, input=typed)

    def json(self, *words: str) -> Any:
        """What it prints for programs."""
        done = self.run(*words, "--json")
        assert done.exit_code in (0, 1), done.output
        return json.loads(done.stdout)

    def states(self) -> dict[int, str]:
        """Every delivery."""
        with self.write() as connection:
            return {
                row.id: row.state.value for row in connection.execute(select(Delivery.id, Delivery.state))
            }

    def recorded(self, event: str) -> list[Any]:
        """What the ledger holds, newest first."""
        with self.write() as connection:
            return [record.payload for record in records(connection, Filter(event=event))]


class _Opened:
    """A site opened for one transaction."""

    def __init__(self, folder: SiteFolder) -> None:
        self._site = open_site(folder.root, {})
        self._transaction = self._site.store.write()

    def __enter__(self) -> Any:
        return self._transaction.__enter__()

    def __exit__(self, *raised: Any) -> None:
        try:
            self._transaction.__exit__(*raised)
        finally:
            self._site.close()

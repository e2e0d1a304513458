"""Everything the rest of the product asks of campaigns, in one place."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.audit import Ledger
from mailer.campaigns import audience, control, due, queries
from mailer.campaigns.check import check_campaign
from mailer.campaigns.draft import Workshop
from mailer.campaigns.findings import CheckReport
from mailer.campaigns.preview import Preview, preview_campaign
from mailer.campaigns.proof import Proofs, send_proof
from mailer.campaigns.recipients import Linker
from mailer.campaigns.schedule import Scheduled, SchedulePlan, commit_plan, plan_sending
from mailer.campaigns.source import CampaignSource
from mailer.campaigns.status import CampaignStatus, status_of
from mailer.campaigns.viewing import view_html
from mailer.campaigns.when import NOW
from mailer.errors import MailerError
from mailer.rendering import CompiledMessage, Renderer
from mailer.settings import Settings
from mailer.store import Store
from mailer.store.bulk import SliceSize
from mailer.tokens import Tokens

if TYPE_CHECKING:
    from mailer.dkim.published import PublishedKeys

# Artefacts are about 30 KB; a worker sends from a few at a time.
_CACHED_ARTEFACTS = 32


class ArtefactMissing(MailerError):
    """A frozen message is not in the database any more."""


class Campaigns:
    """The campaigns of one site: on disk, on the schedule, under way, done. Safe to share between threads."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        folder: Path,
        renderer: Renderer,
        ledger: Ledger,
        tokens: Tokens,
        published: PublishedKeys | None = None,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._drift = settings.sending.audience_drift
        linker = Linker(tokens, settings.site.base_url, settings.message_id_domain)
        self._shop = Workshop(store, settings, folder, renderer, ledger, linker, published)
        self._compiled: dict[str, CompiledMessage] = {}
        self._lock = threading.Lock()

    # --- on disk ------------------------------------------------------------------------------

    def load(self, slug: str) -> CampaignSource:
        """Read a campaign folder. Raises SourceInvalid."""
        return self._shop.read(slug)

    def check(self, slug: str, *, links: bool = False) -> CheckReport:
        """Every finding about a campaign; `links` also asks the servers they lead to."""
        return check_campaign(self._shop, slug, links=links).report

    def preview(self, slug: str, subscriber: str | None = None) -> Preview:
        """One reader's copy. See preview_campaign."""
        return preview_campaign(self._shop, slug, subscriber)

    def proof(self, slug: str, addresses: Iterable[str] = ()) -> Proofs:
        """Queue marked copies for colleagues. See send_proof."""
        return send_proof(self._shop, slug, addresses)

    # --- on the schedule ----------------------------------------------------------------------

    def plan(self, slug: str, when: str = NOW) -> SchedulePlan:
        """What scheduling would do. See plan_sending."""
        return plan_sending(self._shop, slug, when)

    def commit(self, plan: SchedulePlan, *, expect: int | None) -> Scheduled:
        """Freeze and schedule what a plan showed. See commit_plan."""
        return commit_plan(self._shop, plan, expect=expect)

    def schedule(self, slug: str, when: str = NOW, *, expect: int | None) -> Scheduled:
        """Plan and commit in one step, for callers that know the count."""
        return self.commit(self.plan(slug, when), expect=expect)

    def pause(self, slug: str, reason: str = "paused by hand") -> CampaignStatus:
        """Stop sending; what is on the wire is finished."""
        return self._status(control.pause(self._store, self._ledger, slug, reason=reason).id)

    def resume(self, slug: str, *, expect: int | None = None, mended: str | None = None) -> CampaignStatus:
        """Go on. One held for its audience needs the new count, one that a breaker paused what was done."""
        moved = control.resume(
            self._store, self._ledger, slug, drift=self._drift, expect=expect, mended=mended
        )
        return self._status(moved.id)

    def cancel(self, slug: str, reason: str = "cancelled by hand") -> CampaignStatus:
        """End it for good; whoever has not been sent to is skipped."""
        return self._status(control.cancel(self._store, self._ledger, slug, reason=reason).id)

    def status(self, slug: str) -> CampaignStatus:
        """Where the newest scheduling of a folder stands. Raises NotScheduled."""
        with self._store.read() as connection:
            return status_of(connection, control.scheduled(connection, slug))

    def ensure_scheduled(self, slug: str) -> None:
        """Return if a folder was scheduled at least once. Raises NotScheduled."""
        with self._store.read() as connection:
            control.scheduled(connection, slug)

    def statuses(self, limit: int = 50) -> list[CampaignStatus]:
        """Every scheduling, newest first."""
        with self._store.read() as connection:
            return [status_of(connection, row) for row in queries.campaigns_newest_first(connection, limit)]

    def _status(self, campaign_id: int) -> CampaignStatus:
        with self._store.read() as connection:
            campaign = queries.campaign_by_id(connection, campaign_id)
            assert campaign is not None  # campaigns are never deleted
            return status_of(connection, campaign)

    # --- for the pages ------------------------------------------------------------------------

    def view_html(self, token: str) -> str | None:
        """What a view link shows. See viewing.view_html."""
        return view_html(self._store, self._shop.linker, self.compiled, token)

    def medium(self, hash_: str) -> queries.AnyRow | None:
        """An image by the hash of its content: content_type, content."""
        with self._store.read() as connection:
            return queries.medium(connection, hash_)

    # --- for the scheduler and the senders ----------------------------------------------------

    def start_due(self, now: datetime) -> list[int]:
        """Start what is due; see due.start_due."""
        return due.start_due(self._store, self._ledger, now, drift=self._drift)

    def unmaterialised(self) -> list[int]:
        """Sending campaigns whose audience is not all written out yet."""
        with self._store.read() as connection:
            return queries.unmaterialised_campaigns(connection)

    def materialise_slice(self, campaign_id: int) -> bool:
        """Write out the next slice of an audience; True while there is more to do."""
        return audience.materialise_slice(self._store, campaign_id, size=self._slice_size)

    @cached_property
    def _slice_size(self) -> SliceSize:
        return audience.slice_size(self._store)

    def finish_done(self) -> list[int]:
        """Finish what has nothing waiting; see due.finish_done."""
        return due.finish_done(self._store, self._ledger)

    def compiled(self, artefact_hash: str) -> CompiledMessage:
        """The frozen message of this hash, kept in memory. Raises ArtefactMissing."""
        with self._lock:
            found = self._compiled.get(artefact_hash)
        if found is not None:
            return found
        with self._store.read() as connection:
            content = queries.artefact_content(connection, artefact_hash)
        if content is None:
            raise ArtefactMissing(f"The frozen message {artefact_hash[:12]} is not in the database.")
        message = CompiledMessage.from_bytes(content)
        if message.hash != artefact_hash:
            raise ArtefactMissing(f"The frozen message {artefact_hash[:12]} was altered in the database.")
        with self._lock:
            while len(self._compiled) >= _CACHED_ARTEFACTS:
                self._compiled.pop(next(iter(self._compiled)))
            self._compiled[artefact_hash] = message
        return message

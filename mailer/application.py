"""The composition root: from a folder and its settings to a running Site; the only place that knows every room."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.alerts import Alerts
from mailer.audit import Ledger
from mailer.campaigns.breakers import Breakers
from mailer.campaigns.breakers.service import limits_from
from mailer.campaigns.service import Campaigns
from mailer.keyring import Secrets, load_secrets
from mailer.rendering import Renderer
from mailer.rendering.from_settings import field_specs, site_identity
from mailer.settings import Settings, load_settings
from mailer.site import SiteFolder
from mailer.store import Store, migrate, open_store
from mailer.subscribers.joining import Joining
from mailer.subscribers.leaving import Leaving
from mailer.subscribers.lists import sync_lists
from mailer.subscribers.people import People
from mailer.subscribers.policies import Policies
from mailer.subscribers.suppressions import Suppressions
from mailer.tokens import Tokens

if TYPE_CHECKING:
    from mailer.bounces.deciding import Deciding
    from mailer.bounces.intake.intake import Intake
    from mailer.bounces.webhooks import Hooks
    from mailer.delivery.messages import SiteMessages
    from mailer.monitoring.unmatched import Unmatched
    from mailer.ops.accounts import Accounts
    from mailer.ops.actions import Actions
    from mailer.ops.board import Board
    from mailer.ops.entrance import Entrance
    from mailer.scheduling import Scheduler
    from mailer.subscribers.erasure import Erasure
    from mailer.subscribers.importing import Imports

_DAY_SECONDS = 86_400


class Site:
    """A running site. Services are built when first asked for and share one store."""

    def __init__(self, folder: SiteFolder, settings: Settings, secrets: Secrets, *, store: Store) -> None:
        self.folder = folder
        self.settings = settings
        self.secrets = secrets
        self.store = store
        self.ledger = Ledger(secrets)
        self.tokens = Tokens(secrets, confirm_seconds=settings.privacy.unconfirmed_days * _DAY_SECONDS)

    @property
    def head_path(self) -> Path:
        """Where this host keeps the ledger's head, outside the database."""
        return self.folder.data / "ledger.head"

    @cached_property
    def renderer(self) -> Renderer:
        """The site's own templates shadow the bundled ones."""
        return Renderer(
            template_dirs=self.folder.template_folders,
            site=site_identity(self.settings),
            fields=field_specs(self.settings),
        )

    @cached_property
    def joining(self) -> Joining:
        """Sign-ups, confirmations, "not me"."""
        return Joining(self.store, self.settings, self.secrets, self.tokens, self.ledger)

    @cached_property
    def leaving(self) -> Leaving:
        """Opt-outs."""
        return Leaving(self.store, self.settings, self.tokens, self.ledger)

    @cached_property
    def suppressions(self) -> Suppressions:
        """Addresses that are not mailed."""
        return Suppressions(self.store, self.settings, self.secrets, self.ledger)

    @cached_property
    def imports(self) -> Imports:
        """CSV files of other tools."""
        # Imported here, and below: what one command alone needs is not loaded by all the others.
        from mailer.subscribers.importing import Imports

        return Imports(self.store, self.settings, self.secrets, self.ledger)

    @cached_property
    def people(self) -> People:
        """What is stored about one person."""
        return People(self.store, self.secrets, self.ledger)

    @cached_property
    def erasure(self) -> Erasure:
        """What is removed when a person asks for it."""
        from mailer.subscribers.erasure import Erasure

        return Erasure(self.store, self.secrets, self.ledger)

    @cached_property
    def policies(self) -> Policies:
        """The privacy policies, as published."""
        return Policies(self.store, self.settings, self.folder.policies, self.ledger)

    @cached_property
    def campaigns(self) -> Campaigns:
        """Campaigns, from the file to the frozen artefact and its audience."""
        from mailer.dkim.published import PublishedKeys

        return Campaigns(
            self.store,
            self.settings,
            folder=self.folder.campaigns,
            renderer=self.renderer,
            ledger=self.ledger,
            tokens=self.tokens,
            published=PublishedKeys(self.settings.dkim, lambda: self.folder.dkim_keys),
        )

    @cached_property
    def alerts(self) -> Alerts:
        """What ops are told."""
        told = self.settings.alerts
        channels = [name for name in ("mail", "webhook") if getattr(told, name) is not None]
        return Alerts(self.store, channels)

    @cached_property
    def breakers(self) -> Breakers:
        """What pauses a campaign that goes wrong."""
        return Breakers(self.store, self.ledger, self.alerts, limits_from(self.settings.breakers))

    @cached_property
    def deciding(self) -> Deciding:
        """What follows from what came back."""
        from mailer.bounces.deciding import Deciding, Limits

        return Deciding(
            self.store,
            Limits.of(self.settings.bounces),
            self.secrets,
            ledger=self.ledger,
            tokens=self.tokens,
            leaving=self.leaving,
            alerts=self.alerts,
            authserv_id=self.settings.bounces.authserv_id,
        )

    def intake(self) -> Intake:
        """What takes in mail that comes back, not yet started. Raises CannotListen."""
        from mailer.bounces.intake.intake import Intake

        return Intake(self.store, self.settings, self.secrets, alerts=self.alerts)

    @cached_property
    def accounts(self) -> Accounts:
        """Who may sign in to /ops."""
        from mailer.ops.accounts import Accounts

        return Accounts(self.store, self.secrets, self.ledger)

    @cached_property
    def entrance(self) -> Entrance:
        """The door of /ops."""
        from mailer.ops.entrance import Entrance

        return Entrance(self.store, self.settings.ops, self.secrets, self.ledger)

    @cached_property
    def board(self) -> Board:
        """What /ops shows."""
        from mailer.ops.board import Board

        return Board(self.store, self.deciding)

    @cached_property
    def actions(self) -> Actions:
        """What operators may do from /ops."""
        from mailer.ops.actions import Actions

        return Actions(self.store, self.ledger, deciding=self.deciding, campaigns=self.campaigns)

    @cached_property
    def hooks(self) -> Hooks:
        """What mail providers tell by webhook; kept like a mail that came back."""
        from mailer.bounces.intake import keep
        from mailer.bounces.webhooks import Hooks

        return Hooks(
            self.settings.hooks,
            keep=lambda raw, source, digest: keep(self.store, raw, source=source, digest=digest),
        )

    @cached_property
    def unmatched(self) -> Unmatched:
        """What tells ops of mail that belongs to nobody."""
        from mailer.monitoring.unmatched import Unmatched

        return Unmatched(self.store, self.alerts)

    def send_alerts(self) -> int:
        """Send the alerts that are due; returns how many were taken. Raises StoreError."""
        from mailer.alerts.sending import send_due
        from mailer.delivery.alerting import alert_channels

        channels = alert_channels(self.settings, self.secrets, dkim_keys=self.folder.dkim_keys)
        return send_due(self.store, channels)

    def try_alerts(self) -> dict[str, str | None]:
        """Send a test alert at once on every way; by name, why it was not taken, or None."""
        from mailer.alerts.sending import try_all
        from mailer.delivery.alerting import alert_channels

        channels = alert_channels(self.settings, self.secrets, dkim_keys=self.folder.dkim_keys)
        return try_all(channels, site=self.settings.site.name)

    @cached_property
    def messages(self) -> SiteMessages:
        """The bytes of whatever is due. Raises DkimKeyInvalid for a key that should sign and cannot."""
        from mailer.delivery.messages import SiteMessages
        from mailer.dkim import site_signers

        return SiteMessages(
            self.settings,
            self.secrets,
            self.tokens,
            campaigns=self.campaigns,
            renderer=self.renderer,
            signers=site_signers(self.settings.dkim, self.folder.dkim_keys),
        )

    def scheduler(self) -> Scheduler:
        """The clockwork of this site, not yet started."""
        from mailer.scheduling import site_scheduler

        return site_scheduler(
            self.store,
            joining=self.joining,
            campaigns=self.campaigns,
            ledger=self.ledger,
            secrets=self.secrets,
            head_path=self.head_path,
            breakers=self.breakers,
            send_alerts=self.send_alerts,
            unmatched=self.unmatched,
            deciding=self.deciding,
            keep_mail_days=self.settings.bounces.keep_days,
        )

    async def send(
        self,
        stop: asyncio.Event,
        *,
        connections: Mapping[str, int] | None = None,
        sends_system: bool = True,
    ) -> None:
        """Send what is due until `stop` is set; see `run_worker`. Raises StoreError at the start, LeaseLost."""
        from mailer.delivery.worker import run_worker

        await run_worker(
            self.store,
            self.settings,
            messages=self.messages,
            bounced=self.deciding.smtp_bounces,
            journals=self.folder.data / "journals",
            stop=stop,
            connections=connections,
            sends_system=sends_system,
            breakers=self.breakers,
            alerts=self.alerts,
        )

    def close(self) -> None:
        """Close the database."""
        self.store.dispose()


def open_site(root: Path, environ: Mapping[str, str]) -> Site:
    """Read settings and secrets, open the database, bring the lists table in step.

    Creates the schema in an empty database. Raises SettingsInvalid, SecretsInvalid,
    StoreUnreachable, SchemaOutdated.
    """
    folder = SiteFolder(root, environ)
    settings = load_settings(folder.settings_path, environ)
    secrets = load_secrets(folder.secrets_path)
    store = open_store(settings.database.url, root=root)
    try:
        migrate.require_current(store)
        sync_lists(store, settings)
    except BaseException:
        store.dispose()
        raise
    return Site(folder, settings, secrets, store=store)

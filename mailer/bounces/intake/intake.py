"""Everything that a site takes mail in by while it runs: its mailboxes and its listener."""

from __future__ import annotations

from mailer.alerts import Alerts
from mailer.bounces.intake.ours import OurAddresses
from mailer.bounces.intake.watching import Watches
from mailer.keyring import Secrets
from mailer.settings import Settings
from mailer.store import Store


def is_wanted(settings: Settings) -> bool:
    """Whether the settings name any way in that must be kept open."""
    return bool(settings.mailbox) or settings.listener.port is not None


class Intake:
    """The mailboxes and the listener, between `start` and `stop`."""

    def __init__(self, store: Store, settings: Settings, secrets: Secrets, *, alerts: Alerts) -> None:
        """Take the listener's port, if there is one. Raises CannotListen."""
        self._watches = Watches(store, settings.mailbox, alerts)
        self._listener = None
        if settings.listener.port is not None:
            # Imported here: who only reads mailboxes needs no mail server.
            from mailer.bounces.intake.listener import Listener

            ours = OurAddresses(settings, secrets)
            self._listener = Listener(settings.listener, store=store, ours=ours)

    def start(self) -> None:
        """Begin to take mail in."""
        if self._listener is not None:
            self._listener.start()
        self._watches.start()

    def stop(self) -> None:
        """End; what is in hand is either stored or still at its source."""
        if self._listener is not None:
            self._listener.stop()
        self._watches.stop()

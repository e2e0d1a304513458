"""What can go wrong with the store, as facts the CLI can put in a sentence."""

from __future__ import annotations

from mailer.errors import MailerError


class StoreError(MailerError):
    """The database refused the work."""


class StoreBusy(StoreError):
    """The database is locked by another process; nothing was changed, try again in a moment."""


class StoreFull(StoreError):
    """The disk that holds the database is full; nothing was changed, free some space and try again."""


class StoreUnreachable(StoreError):
    """The database cannot be reached."""


class SchemaOutdated(StoreError):
    """The database was written by another version of mailer; run: mailer db upgrade."""

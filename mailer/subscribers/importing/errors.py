"""Why an import stops before, or instead of, changing anything."""

from __future__ import annotations

from mailer.errors import MailerError


class ImportRefused(MailerError):
    """This file cannot be imported as it is; nothing was changed."""


class ImportInterrupted(MailerError):
    """The import stopped between two slices; what was written stays, and running it again continues."""

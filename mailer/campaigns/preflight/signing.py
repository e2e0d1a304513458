"""Whether receivers can check our signatures: mail whose key is not in DNS looks forged (A46)."""

from __future__ import annotations

from collections.abc import Iterator

from mailer.campaigns.draft import Draft
from mailer.campaigns.preflight.places import in_settings
from mailer.rendering.identity import Problem


def dkim_record(draft: Draft) -> Iterator[Problem]:
    """Keys that sign and cannot be used, or whose record is missing, revoked, another's, or in test mode."""
    if draft.published is None:
        return
    for message, remedy in draft.published.troubles(draft.list_.from_mailbox.address.domain):
        yield in_settings("dkim-record", message, remedy)

"""`[bounces]`: what comes back by mail, how long it is kept, and when it counts against an address."""

from __future__ import annotations

from pydantic import Field

from mailer.settings.section import Section
from mailer.settings.values import AddressText, Line


class BouncesSettings(Section):
    """What comes back by mail."""

    unsubscribe_address: AddressText | None = Field(
        None, description="Mailbox for unsubscribing by mail; set it only when an intake reads it."
    )
    keep_days: int = Field(90, ge=1, description="Days that a raw message which came back is kept.")
    hold_hours: int = Field(
        24, ge=1, description="Hours that an address is held after a hard bounce before it is suppressed."
    )
    soft_limit: float = Field(
        5.0, ge=1, description="Soft bounces, one a day at most, that suppress an address."
    )
    soft_days: int = Field(14, ge=1, description="Days that they must be spread over at least.")
    alike_least: int = Field(
        30, ge=2, description="Failures alike, of one campaign or provider in a day, that raise the alarm."
    )
    authserv_id: Line | None = Field(
        None,
        description="Name under which your own mail server writes Authentication-Results. With it, somebody who writes "
        "that they want to leave, and whose domain vouches for them, leaves; else a person has to look.",
    )
    alike_share: float = Field(
        0.1, gt=0, le=1, description="Share of what was accepted there that they must be, too."
    )

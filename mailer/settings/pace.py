"""[pace]: how sending adapts to relays and mailbox providers, and how a new sender warms up."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from mailer.settings.section import Section


class PaceSettings(Section):
    """How sending adapts to what relays and mailbox providers take."""

    look_up: bool = Field(
        True,
        description="Whether the DNS is asked whose mail servers a domain has, so that one provider has one limit.",
    )
    warm_up_start: date | None = Field(
        None,
        description="First day of a warm-up, for a new relay address or domain: 2026-12-01. Until it ends, no day "
        "has more mail than the curve below.",
    )
    warm_up_first_day: int = Field(500, ge=10, description="Messages on the first day of the warm-up.")
    warm_up_growth: float = Field(1.5, gt=1, le=4, description="Each day takes so many times the day before.")
    warm_up_volume: int = Field(
        100_000, ge=10, description="Messages of a day that need no warm-up any more: it ends there."
    )
    warm_up_by: Literal["relay", "provider"] = Field(
        "relay",
        description="What has the curve for itself: each relay, all its mail; or each large mailbox provider, "
        "campaign mail only.",
    )
    changed_on: date | None = Field(
        None,
        description="Day on which templates, From or other headers changed much: from then on half of what went "
        "before, and growing again as above.",
    )

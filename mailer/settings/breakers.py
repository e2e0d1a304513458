"""[breakers]: at which shares of failures a campaign is paused."""

from __future__ import annotations

from pydantic import Field

from mailer.settings.section import Section

_SHARE = "0.05 is 5 %."


class BreakersSettings(Section):
    """When a campaign is paused by itself, before it has gone wrong with everybody."""

    policy_rejections: float = Field(
        0.05,
        gt=0,
        le=1,
        description=f"Share refused because of you, such as a broken DKIM signature (5.7.x). {_SHARE}",
    )
    hard_bounces: float = Field(0.05, gt=0, le=1, description="Share of addresses that do not exist.")
    unrenderable: float = Field(0.02, gt=0, le=1, description="Share of messages that cannot be made.")
    alike_failures: float = Field(
        0.5, gt=0, le=1, description="Share of the last messages that is refused in the same words."
    )
    complaints: float = Field(
        0.001, gt=0, le=0.003, description="Share of accepted messages that is reported as spam."
    )
    complaints_warn: float = Field(
        0.0008, gt=0, le=0.003, description="The same share at which you are warned, and nothing is paused."
    )
    least_failures: int = Field(
        20, ge=1, le=10_000, description="Failures there must be at least; fewer never pause anything."
    )
    least_complaints: int = Field(
        3, ge=1, le=1000, description="Complaints there must be at least; fewer never pause anything."
    )
    least_at_domain: int = Field(
        5,
        ge=3,
        le=10_000,
        description="When a domain refuses so many in a row because of you, the campaign is paused if the domain's "
        "part of it is as large as policy_rejections; if it is a fifth of that at least, you are told.",
    )
    recent: int = Field(
        200,
        ge=20,
        le=10_000,
        description="The last messages of each sender process are looked at apart, this many: a sudden failure "
        "pauses within a second. Three times the share above is needed there, half at most.",
    )

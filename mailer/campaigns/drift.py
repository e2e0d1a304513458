"""How far an audience may move between the moment it was approved and the moment it is sent to."""

from __future__ import annotations


def drift_reason(slug: str, *, expected: int, count: int, drift: float) -> str | None:
    """Why a campaign must wait for a person (E18), or None while the count moved no further than allowed.

    `drift` is a fraction of the approved count: `[sending] audience_drift`.
    """
    if abs(count - expected) <= expected * drift:
        return None
    return (
        f"The audience is {count:,} now; {expected:,} was approved, and it may not move by more than "
        f"{drift * 100:g} %. If {count:,} is right, run `mailer campaign resume {slug} --expect {count}`."
    )

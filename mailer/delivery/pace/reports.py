"""What reports that come back say about the speed: a provider's delay or policy, hours later (B11, A77)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from mailer import clock
from mailer.delivery.model import Outcome
from mailer.delivery.pace import table
from mailer.delivery.pace.controller import PROVIDER, Heard, Pace, step
from mailer.delivery.pace.owners import own_name
from mailer.delivery.pace.signals import Says, by_policy
from mailer.store import Store

# The relay tries for a while before it reports: what left before a change still causes reports after it.
LAG_SECONDS = 900.0


def reported(store: Store, domain: str, outcome: Outcome) -> bool:
    """Lower the limit of the provider behind `domain`, if the report's status or text is about our speed.

    For intakes of bounces and delay reports; any process may call it. False: the report says nothing
    about speed. Nothing is stopped by it, and many reports of one quarter of an hour count once. Raises StoreError.
    """
    refusal = by_policy(outcome)
    if refusal is None or refusal.says is Says.MAYBE:
        return False
    late = replace(
        refusal,
        says=Says.SLOWER,
        cause=f"a report came back: {refusal.cause}",
        wait_seconds=0.0,
        lag_seconds=LAG_SECONDS,
    )
    now = clock.now()
    provider = own_name(domain)
    if provider is None:
        found = table.providers(store, [domain], now=now)
        provider = found[domain][0] if domain in found else domain
    with store.write() as connection:
        table.change(
            connection,
            table.PROVIDER + provider,
            partial(_lowered, heard=Heard(refusal=late), at=now.timestamp()),
            now=now,
        )
    return True


def _lowered(pace: Pace, *, heard: Heard, at: float) -> Pace:
    return step(pace, heard, now=at, rules=PROVIDER)

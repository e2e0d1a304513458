"""Circuit breakers: what goes wrong with a campaign stops it before it has gone wrong with everybody."""

from mailer.campaigns.breakers.rules import Breaker, Limits, Tally, Trip, judge
from mailer.campaigns.breakers.service import Breakers

__all__ = ["Breaker", "Breakers", "Limits", "Tally", "Trip", "judge"]

"""How mail that comes back gets in: kept raw in the store first, taken away from its source only then."""

from mailer.bounces.intake.keeping import keep, raw_of

__all__ = ["keep", "raw_of"]

"""Another attempt, because staff order it: what may be tried again, and what never is (B13)."""

from mailer.delivery.retrying.candidates import Asked
from mailer.delivery.retrying.rules import REFUSALS, Refusal
from mailer.delivery.retrying.run import Retried, retry

__all__ = ["REFUSALS", "Asked", "Refusal", "Retried", "retry"]

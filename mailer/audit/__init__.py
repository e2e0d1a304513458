"""The append-only ledger of consent and of what staff did: append, seal, verify (law 8)."""

from mailer.audit.ledger import Entry, Ledger
from mailer.audit.seal import seal
from mailer.audit.verify import Finding, Verdict, verify

__all__ = ["Entry", "Finding", "Ledger", "Verdict", "seal", "verify"]

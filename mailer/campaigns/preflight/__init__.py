"""What is looked at before a campaign may be scheduled: a table of rules, each a pure function (E18)."""

from __future__ import annotations

from mailer.campaigns.preflight.table import RULES, STRICTER, Rule, run_preflight, weigh

__all__ = ["RULES", "STRICTER", "Rule", "run_preflight", "weigh"]

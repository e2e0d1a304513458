"""What is looked at before a campaign may be scheduled: a table of rules, each a pure function (E18)."""

from __future__ import annotations

from mailer.campaigns.preflight.table import RULES, Rule, run_preflight

__all__ = ["RULES", "Rule", "run_preflight"]

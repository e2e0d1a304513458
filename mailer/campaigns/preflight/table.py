"""The rules in the order they are read, and how they are run over one draft."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mailer.campaigns.draft import Draft
from mailer.campaigns.findings import Finding, Severity
from mailer.rendering.identity import Problem


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is looked for; what it finds carries the rule's id and weight."""

    id: str
    severity: Severity
    look: Callable[[Draft], Iterable[Problem]]


#: Every rule of the check.
RULES: tuple[Rule, ...] = ()


def run_preflight(draft: Draft) -> Iterator[Finding]:
    """Everything that every rule finds in one draft."""
    for rule in RULES:
        for problem in rule.look(draft):
            yield Finding.of(problem, rule.severity)

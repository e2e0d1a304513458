"""What a check answers with: findings, each with a place, a rule, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from mailer.errors import MailerError
from mailer.rendering.identity import Problem


class Severity(StrEnum):
    """How much a finding matters: an error stops the campaign, a warning only asks."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the check noticed, as a good compiler would print it."""

    severity: Severity
    rule: str  #: short and stable, such as `html-size`; documented, so that it can be looked up
    path: str  #: as staff would type it from the site's folder
    line: int | None
    message: str
    remedy: str = ""

    @classmethod
    def of(cls, problem: Problem, severity: Severity) -> Finding:
        """The renderer's problem, with the weight that the check gives it."""
        return cls(severity, problem.rule, problem.path, problem.line, problem.message, problem.remedy)

    @property
    def place(self) -> str:
        """`path:line`, or the path alone."""
        return self.path if self.line is None else f"{self.path}:{self.line}"

    def as_json(self) -> dict[str, object]:
        """What `--json` shows."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All findings about one campaign, errors first, then by place."""

    slug: str
    findings: tuple[Finding, ...]
    recipients_rendered: int = 0  #: real people the message was rendered for, and passed the gate

    @classmethod
    def of(cls, slug: str, findings: Iterable[Finding], *, recipients_rendered: int = 0) -> CheckReport:
        """Sorted as they are printed; a finding made twice is told once."""
        unique = dict.fromkeys(findings)
        order = sorted(
            unique, key=lambda found: (found.severity != Severity.ERROR, found.path, found.line or 0)
        )
        return cls(slug, tuple(order), recipients_rendered)

    def as_json(self) -> dict[str, object]:
        """What `--json` shows."""
        return {
            "slug": self.slug,
            "passed": self.passed,
            "recipients_rendered": self.recipients_rendered,
            "findings": [found.as_json() for found in self.findings],
        }

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What has to be put right before the campaign can be scheduled."""
        return tuple(found for found in self.findings if found.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What deserves a look."""
        return tuple(found for found in self.findings if found.severity is Severity.WARNING)

    @property
    def passed(self) -> bool:
        """Whether the campaign may be scheduled."""
        return not self.errors


class CampaignRefused(MailerError):
    """The campaign has errors."""

    def __init__(self, report: CheckReport) -> None:
        self.report = report
        count = len(report.errors)
        noun = "error" if count == 1 else "errors"
        super().__init__(
            f"The campaign {report.slug} has {count} {noun}. "
            f"Run `mailer campaign check {report.slug}` to see each one and what to do.",
            slug=report.slug,
            errors=count,
        )

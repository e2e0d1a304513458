"""What can go wrong between a source and a message."""

from __future__ import annotations

from collections.abc import Iterable

from mailer.errors import MailerError
from mailer.rendering.identity import Problem


class RenderError(MailerError):
    """The message cannot be rendered."""

    def __init__(self, findings: Iterable[Problem], **facts: object) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(map(str, self.findings)) or None, **facts)

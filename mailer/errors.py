"""The one exception root: every error carries its facts and reads as a sentence."""

from __future__ import annotations

import inspect


class MailerError(Exception):
    """Something went wrong that the product has no better word for.

    Subclasses are declared beside the code that raises them. The class docstring's
    first paragraph is the default message; `facts` go to logs, so they never hold an
    address, a token or a secret.
    """

    #: Exit code of the CLI: 1, the domain says no (2 is kept for usage).
    exit_code = 1

    def __init__(self, message: str | None = None, **facts: object) -> None:
        default = inspect.cleandoc(type(self).__doc__ or "").split("\n\n", 1)[0].replace("\n", " ")
        super().__init__(message or default)
        self.facts = facts

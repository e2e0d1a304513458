"""`mailer delivery`: what became of single messages, and what staff may do about it."""

from __future__ import annotations

import click

from mailer.cli.main import Lazy, LazyGroup


@click.group(
    no_args_is_help=True,
    cls=LazyGroup,
    lazy={
        "list": Lazy("mailer.cli.delivery_view:list_", "List deliveries, newest first."),
        "show": Lazy("mailer.cli.delivery_view:show", "Show everything known about one delivery."),
        "retry": Lazy("mailer.cli.delivery_retry:retry", "Try deferred and expired ones again, now."),
        "settle": Lazy("mailer.cli.delivery_settle:settle", "Settle what nobody knows the end of."),
        "pace": Lazy("mailer.cli.delivery_pace:pace", "How fast mail leaves, for whom, and why."),
    },
)
def delivery() -> None:
    """Single messages: who got theirs, who did not, and why."""

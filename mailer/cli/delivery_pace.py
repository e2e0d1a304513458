"""`mailer delivery pace`: how fast each relay and provider is sent to now, why, and how to forget that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from mailer.cli.output import json_option, print_json, print_table
from mailer.cli.site_option import pass_site, site_option

if TYPE_CHECKING:
    from mailer.application import Site
    from mailer.delivery.pace.view import State


@click.group(invoke_without_command=True)
@json_option
@site_option
@click.pass_context
def pace(context: click.Context, *, site_root: Path | None, as_json: bool) -> None:
    """How fast each relay and mailbox provider is sent to, and why.

    \b
    Nothing is limited until a relay or provider asks for less mail. Then its
    limit is 0.85 of what was sent, and goes up by small steps while nobody
    complains. What was found is kept across restarts, for all hosts.
    """
    if context.invoked_subcommand is None:
        _show(site_root=site_root, as_json=as_json)
    elif context.get_parameter_source("site_root") is ParameterSource.COMMANDLINE:
        raise click.UsageError(f"Say --site behind {context.invoked_subcommand}.")


@pass_site
def _show(site: Site, *, as_json: bool) -> None:
    from mailer.delivery.pace.view import states

    found = states(site.store, site.settings)
    if as_json:
        print_json([_as_json(state) for state in found])
    else:
        print_table(("", "name", "state"), [(state.kind, state.name, state.words) for state in found])


@pace.command()
@click.argument("name", metavar="NAME")
@pass_site
def reset(site: Site, name: str) -> None:
    """Forget what was found about a relay or provider, and send without that limit again.

    Do it when you know that the cause is gone: the relay's owner gave you more, say. A limit of
    [sending] rate and a warm-up stay. On record.
    """
    from mailer.delivery.pace.view import reset as forget

    for key in forget(site.store, site.ledger, name):
        click.echo(f"Forgotten: {key.replace(':', ' ', 1)}. Senders know it within seconds.")


def _as_json(state: State) -> dict[str, object]:
    return {
        "kind": state.kind,
        "name": state.name,
        "limit_per_second": state.limit,
        "most_today": state.most_today,
        "connections": state.connections,
        "closed_until": state.closed_until,
        "refused_at": state.refused_at,
        "cause": state.cause,
        "words": state.words,
    }

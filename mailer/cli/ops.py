"""`mailer ops user`: who may sign in to /ops."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mailer.cli.output import json_option, print_json, print_table
from mailer.cli.site_option import pass_site
from mailer.store.vocabulary import StaffRole

if TYPE_CHECKING:
    from mailer.application import Site


@click.group()
def ops() -> None:
    """The pages at /ops: health, campaigns, what came back; for staff."""


@ops.group()
def user() -> None:
    """Who may sign in to /ops."""


@user.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([role.value for role in StaffRole]),
    required=True,
    help="A viewer looks; an operator acts as well.",
)
@click.option("--by-proxy", is_flag=True, help="Comes by your sign-in proxy alone ([ops] proxy_header).")
@pass_site
def add(site: Site, *, name: str, role: str, by_proxy: bool) -> None:
    """Let somebody in; prints the secret for their authenticator app, this once.

    Asks for a password twice, or reads it from standard input, one line.
    """
    secret = site.accounts.add(name, StaffRole(role), password=None if by_proxy else _password())
    click.echo(f"{name} may sign in at {site.settings.site.base_url}/ops as {role}.")
    if secret is not None:
        _show(site, name, secret)


@user.command("list")
@json_option
@pass_site
def list_(site: Site, *, as_json: bool) -> None:
    """List who may sign in."""
    found = site.accounts.list()
    if as_json:
        print_json(found)
    elif not found:
        click.echo("Nobody may sign in yet: mailer ops user add NAME --role operator")
    else:
        rows = [
            [
                one.name,
                one.role.value,
                f"{one.created_at:%Y-%m-%d}",
                "proxy" if one.by_proxy else "password and code",
                "disabled" if one.disabled_at else f"{one.sessions} signed in",
            ]
            for one in found
        ]
        print_table(["name", "role", "added", "comes by", "now"], rows)


@user.command()
@click.argument("name")
@pass_site
def disable(site: Site, *, name: str) -> None:
    """Let somebody in no more; whoever is signed in by that name is out at once."""
    site.accounts.disable(name)
    click.echo(f"{name} may not sign in any more, and is signed out everywhere.")


@user.command()
@click.argument("name")
@pass_site
def reset(site: Site, *, name: str) -> None:
    """Give somebody a new password and a new secret; the old ones and every session end."""
    secret = site.accounts.reset(name, password=_password())
    click.echo(f"{name} is signed out everywhere, and signs in anew with what follows.")
    _show(site, name, secret)


def _password() -> str:
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt="Once more")
        return password
    return sys.stdin.readline().rstrip("\r\n")


def _show(site: Site, name: str, secret: bytes) -> None:
    from mailer.ops.totp import otpauth_uri

    click.echo("Put this into an authenticator app; it is not shown again:")
    click.echo(f"  {otpauth_uri(secret, name=name, issuer=site.settings.site.name)}")

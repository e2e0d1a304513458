"""`mailer subscriber`: add one person, show what is stored about one; import and erase have files of their own."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from mailer.cli.main import Lazy, LazyGroup
from mailer.cli.output import json_option, print_facts, print_json, print_table
from mailer.cli.site_option import pass_site
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.addresses import EmailAddress
    from mailer.application import Site
    from mailer.subscribers.evidence import Evidence
    from mailer.subscribers.people import PersonView, SubscriptionView

#: How the evidence of a sign-up entered by staff names its form.
FORM = "mailer subscriber add"


class SignupRefused(MailerError):
    """This address cannot be invited."""


@click.group(
    no_args_is_help=True,
    cls=LazyGroup,
    lazy={
        "add": Lazy("mailer.cli.subscriber:add", "Invite one person to a list; they confirm by mail."),
        "import": Lazy("mailer.cli.subscriber_import:import_command", "Import people from a CSV file."),
        "erase": Lazy("mailer.cli.subscriber_erase:erase", "Erase all that is stored about one address."),
        "show": Lazy("mailer.cli.subscriber:show", "Show what is stored about one address."),
        "history": Lazy(
            "mailer.cli.subscriber_history:history", "Show what happened to one person, in order."
        ),
    },
)
def subscriber() -> None:
    """People: add, import, erase, show, history."""


def _split_fields(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    fields = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE.")
        fields[name.strip()] = value
    return fields


@click.command()
@click.argument("address")
@click.option("--list", "list_name", required=True, metavar="LIST", help="The list they asked to join.")
@click.option(
    "--asked",
    required=True,
    metavar="TEXT",
    help="When and how they asked: 'at the counter, 20 November'. Kept as evidence.",
)
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_split_fields,
    help="A merge field; repeatable.",
)
@click.option("--language", metavar="CODE", help="Language of their mails; default: the site's.")
@json_option
@pass_site
def add(
    site: Site,
    *,
    address: str,
    list_name: str,
    asked: str,
    fields: dict[str, str],
    language: str | None,
    as_json: bool,
) -> None:
    """Invite one person: they enter as pending and are sent one confirmation mail.

    Nobody becomes a subscriber by somebody else's hand: the subscription starts when they press the
    button behind the link in that mail, and is deleted when they do not. People whose consent you can
    prove (when, how, and where the proof is kept) enter as confirmed by `mailer subscriber import`,
    which keeps that evidence for each row; a file with one row will do.

    Who left may be invited again, once they asked for it; who complained, said "not me", bounced or
    was blocked is not mailed: see `mailer suppression lift --help`.
    """
    from mailer.addresses import parse_address
    from mailer.subscribers.model import SignupVerdict

    if not asked.strip():
        raise click.BadParameter("Say when and how they asked.", param_hint="--asked")
    person = parse_address(address)
    evidence = _evidence(site, asked=asked.strip(), language=language or site.settings.site.language)
    verdict = site.joining.invite(list_name, person, fields=fields, evidence=evidence)
    if verdict is SignupVerdict.SILENCED:
        raise SignupRefused(_why_silenced(site, person, list_name))
    if verdict is SignupVerdict.CAPPED:
        raise SignupRefused(
            f"{person.masked} was not invited: a confirmation mail went to this address within the last day, "
            "three did within 30 days, or the site's hourly limit is reached. Try again later."
        )
    if as_json:
        print_json({"list": list_name, "verdict": verdict})
    elif verdict is SignupVerdict.ALREADY:
        click.echo(f"{person.masked} is on {list_name} already; nothing was sent.")
    else:
        click.echo(
            f"A confirmation mail to {person.masked} is queued. The subscription starts when they confirm; "
            f"otherwise it is deleted after {site.settings.privacy.unconfirmed_days} days."
        )


def _evidence(site: Site, *, asked: str, language: str) -> Evidence:
    from mailer.subscribers.evidence import Evidence

    return Evidence(
        ip=None,
        user_agent=None,
        form_url=FORM,
        wording=asked,
        policy_version=site.policies.current(language).label,
        language=language,
    )


def _why_silenced(site: Site, person: EmailAddress, list_name: str) -> str:
    reasons = ", ".join(site.people.reasons(person, list_name=list_name))
    return (
        f"{person.masked} was not invited: the address is suppressed ({reasons}). "
        "See: mailer suppression lift --help"
    )


@click.command()
@click.argument("address")
@json_option
@pass_site
def show(site: Site, *, address: str, as_json: bool) -> None:
    """Show what is stored about one address: lists, suppressions, consent record. The look is recorded."""
    from mailer.addresses import parse_address

    view = site.people.show(parse_address(address))
    if as_json:
        print_json(view)
    else:
        _print(view)


def _print(view: PersonView) -> None:
    facts = {"language": view.language, "stored since": view.created_at and _minute(view.created_at)}
    facts |= {f"field {name}": value for name, value in view.fields.items()}
    print_facts({name: value for name, value in facts.items() if value is not None}, title=view.email)
    if view.subscriptions:
        print_table(
            ["list", "state", "since (UTC)", "came by"],
            [[row.list_name, _state(row), _minute(row.since), row.source] for row in view.subscriptions],
        )
    else:
        click.echo("  On no list.")
    if view.suppressions:
        print_table(
            ["not mailed", "because", "since (UTC)", "by", "note"],
            [
                [
                    row.list_name or "on any list",
                    row.reason.value,
                    _minute(row.created_at),
                    row.source,
                    row.note,
                ]
                for row in view.suppressions
            ],
        )
    print_table(
        ["at (UTC)", "what the ledger holds", "list"],
        [[_minute(row.at), row.event, (row.payload or {}).get("list")] for row in view.history],
    )


def _state(row: SubscriptionView) -> str:
    return (
        f"{row.state.value}, link alive until {_minute(row.link_until)}"
        if row.link_until
        else row.state.value
    )


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"

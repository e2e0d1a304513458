"""`mailer delivery settle`: what became of messages whose end nobody saw, by evidence or an operator's word."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.delivery_view import HIGHEST_ID
from mailer.cli.output import dry_run_option, json_option, print_json
from mailer.cli.site_option import pass_site
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.application import Site
    from mailer.delivery.settling.by_log import Judged
    from mailer.delivery.settling.queries import Chosen

_HELP = """Settle deliveries that are unknown: sent, but the answer was never read.

They are never sent again on their own. Evidence settles them:

\b
  mailer delivery settle --postfix-log /var/log/mail.log*
      accepted    the log has the message in the relay's queue
      sent again  the log would have to name it, and does not, or has its
                  connection cut inside the message
      unknown     anything else; you are told what would settle it
  mailer delivery settle 17 --accept --why "the relay's owner has it"
  mailer delivery settle 17 --resend --why "the relay's disk was lost"

The log may be in several files, plain or gzip, in any order; it is that of the relay, and
reaches from 15 minutes before the attempt to 30 minutes after it. Only Postfix's is understood.
A copy that is sent again keeps its Message-ID. What was settled, and why, goes on record.
"""


class NothingUnknown(MailerError):
    """None of these deliveries is unknown: there is nothing to settle."""


@click.command(help=_HELP)
@click.argument("what", nargs=-1, metavar="[ID]...")
@click.option(
    "--postfix-log",
    "logs",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE...",
    help="The relay's mail log, all of its files.",
)
@click.option("--relay", metavar="HOST:PORT", help="Whose log it is, where that is not known.")
@click.option("--zone", metavar="ZONE", help="Time zone of a log without offsets; default: this machine's.")
@click.option("--accept", is_flag=True, help="By your word: the relay took them.")
@click.option("--resend", is_flag=True, help="By your word: they never arrived; send them again.")
@click.option("--campaign", metavar="SLUG", help="Only those of this campaign.")
@click.option("--all", "every", is_flag=True, help="With your word: all that are unknown.")
@click.option("--why", metavar="TEXT", help="How you know; goes on record. No addresses, please.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@dry_run_option
@json_option
@pass_site
def settle(
    site: Site,
    *,
    what: tuple[str, ...],
    logs: tuple[Path, ...],
    relay: str | None,
    zone: str | None,
    accept: bool,
    resend: bool,
    campaign: str | None,
    every: bool,
    why: str | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Settle deliveries that are unknown."""
    from mailer.cli.settle_output import print_settled, settled_as_json
    from mailer.delivery.settling.settle import settle as apply

    if (bool(logs), accept, resend).count(True) != 1:
        raise click.UsageError("Say what settles them: --postfix-log FILE..., --accept or --resend.")
    if campaign:
        site.campaigns.ensure_scheduled(campaign)
    chosen, files = _sorted_out(what, logs, campaign)
    if logs:
        judged = _by_log(site, chosen, files, relay=relay, zone=zone)
        record = {"evidence": "postfix log", "relay": relay}
    else:
        if not (every or campaign or chosen.ids):
            raise click.UsageError("Say which: ids, all of a --campaign, or --all that are unknown.")
        if why is None or not why.strip():
            raise click.UsageError("Say with --why how you know: it goes on record.")
        judged = _by_word(site, chosen, accept=accept, why=why.strip())
        record = {"evidence": "operator", "why": why.strip()}
    if not judged.verdicts and (chosen.ids or campaign):
        raise NothingUnknown()
    if judged.verdicts and not (logs or yes or dry_run):
        question = _ASK_ACCEPT if accept else _ASK_RESEND
        click.confirm(question.format(count=len(judged.verdicts)), abort=True, err=True)
    asked = {**record, **chosen.as_record()}
    done = None if dry_run else apply(site.store, site.ledger, judged.verdicts, record=asked)
    print_json(settled_as_json(judged, done)) if as_json else print_settled(judged, done)


#: Asked before an operator's word is taken.
_ASK_ACCEPT = "Call {count:,} accepted? They will never be sent again"
_ASK_RESEND = "Send {count:,} again? Whoever has one already gets a second copy"


def _sorted_out(
    what: tuple[str, ...], logs: tuple[Path, ...], campaign: str | None
) -> tuple[Chosen, tuple[Path, ...]]:
    """Ids and files: a shell spells `--postfix-log mail.log*` as one option and many words."""
    from mailer.delivery.settling.queries import Chosen

    ids = frozenset(int(word) for word in what if _is_id(word))
    files = tuple(Path(word) for word in what if not _is_id(word))
    if files and not logs:
        raise click.UsageError(f"{str(files[0])!r} is no id of a delivery.")
    return Chosen(ids, campaign), (*logs, *files)


def _is_id(word: str) -> bool:
    return word.isascii() and word.isdigit() and 1 <= int(word) <= HIGHEST_ID


def _by_word(site: Site, chosen: Chosen, *, accept: bool, why: str) -> Judged:
    from mailer.delivery.settling.by_log import Judged
    from mailer.delivery.settling.settle import by_word
    from mailer.delivery.settling.verdicts import Finding

    finding = Finding.ACCEPTED if accept else Finding.ABSENT
    return Judged(by_word(site.store, chosen, finding, why=why), None)


def _by_log(
    site: Site, chosen: Chosen, files: tuple[Path, ...], *, relay: str | None, zone: str | None
) -> Judged:
    from mailer.addresses import parse_address
    from mailer.campaigns.when import zone_named
    from mailer.delivery.settling.by_log import Names, judge_by_log

    names = Names(
        site.secrets,
        site.messages,
        site.settings.message_id_domain,
        parse_address(site.settings.sending.return_path),
    )
    times_of = zone_named(zone) if zone else None
    return judge_by_log(site.store, names, files, chosen=chosen, relay=relay, zone=times_of)

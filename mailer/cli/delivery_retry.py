"""`mailer delivery retry`: another attempt, now, of what may be tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.delivery_view import HIGHEST_ID
from mailer.cli.output import dry_run_option, folded, json_option, print_json
from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailer.application import Site
    from mailer.delivery.retrying import Retried

#: What can be asked for by state (tested to agree with the rules).
RETRYABLE = ("deferred", "expired", "rejected", "skipped")
#: Ids that are named after a reason; --json has them all.
_NAMED = 12


@click.command()
@click.argument("ids", nargs=-1, type=click.IntRange(1, HIGHEST_ID), metavar="[ID]...")
@click.option("--campaign", metavar="SLUG", help="All of this campaign.")
@click.option("--domain", metavar="DOMAIN", help="All to addresses at this domain.")
@click.option(
    "--state", "states", type=click.Choice(RETRYABLE), multiple=True, help="All in this state; repeatable."
)
@click.option(
    "--mended",
    metavar="TEXT",
    help="What was done about the cause: lets those through that were refused by policy (5.7.x) or could not be "
    "made. On record.",
)
@dry_run_option
@json_option
@pass_site
def retry(
    site: Site,
    *,
    ids: tuple[int, ...],
    campaign: str | None,
    domain: str | None,
    states: tuple[str, ...],
    mended: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Try deferred and expired deliveries again, now.

    \b
    deferred  is due at once instead of later.
    expired   gets one more attempt.
    rejected  only by policy (5.7.x), where the server refused you, not the
              address: say with --mended what was done about it. Any other
              5xx is an answer, and is never asked again.
    skipped   only what could not be made (unrenderable); say with --mended
              what was done about it.

    Whoever left meanwhile, or is suppressed, gets nothing. A finished campaign sends again until these
    have come to an end. A copy keeps its Message-ID. The order goes on record.
    """
    from mailer.delivery.retrying import Asked
    from mailer.delivery.retrying import retry as order
    from mailer.store.vocabulary import DeliveryState

    if bool(ids) == bool(campaign or domain or states):
        raise click.UsageError("Say which: ids, or all of a --campaign, a --domain or a --state.")
    if mended is not None and not mended.strip():
        raise click.BadParameter("Say what was done about the cause.", param_hint="--mended")
    if campaign:
        site.campaigns.ensure_scheduled(campaign)
    asked = Asked(
        ids, campaign, _ascii(domain) if domain else None, frozenset(map(DeliveryState, states or RETRYABLE))
    )
    done = order(site.store, site.ledger, asked, mended=mended and mended.strip(), dry_run=dry_run)
    if as_json:
        print_json(_as_json(done, dry_run=dry_run))
    else:
        _print(done, dry_run=dry_run)
    if not done.count and ids:
        raise SystemExit(1)


def _ascii(domain: str) -> str:
    from mailer.addresses import parse_address

    return parse_address(f"anybody@{domain}").domain


def _print(done: Retried, *, dry_run: bool) -> None:
    from mailer.delivery.retrying import REFUSALS

    parts = ", ".join(f"{count:,} {state.value}" for state, count in sorted(done.due.items()))
    verb = "would be due now" if dry_run else ("is due now" if done.count == 1 else "are due now")
    noun = "delivery" if done.count == 1 else "deliveries"
    click.echo(f"{done.count:,} {noun} {verb}" + (f": {parts}." if parts else "."))
    for slug, state in done.held.items():
        click.echo(_HELD[state.value].format(slug=slug))
    for reason, refused in done.refused.items():
        click.echo(folded(f"Not retried, {len(refused):,}: {REFUSALS[reason]}.", indent="  "))
        click.echo(folded(f"  {_named(refused)}", indent="  "))


#: What stands between a delivery that is due and its way out.
_HELD = {
    "paused": "The campaign {slug} is paused: go on with mailer campaign resume {slug}",
    "finished": "The campaign {slug} is finished, and would send again.",
    "scheduled": "The campaign {slug} has not started.",
    "cancelled": "The campaign {slug} is cancelled.",
}


def _named(ids: Sequence[int]) -> str:
    more = len(ids) - _NAMED
    return ", ".join(map(str, ids[:_NAMED])) + (f" and {more:,} more (--json has them)" if more > 0 else "")


def _as_json(done: Retried, *, dry_run: bool) -> dict[str, object]:
    from mailer.delivery.retrying import REFUSALS

    return {
        "dry_run": dry_run,
        "due": done.count,
        "was": {state.value: count for state, count in sorted(done.due.items())},
        "held": {slug: state.value for slug, state in done.held.items()},
        "refused": [
            {"reason": reason.value, "words": REFUSALS[reason], "deliveries": refused}
            for reason, refused in done.refused.items()
        ],
    }

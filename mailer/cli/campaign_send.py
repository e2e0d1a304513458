"""`mailer campaign schedule, pause, resume, cancel, status`: while people are written to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mailer.cli.output import dry_run_option, json_option, print_json
from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from mailer.application import Site
    from mailer.campaigns.status import CampaignStatus


@click.command()
@click.argument("slug")
@click.argument("when", nargs=-1, metavar='["WHEN"]')
@click.option("--now", "at_once", is_flag=True, help="Leave at once.")
@click.option(
    "--expect", type=click.IntRange(min=0), metavar="N", help="How many people it reaches, if you know."
)
@dry_run_option
@json_option
@pass_site
def schedule(
    site: Site,
    slug: str,
    when: tuple[str, ...],
    *,
    at_once: bool,
    expect: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Freeze a campaign and set when it leaves.

    WHEN: "2026-11-27 09:00 Europe/Berlin", "tomorrow 9am", "friday 17:30", "in 2 hours"; or --now.
    A time without a zone is meant in the site's. You are shown whom it reaches and asked for the
    count; what is frozen is what will be sent, whatever happens to the file afterwards.
    """
    from mailer.campaigns.findings import CampaignRefused
    from mailer.cli.campaign_view import print_plan, print_report, print_scheduled

    words = " ".join(when)
    if bool(words) == at_once:
        raise click.UsageError('Say when: mailer campaign schedule SLUG "tomorrow 9am", or --now.')
    try:
        plan = site.campaigns.plan(slug, "now" if at_once else words)
    except CampaignRefused as refused:
        print_json(refused.report.as_json()) if as_json else print_report(refused.report, site.folder.root)
        raise
    if as_json and (dry_run or expect is None):
        print_json(plan.as_json())
    elif not as_json:
        print_plan(plan)
    if dry_run:
        return
    if expect is None and not as_json and can_ask():
        expect = click.prompt("Type the number of people it reaches to schedule it", type=int)
    done = site.campaigns.commit(plan, expect=expect)
    if as_json:
        print_json({**plan.as_json(), "campaign": done.campaign_id, "artefact": done.artefact_hash})
    else:
        print_scheduled(done)


def can_ask() -> bool:
    """Whether somebody sits there who can type an answer."""
    return sys.stdin.isatty()


@click.command()
@click.argument("slug")
@click.option("--reason", default="paused by hand", show_default=True, help="Why; shown in the status.")
@pass_site
def pause(site: Site, slug: str, *, reason: str) -> None:
    """Stop sending a campaign for now. What is on the wire is finished; the rest waits."""
    status = site.campaigns.pause(slug, reason)
    click.echo(f"{slug} is paused; {status.waiting:,} are waiting. Go on with: mailer campaign resume {slug}")


@click.command()
@click.argument("slug")
@click.option(
    "--expect", type=click.IntRange(min=0), metavar="N", help="The new count, if the audience moved."
)
@click.option(
    "--mended", metavar="TEXT", help="What was done about the cause, if a circuit breaker paused it."
)
@pass_site
def resume(site: Site, slug: str, *, expect: int | None, mended: str | None) -> None:
    """Go on with a paused campaign.

    One that a circuit breaker paused goes on once you say what was done; the breaker then counts
    afresh, and what is in the status before is not held against it.
    """
    before = site.campaigns.status(slug)
    if before.breaker is not None and before.state.value == "paused" and mended is None and can_ask():
        click.echo(before.reason)
        mended = click.prompt("What was done about it")
    status = site.campaigns.resume(slug, expect=expect, mended=mended)
    click.echo(f"{slug} is {status.state.value} again. Watch it with: mailer campaign status {slug} --watch")


@click.command()
@click.argument("slug")
@click.option("--reason", default="cancelled by hand", show_default=True, help="Why; shown in the status.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@dry_run_option
@pass_site
def cancel(site: Site, slug: str, *, reason: str, yes: bool, dry_run: bool) -> None:
    """End a campaign for good. Whoever has not been sent to will never get it."""
    from mailer.campaigns.model import Move, after

    before = site.campaigns.status(slug)
    after(before.state, Move.CANCEL, slug=slug)  # refused here: nobody is asked about what cannot be done
    waiting = _not_reached(before)
    if dry_run:
        click.echo(f"{slug} would end; {waiting:,} people would not get it. Nothing was changed.")
        return
    if not yes:
        click.confirm(f"End {slug} for good? {waiting:,} people have not got it yet", abort=True)
    status = site.campaigns.cancel(slug, reason)
    click.echo(f"{slug} is cancelled; {_not_reached(status):,} people will not get it.")


def _not_reached(status: CampaignStatus) -> int:
    """How many do not have it, and never will once it is cancelled; before the start, who was approved."""
    from mailer.store.vocabulary import DeliveryState

    if status.started_at is None:
        return status.expected_count
    on_the_wire = status.counts.get(DeliveryState.ATTEMPTING, 0)
    return status.waiting - on_the_wire + status.skipped.get("cancelled", 0)


@click.command()
@click.argument("slug", required=False)
@click.option(
    "--watch", is_flag=True, help="Keep showing it until it is over (Ctrl+C ends the showing only)."
)
@json_option
@pass_site
def status(site: Site, slug: str | None, *, watch: bool, as_json: bool) -> None:
    """Show where campaigns stand; with SLUG, person by person and why."""
    from mailer.cli.campaign_view import print_status, print_statuses
    from mailer.cli.campaign_watch import watch_campaign

    if watch and (slug is None or as_json):
        raise click.UsageError(
            "--watch shows one campaign, and not as JSON: mailer campaign status SLUG --watch"
        )
    if slug is None:
        everything = site.campaigns.statuses()
        print_json([one.as_json() for one in everything]) if as_json else print_statuses(everything)
        return
    if watch:
        watch_campaign(lambda: site.campaigns.status(slug))
        return
    one = site.campaigns.status(slug)
    print_json(one.as_json()) if as_json else print_status(one)

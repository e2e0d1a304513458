"""`mailer demo --month`: a simulated month, then its report, then the truth beside it."""

from __future__ import annotations

import logging
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer import clock
from mailer.cli.output import print_facts

if TYPE_CHECKING:
    from mailer.demo.month.truth import Comparison

#: What --people is by default: with fourteen campaigns in thirty days some 200 000 messages.
PEOPLE, DAYS, SEED = 14_350, 30, 1
#: Below these, nobody can tell a cause from chance.
FEWEST_PEOPLE, FEWEST_DAYS = 500, 14


def play_month(folder: Path, *, seed: int, people: int, days: int, keep: bool) -> None:
    """Simulate, report, compare; `keep`: serve the site's pages afterwards. Exits with 1 when somebody was wronged."""
    from mailer.demo.month.plan import Plan
    from mailer.demo.month.stage import month_site
    from mailer.demo.month.story import Month

    # What goes wrong is the story here, and is told in it.
    logging.getLogger("mailer").addHandler(logging.NullHandler())
    start = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(days=days)
    plan, root = Plan(seed, people, days, start), folder / "site"
    click.echo(
        f"A month of {people:,} readers and {len(plan.issues)} campaigns, from seed {seed}; in {root}\n"
    )
    with clock.steered(plan.start) as steer:
        with month_site(root, seed=seed) as site:
            found = Month(site, plan, steer=steer, say=click.echo).play()
        _report(root, since=f"{plan.start:%Y-%m-%d %H:%M}")
    _conclude(found)
    click.echo(
        f"\nThe site stays in {root}. Look at it from there:\n"
        f"  cd {root}\n"
        f"  mailer bounce report --since {days}d --by import      or by campaign, reason, day …\n"
        f"  mailer bounce report --since {days}d --html month.html\n"
        "  mailer ops user add YOU --role operator && mailer serve      and then /ops"
    )
    if keep:
        with suppress(KeyboardInterrupt):  # that is how it is meant to end
            subprocess.run([sys.executable, "-m", "mailer", "serve"], cwd=root, check=False)
    if not is_right(found):
        raise SystemExit(1)


def is_right(found: Comparison) -> bool:
    """Whether everybody is accounted for and nobody was wronged."""
    wronged = (found.wrongly, found.complaints_missed, found.leavers_missed)
    return found.adds_up and not any(wronged)


def _report(root: Path, *, since: str) -> None:
    from mailer.cli.bounce_report import report

    report.main(["--site", str(root), "--since", since], standalone_mode=False)


def _conclude(found: Comparison) -> None:
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(found.deliveries.items()))
    blocked = ", ".join(
        f"{count:,} {reason.replace('_', ' ')}" for reason, count in sorted(found.suppressed.items())
    )
    facts = {
        "deliveries": f"{found.total:,}: {states}",
        "accounted for": "everybody" if found.adds_up else f"NOT: the campaigns were for {found.audiences:,}",
        "suppressed": blocked,
        "dead addresses": f"{found.found:,} of {found.dead:,} are suppressed",
        "living ones suppressed as dead": len(found.wrongly),
        "complaints not heeded": found.complaints_missed,
        "wishes to leave not heeded": found.leavers_missed,
    }
    print_facts(facts, title="Compared with the truth")

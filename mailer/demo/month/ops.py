"""The operator of the simulated site: reads the alerts, mends what can be mended, lets things go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select

from mailer.addresses import parse_address
from mailer.application import Site
from mailer.bounces.deciding.model import OpenFreeze
from mailer.campaigns.breakers.rules import Breaker
from mailer.demo.month.people import BOUGHT, Person
from mailer.demo.month.plan import Plan
from mailer.store.schema import Campaign
from mailer.store.vocabulary import CampaignState, SuppressionReason

#: From an alert to the first thing that is done about it.
REACTION = timedelta(hours=2)
#: The report of the next day names the file that most of the dead addresses came with.
_NEXT_DAY = timedelta(hours=26)
_PAUSED = (
    select(Campaign.slug, Campaign.subject, Campaign.reason, Campaign.breaker)
    .where(Campaign.state == CampaignState.PAUSED)
    .order_by(Campaign.id)
)


class Operator:
    """One person, who needs two hours to react, whatever it is."""

    def __init__(self, site: Site, plan: Plan, people: Sequence[Person], say: Callable[[str], None]) -> None:
        self._site = site
        self._plan = plan
        self._people = people
        self._say = say
        self._seen_at: dict[str, datetime] = {}
        self._took_out_bought = False

    def look(self, now: datetime) -> None:
        """Do what is to be done by now."""
        if now >= self._plan.bad_import_at + _NEXT_DAY and not self._took_out_bought:
            self._take_out_bought(now)
        with self._site.store.read() as connection:
            paused = connection.execute(_PAUSED).all()
        for campaign in paused:
            if self._is_time(f"{campaign.slug} {campaign.reason}", now):
                self._mend(campaign, now)
        for freeze in self._site.deciding.review().freezes:
            if self._is_time(f"freeze {freeze.id}", now):
                self._decide(freeze, now)

    def _is_time(self, what: str, now: datetime) -> bool:
        if what not in self._seen_at:
            self._seen_at[what] = now
            if not what.startswith("freeze"):
                self._tell(now, what.partition(" ")[0] + " was paused: " + what.partition(" ")[2])
        return now - self._seen_at[what] >= REACTION

    def _mend(self, campaign: Row[*tuple[Any, ...]], now: datetime) -> None:
        """Go on once the cause is gone; while it is not, it would only be paused again."""
        if any(trouble.holds(now) for trouble in (self._plan.listing, self._plan.dkim_break)):
            return
        if campaign.breaker == Breaker.COMPLAINTS.value or campaign.subject == self._plan.unwanted.subject:
            self._tell(now, f"the operator cancels {campaign.slug}: nobody had asked for it")
            self._site.campaigns.cancel(campaign.slug, "many readers reported it as spam")
            return
        self._tell(now, f"the operator lets {campaign.slug} go on")
        self._site.campaigns.resume(campaign.slug, mended="looked into; the cause is gone")

    def _take_out_bought(self, now: datetime) -> None:
        """Those who never asked are not written to again, dead or alive."""
        bought = [person for person in self._people if person.file == BOUGHT]
        self._tell(now, f"the operator takes out the {len(bought):,} bought addresses")
        for person in bought:
            self._site.suppressions.add(
                parse_address(person.address), SuppressionReason.MANUAL, note="bought; never asked for mail"
            )
        self._took_out_bought = True

    def _decide(self, freeze: OpenFreeze, now: datetime) -> None:
        """Dead addresses of a bought file are dead; whatever else fails alike is the sender's own doing."""
        dead = freeze.group in ("bad_address", "bad_domain", "disabled")
        decide = self._site.deciding.discard if dead else self._site.deciding.release
        words = "the addresses are dead" if dead else "nobody of them is to blame"
        count = decide(freeze.id, why=words)
        told = f", {count:,} reports" if count else ""
        self._tell(
            now, f"the operator decides on the alarm at {freeze.label} ({freeze.group}{told}): {words}"
        )

    def _tell(self, now: datetime, words: str) -> None:
        self._say(f"  {now:%d %b %H:%M}  {words}")

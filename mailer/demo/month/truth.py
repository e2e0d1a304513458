"""What the site did, compared with what is true: every delivery accounted for, nobody blamed for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select

from mailer.application import Site
from mailer.demo.month.people import Person
from mailer.store.schema import Delivery, Report, ReturnedMail, Subscriber, Suppression
from mailer.store.vocabulary import SuppressionReason

#: Reasons that say: this address does not work.
_DEAD = (SuppressionReason.HARD_BOUNCE, SuppressionReason.HELD, SuppressionReason.SOFT_BOUNCE)


@dataclass(frozen=True)
class Comparison:
    """The month in numbers, and the truth beside them."""

    deliveries: dict[str, int]  #: by state
    audiences: int  #: people that the campaigns were for, by the campaigns' own sums
    reports: dict[str, int]  #: by "severity, fault"
    mails: dict[str, int]  #: what came back, by state
    suppressed: dict[str, int]  #: addresses, by reason
    dead: int  #: addresses that are dead now and were mailed
    found: int  #: of them, suppressed
    wrongly: list[str] = field(default_factory=list)  #: living addresses that are suppressed as dead
    complaints_missed: int = 0
    leavers_missed: int = 0

    @property
    def total(self) -> int:
        """Deliveries of the month."""
        return sum(self.deliveries.values())

    @property
    def adds_up(self) -> bool:
        """Law 1: everybody that a campaign was for is accounted for."""
        return self.total == self.audiences


def compare(
    site: Site, people: Sequence[Person], *, at: datetime, complained: set[int], left: set[int]
) -> Comparison:
    """Look at everything, and say who was treated wrongly."""
    by_address = {person.address: person for person in people}
    blocked: dict[int, set[SuppressionReason]] = {}
    with site.store.read() as connection:
        suppressed = connection.execute(
            select(Subscriber.email_key, Suppression.reason).join(
                Subscriber, Subscriber.email_hash == Suppression.email_hash
            )
        ).all()
        states = connection.execute(select(Delivery.state, func.count()).group_by(Delivery.state)).all()
        reports = connection.execute(
            select(Report.severity, Report.fault, func.count()).group_by(Report.severity, Report.fault)
        ).all()
        mails = connection.execute(
            select(ReturnedMail.state, func.count()).group_by(ReturnedMail.state)
        ).all()
    for key, reason in suppressed:
        blocked.setdefault(by_address[key].number, set()).add(reason)
    dead = [person for person in people if person.is_dead(at)]
    return Comparison(
        deliveries={state.value: count for state, count in states},
        audiences=sum(one.audience for one in site.campaigns.statuses(1_000)),
        reports={f"{severity}, {fault}": count for severity, fault, count in reports},
        mails={state.value: count for state, count in mails},
        suppressed=dict(Counter(reason.value for _, reason in suppressed)),
        dead=len(dead),
        found=sum(bool(blocked.get(person.number)) for person in dead),
        wrongly=sorted(
            person.address
            for person in people
            if blocked.get(person.number, set()).intersection(_DEAD) and not _is_unreachable(person, at)
        ),
        complaints_missed=sum(SuppressionReason.COMPLAINT not in blocked.get(one, ()) for one in complained),
        leavers_missed=sum(not blocked.get(one) for one in left),
    )


def _is_unreachable(person: Person, at: datetime) -> bool:
    return person.is_dead(at) or person.is_full(at)

"""Click while something else goes on, kill the web server in the middle of it, and look what the database knows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from benchmarks import relay
from benchmarks.stage import Stage
from mailer.application import Site
from mailer.store.schema import Campaign, Delivery, Subscription, Suppression
from mailer.store.vocabulary import DeliveryState, SubscriptionState, SuppressionReason
from mailer.tokens import LinkClaim, Purpose, sign_link

#: Clicks a second.
PER_SECOND = 200
#: Law 3: state is read at most 2 s before MAIL FROM; the reply to the final dot follows.
LATE_SECONDS = 2.5
# As many as come in the longest of these runs.
_MOST_CLICKS = 30_000


@dataclass(frozen=True, slots=True)
class Click:
    """One opt-out: when it was due, when it was answered, with what (0: not at all)."""

    tag: bytes
    due: float
    ended: float
    status: int

    @property
    def millis(self) -> float:
        """How long the person waited."""
        return (self.ended - self.due) * 1000


@dataclass(frozen=True, slots=True)
class Clicked:
    """What became of the clicks of one run."""

    clicks: Sequence[Click] = ()
    refused: int = 0  #: answered with something else than 200
    unanswered: int = 0  #: broken off before the server was killed
    lost: int = 0  #: answered with 200 and not in the database after the kill
    late: int = 0  #: people who got a message all the same, later than law 3 allows


def click_while(at: Stage, site: Site, busy: Callable[[], None], people: int) -> Clicked:
    """Serve the pages, click while `busy` runs, kill the server in the middle of it, and look what is there."""
    tokens = at.root / "tokens"
    tags = _tags(site, min(people, _MOST_CLICKS))
    tokens.write_text("\n".join(tags))
    with _serving(at) as (server, port):
        command = [sys.executable, "-m", "benchmarks.clicks", str(port), str(PER_SECOND), str(tokens)]
        root = Path(__file__).parents[1]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as clients:
            busy()
            server.kill()
            killed = time.time()
            clients.send_signal(signal.SIGTERM)
            lines, _ = clients.communicate()
    clicks = [_click(line, tags) for line in lines.splitlines()]
    return _judged(site, [click for click in clicks if click.status or click.ended < killed])


def _click(line: str, tags: dict[str, bytes]) -> Click:
    token, due, ended, status = line.split()
    return Click(tags[token], float(due), float(ended), int(status))


def _judged(site: Site, clicks: Sequence[Click]) -> Clicked:
    """The clicks against the database: who was answered 200 has left, is remembered, and got nothing afterwards."""
    answered = {click.tag: click.ended for click in clicks if click.status == 200}
    with site.store.read() as connection:
        gone = set(
            connection.scalars(
                select(Subscription.tag).where(Subscription.state == SubscriptionState.UNSUBSCRIBED)
            )
        )
        remembered = connection.scalars(
            select(Suppression.email_hash).where(Suppression.reason == SuppressionReason.UNSUBSCRIBED)
        ).all()
        mailed = connection.execute(
            select(Subscription.tag, Delivery.settled_at)
            .join(Subscription, Subscription.id == Delivery.subscription_id)
            .where(Delivery.state == DeliveryState.ACCEPTED)
        ).all()
    late = [
        tag for tag, at in mailed if tag in answered and at and at.timestamp() > answered[tag] + LATE_SECONDS
    ]
    lost = max(len(answered.keys() - gone), len(answered) - len(remembered))
    return Clicked(
        clicks,
        refused=sum(click.status not in (0, 200) for click in clicks),
        unanswered=sum(click.status == 0 for click in clicks),
        lost=lost,
        late=len(late),
    )


@contextmanager
def _serving(at: Stage) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = relay.free_port()
    with at.start("serve", "--quiet", "--port", str(port)) as server:
        try:
            relay.wait_for_port(port)
            yield server, port
        finally:
            server.kill()


def _tags(site: Site, people: int) -> dict[str, bytes]:
    """Unsubscribe tokens of people spread over the list, as a campaign's mails carry them."""
    with site.store.read() as connection:
        campaign = connection.scalar(select(Campaign.tag)) or os.urandom(6)
        tags = connection.scalars(select(Subscription.tag).order_by(Subscription.tag)).all()
    return {
        sign_link(site.tokens, Purpose.UNSUBSCRIBE, LinkClaim(tag, campaign)): tag for tag in tags[:people]
    }

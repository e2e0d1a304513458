"""The month, hour by hour: what is due is done by hand, in the order in which the clockwork would do it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from mailer.application import Site
from mailer.audit import seal
from mailer.delivery import queries
from mailer.demo.month.ops import Operator
from mailer.demo.month.people import BOUGHT, GOOD_FILES, population, write_file
from mailer.demo.month.plan import Issue, Plan
from mailer.demo.month.post import Post
from mailer.demo.month.sending import Sending
from mailer.demo.month.truth import Comparison, compare
from mailer.demo.month.world import World
from mailer.demo.props import LIST
from mailer.scheduling import materialise
from mailer.subscribers.importing import Declaration, ImportOptions

#: While a campaign is under way an eighth of it leaves every ten minutes; else an hour passes at once.
_PORTIONS, _BUSY, _QUIET = 8, timedelta(minutes=10), timedelta(hours=1)
#: A campaign is put on the schedule so long before it leaves.
_AHEAD = timedelta(hours=1)
_TEXT = """---
subject: "{subject}"
list: {list}
---

# {subject}

Hello {{{{ subscriber.first_name | default("there") }}}},

this is number {number} of what we had to tell this month: parts that are back, a circuit that fits on
half a stripboard, and the answer to a question that many of you asked.
"""


class Month:
    """A whole month on one site. `steer` moves the clock; `say` is told what happens."""

    def __init__(
        self, site: Site, plan: Plan, *, steer: Callable[[datetime], None], say: Callable[[str], None]
    ) -> None:
        self.plan = plan
        self.people = population(plan)
        self._site = site
        self._steer = steer
        self._say = say
        self.post = Post(site, plan, self.people)
        self._operator = Operator(site, plan, self.people, say)
        by_address = {person.address: person for person in self.people}
        self._sending = Sending(site, World(plan), by_address, comes_back=self.post.send_back)
        self._issues = list(plan.issues)
        self._has_bought = False

    def play(self) -> Comparison:
        """From the first hour to the last; then the comparison with the truth."""
        for name, _share in GOOD_FILES:
            self._import(name)
        now = self.plan.start
        while now < self.plan.end:
            self._steer(now)
            now += self._step(now)
        self._steer(self.plan.end)
        self._sending.close()
        return compare(
            self._site, self.people, at=self.plan.end, complained=self.post.complained, left=self.post.left
        )

    def _step(self, now: datetime) -> timedelta:
        """Everything that is due now; returns how long nothing else will be."""
        site = self._site
        if not self._has_bought and now >= self.plan.bad_import_at:
            self._has_bought = True
            self._import(BOUGHT)
            self._tell(now, f"a file of bought addresses is imported: {BOUGHT}.csv")
        while self._issues and now >= self._issues[0].at - _AHEAD:
            self._schedule(self._issues.pop(0))
        site.campaigns.start_due(now)
        materialise(site.campaigns, threading.Event())
        is_busy = self._send(now)
        has_mail = self.post.bring(now) and site.deciding.process_waiting()
        site.deciding.ripen()
        if is_busy or has_mail:
            # What they would find otherwise, they have found before.
            site.breakers.check()
            site.campaigns.finish_done()
        self._operator.look(now)
        seal(site.store, site.secrets, site.head_path)
        site.store.trim_log()
        return _BUSY if is_busy else _QUIET

    def _send(self, now: datetime) -> bool:
        """A portion of what is due; True: there was some."""
        with self._site.store.read() as connection:
            streams = queries.sending_campaigns(connection)
            is_due = any(queries.is_due(connection, stream, now) for stream in streams)
        return is_due and bool(self._sending.send(max(50, self.plan.people // _PORTIONS)))

    def _import(self, name: str) -> None:
        path = self._site.folder.root / f"{name}.csv"
        write_file(path, (person for person in self.people if person.file == name))
        declared = Declaration(by="Mira Volt", source=name)
        self._site.imports.run(path, LIST, options=ImportOptions(declaration=declared))

    def _schedule(self, issue: Issue) -> None:
        folder = self._site.folder.campaigns / issue.slug
        folder.mkdir(parents=True)
        number = int(issue.slug.rpartition("-")[2])
        text = _TEXT.format(subject=issue.subject, list=LIST, number=number)
        (folder / "campaign.md").write_text(text, encoding="utf-8")
        plan = self._site.campaigns.plan(issue.slug, f"{issue.at:%Y-%m-%d %H:%M} UTC")
        self._site.campaigns.commit(plan, expect=plan.audience)
        self._tell(issue.at, f"{issue.slug} to {plan.audience:,} people: {issue.subject}")

    def _tell(self, now: datetime, words: str) -> None:
        self._say(f"  {now:%d %b %H:%M}  {words}")

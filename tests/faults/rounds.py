"""Kill rounds: a campaign, a server with faults, `mailer work` hit at random instants; then the books are compared.

`python -m tests.faults.rounds --rounds 300` prints a line for each; `--only SEED` runs one of them again.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.faults.plans import Blow, Plan, plan_of
from tests.faults.running import RunningSite, children_of, free_port, kill, kill_all, stop
from tests.faults.sites import Template, drop_database, prepare_template
from tests.faults.verdict import Verdict, judge
from tests.postgres import running_postgres

PEOPLE = 150
#: Seconds where the product waits longer: the lease, the heartbeat, a silent server.
SHORT = {
    "mailer.delivery.engine:LEASE_SECONDS": 1.5,
    "mailer.delivery.engine:BEAT_SECONDS": 0.4,
    "mailer.store.engine:SILENT_SECONDS": 1.0,
    "mailer.delivery.route:LAST_PROBE_SECONDS": 2.0,
    "mailer.delivery.dialogue:Timeouts.mail": 2.0,
    "mailer.delivery.dialogue:Timeouts.rcpt": 2.0,
    "mailer.delivery.dialogue:Timeouts.data": 2.0,
    # Longer than a freeze: a reply that came meanwhile is read, not timed out.
    "mailer.delivery.dialogue:Timeouts.dot": 4.0,
    "mailer.delivery.dialogue:Timeouts.rset": 2.0,
    "mailer.delivery.dialogue:Timeouts.connect": 2.0,
    "mailer.supervision:LAST_WAIT_SECONDS": 2.0,
    # A server that refuses at random, however slowly it is sent to: the pace that it gets would outlast a round.
    "mailer.delivery.pace.controller:ROUTE.floor": 100.0,
    "mailer.delivery.pace.controller:ROUTE.hold_seconds": 0.2,
    "mailer.delivery.pace.controller:ROUTE.most_hold_seconds": 0.5,
}
#: Without anybody coming to their end. A healthy site settles in a few seconds, on a machine of its own; one that
#: has to connect for each message, and is refused half of the time, takes minutes.
PATIENCE_SECONDS = 90.0


@dataclass
class Result:
    """How a round ended."""

    plan: Plan
    seconds: float
    states: Counter[str]
    problems: list[str]


@dataclass
class Round:
    """One round under way."""

    plan: Plan
    site: RunningSite
    dice: random.Random
    working: list[subprocess.Popen[bytes]] = field(default_factory=list)
    left: dict[str, float] = field(default_factory=dict)  #: who left, and when that was answered

    def run(self) -> Verdict:
        """Hit, restart, let it come to its end, judge."""
        self.site.start_server(script=self.plan.script)
        self.work()
        for blow in self.plan.blows:
            with contextlib.suppress(TimeoutError):
                self.until(partial(self.reached, blow.after), seconds=15)
            time.sleep(blow.delay)
            ACTS[blow.kind](self, blow)
        self.leave()
        self.settle()
        self.until(lambda: not self.site.unburied(), seconds=30)
        codes = [stop(process) for process in self.alive()]
        verdict = judge(self.site)
        return Verdict(verdict.states, verdict.doubted, [*verdict.problems, *self.beyond(verdict, codes)])

    def beyond(self, verdict: Verdict, codes: list[int]) -> list[str]:
        """What is to be true beside the comparison."""
        # One that was just started may not listen to signals yet; it has claimed nothing then.
        found = [f"mailer work ended with {code}" for code in codes if code not in (0, -signal.SIGTERM)]
        limit = self.plan.crashes * self.plan.connections * len(self.working)
        if verdict.doubts_of_crashes > limit:
            found.append(f"{verdict.doubts_of_crashes} are unknown for no reason, at most {limit} may be")
        if self.site.journals():
            found.append(f"journals are left: {self.site.journals()}")
        final = {row.email: row.state.value for row in self.site.rows()}
        lost = [name for name in self.left if final.get(name) in ("queued", "attempting", "deferred")]
        return found + [f"{name} left and is {final[name]}" for name in lost]

    # --- acts -----------------------------------------------------------------------------

    def work(self) -> None:
        """Start `mailer work`."""
        self.working.append(self.site.start_worker())

    def alive(self) -> list[subprocess.Popen[bytes]]:
        """Those that run."""
        return [process for process in self.working if process.poll() is None]

    def kill_senders(self, blow: Blow) -> None:
        """kill -9 of any one sender; its parent replaces it."""
        if victims := self.victims():
            send_signal(self.dice.choice(victims), signal.SIGKILL)

    def kill_parent(self, blow: Blow) -> None:
        """kill -9 of the parent, whose senders notice; another is started at once."""
        victim = self.alive()[0]
        self.site.orphans.update(children_of(victim.pid))
        kill(victim)
        self.work()

    def kill_clockwork(self, blow: Blow) -> None:
        """kill -9 of what starts and writes out campaigns."""
        parent = self.alive()[0]
        others = set(children_of(parent.pid)) - set(self.site.senders(parent))
        for pid in others:
            send_signal(pid, signal.SIGKILL)

    def kill_all(self, blow: Blow) -> None:
        """kill -9 of everything, then a start."""
        for process in self.alive():
            kill_all(self.site, process)
        self.work()

    def freeze(self, blow: Blow, *, everyone: bool = False) -> None:
        """SIGSTOP past the lease, SIGCONT."""
        victims = self.victims()
        victims = victims if everyone else victims[:1]
        for pid in victims:
            send_signal(pid, signal.SIGSTOP)
        time.sleep(blow.length)
        for pid in victims:
            send_signal(pid, signal.SIGCONT)

    def terminate(self, blow: Blow) -> None:
        """SIGTERM, and a start once it has ended."""
        for process in self.alive():
            stop(process)
        self.work()

    def server_away(self, blow: Blow) -> None:
        """Nobody listens for a while, everybody is dropped."""
        self.site.order(listen=False)
        time.sleep(blow.length)
        self.site.order(listen=True)

    def server_killed(self, blow: Blow) -> None:
        """The server dies with bodies in its buffers, which nobody then knows of."""
        assert self.site.server is not None
        kill(self.site.server)
        time.sleep(blow.length / 3)
        self.site.start_server(script=self.plan.script)

    # --- help -----------------------------------------------------------------------------

    def settle(self) -> None:
        """Let all come to their end. Raises TimeoutError when nobody does any more."""
        while waiting := self.site.waiting():
            self.until(partial(self.fewer_wait, waiting), seconds=PATIENCE_SECONDS)

    def fewer_wait(self, than: int) -> bool:
        """Whether somebody has come to their end."""
        return self.site.waiting() < than

    def victims(self) -> list[int]:
        """The senders of a random `mailer work`, once it has some."""
        process = self.dice.choice(self.alive())
        with contextlib.suppress(TimeoutError):
            self.until(lambda: bool(self.site.senders(process)), seconds=10)
        return self.site.senders(process)

    def reached(self, taken: int) -> bool:
        """Whether so many messages were taken; the end of the campaign counts too."""
        return self.site.taken >= taken

    def leave(self) -> None:
        """Some people leave in the middle."""
        self.until(self.site.has_begun, seconds=PATIENCE_SECONDS)
        tokens = self.site.tokens()
        with self.site.open() as site:
            for name in self.dice.sample(sorted(tokens), self.plan.leavers):
                site.leaving.leave(tokens[name], scope="list", via="page")
                self.left[name] = time.time()

    def until(self, condition: Callable[[], bool], *, seconds: float) -> None:
        """Poll until it holds. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.03)


ACTS: Mapping[str, Callable[[Round, Blow], None]] = {
    "kill a sender": Round.kill_senders,
    "kill the parent": Round.kill_parent,
    "kill the clockwork": Round.kill_clockwork,
    "kill all": Round.kill_all,
    "freeze a sender": Round.freeze,
    "freeze all": partial(Round.freeze, everyone=True),
    "terminate": Round.terminate,
    "start another": lambda round_, blow: round_.work(),
    "server away": Round.server_away,
    "server killed": Round.server_killed,
}


def send_signal(pid: int, number: signal.Signals) -> None:
    """To a process that may be gone by now."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Arena:
    """Where rounds are played: templates of the site, and a PostgreSQL cluster if one is given."""

    def __init__(self, root: Path, *, cluster_url: str | None = None, people: int = PEOPLE) -> None:
        self.root = root
        self.people = people
        self._templates = {False: prepare_template(root / "on-sqlite", people)}
        if cluster_url is not None:
            self._templates[True] = prepare_template(root / "on-postgresql", people, cluster_url=cluster_url)
        self._one_at_a_time = threading.Lock()

    def play(self, seed: int) -> Result:
        """One round; its folder stays if something is wrong."""
        plan = plan_of(seed, people=self.people, postgresql=True in self._templates)
        template: Template = self._templates[plan.on_postgresql]
        folder = self.root / f"round-{seed}"
        with self._one_at_a_time:
            url = template.copy(folder)
        site = RunningSite(folder, free_port(), url, people=plan.people, sending=plan.sending)
        site.workers, site.connections = plan.workers, plan.connections
        site.patches = {"set": SHORT}
        started = time.monotonic()
        try:
            verdict = Round(plan, site.configure(), random.Random(seed)).run()
            result = Result(plan, time.monotonic() - started, verdict.states, verdict.problems)
        except Exception as error:  # noqa: BLE001 - one round that breaks must not end the others
            problem = f"{type(error).__name__} {error}; it stands at {site.counts()}"
            result = Result(plan, time.monotonic() - started, Counter(), [problem])
        finally:
            site.end()
        if url is not None and not result.problems:
            drop_database(url)
        if not result.problems:
            shutil.rmtree(folder)
        return result


def report(result: Result) -> str:
    """A round in a line, or a few when it failed."""
    states = ", ".join(f"{state} {count}" for state, count in sorted(result.states.items()))
    line = f"{'FAILED' if result.problems else 'ok'} {result.seconds:5.1f} s  {result.plan}: {states}"
    return "\n    ".join([line, *result.problems[:10]])


def main() -> int:
    """Play the rounds asked for; the exit code says whether all went well."""
    options = _options()
    seeds = [options.only] if options.only is not None else range(options.seed, options.seed + options.rounds)
    results: list[Result] = []
    folder = Path(tempfile.mkdtemp(prefix="mailer-faults-"))
    folder.chmod(0o755)  # PostgreSQL runs as a user of its own
    started = time.monotonic()
    with running_postgres(folder / "cluster") as url, ThreadPoolExecutor(options.jobs) as pool:
        arena = Arena(folder / "rounds", cluster_url=url)
        for result in pool.map(arena.play, seeds):
            results.append(result)
            print(report(result), flush=True)
    failed = [result.plan.seed for result in results if result.problems]
    states = sum((result.states for result in results), Counter[str]())
    print(
        f"{len(results)} rounds in {time.monotonic() - started:.0f} s, {len(failed)} failed; {dict(states)}"
    )
    if failed:
        print(f"Again: python -m tests.faults.rounds --only {failed[0]}; what is left stands in {folder}")
    else:
        shutil.rmtree(folder)
    return bool(failed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("MAILER_FAULT_ROUNDS", "300")))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--only", type=int, help="play the round of this seed")
    parser.add_argument("--jobs", type=int, default=2, help="rounds at a time")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())

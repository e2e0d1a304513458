"""The processes of `mailer work`: who does what, who is replaced, who stops when; with real ones."""

from __future__ import annotations

import gc
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from mailer.cli.main import main
from mailer.cli.working import shares
from mailer.settings import SmtpSettings
from mailer.settings.relay import RelayInUse
from tests.faults.running import ROOT, RunningSite, children_of, free_port, kill, stop
from tests.faults.verdict import check

Make = Callable[..., RunningSite]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Builds a site with a campaign that is due; its processes end with the test."""
    made: list[RunningSite] = []

    def build(**options: object) -> RunningSite:
        made.append(RunningSite(tmp_path, free_port(), **options).build())  # type: ignore[arg-type]  # as named
        return made[0]

    yield build
    for site in made:
        site.end()


def clockwork_of(site: RunningSite, work: subprocess.Popen[bytes]) -> int:
    """The child that sends nothing: it was forked first."""
    return min(set(children_of(work.pid)) - set(site.senders(work)))


def connections(*pids: int) -> int:
    """How many connections to a server these processes hold, apart from listening ones."""
    found = 0
    for pid in pids:
        links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
        established = {
            line.split()[9]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
            if line.split()[3] == "01"
        }
        found += sum(link[8:-1] in established for link in links if link.startswith("socket:["))
    return found


# --- who gets how many connections ------------------------------------------------------------


def in_use(name: str, connections: int, *, weight: int = 1, streams: str = "campaign system") -> RelayInUse:
    """A relay as the settings describe it."""
    names = {"campaign", "system"} & set(streams.split())
    smtp = SmtpSettings(host="127.0.0.1", tls="none")
    return RelayInUse(name, smtp, connections, weight, frozenset(names))  # type: ignore[arg-type]  # two literals


@pytest.mark.parametrize(
    ("total", "workers", "each"),
    [(20, 2, [10, 10]), (5, 2, [3, 2]), (4, 4, [1, 1, 1, 1]), (2, 8, [1, 1]), (1, 1, [1]), (7, 3, [3, 2, 2])],
)
def test_workers_share_the_connections_of_the_host(total: int, workers: int, each: list[int]) -> None:
    assert shares([in_use("main", total)], workers) == [{"main": share} for share in each]


@given(totals=st.lists(st.integers(1, 100), min_size=1, max_size=4), workers=st.integers(1, 200))
def test_no_connection_is_lost_or_made_and_nobody_goes_without(totals: list[int], workers: int) -> None:
    """Every worker has one to each relay with a share, or its part of the mail would go another way."""
    relays = [in_use(f"relay{number}", total) for number, total in enumerate(totals)]
    each = shares(relays, workers)
    assert len(each) == min([*totals, workers])
    for relay in relays:
        own = [share[relay.name] for share in each]
        assert sum(own) == relay.connections
        assert max(own) - min(own) <= 1
        assert min(own) >= 1


def test_a_relay_that_stands_by_does_not_limit_the_workers() -> None:
    assert shares([in_use("main", 4), in_use("spare", 1, weight=0)], 2) == [
        {"main": 2, "spare": 1},
        {"main": 2, "spare": 0},
    ]


@pytest.mark.rule("B16")
def test_a_relay_for_system_mail_alone_is_the_first_workers() -> None:
    """Which is the one that sends it."""
    assert shares([in_use("post", 3, streams="system"), in_use("bulk", 4)], 2) == [
        {"post": 3, "bulk": 2},
        {"post": 0, "bulk": 2},
    ]


# --- processes --------------------------------------------------------------------------------


def test_one_parent_one_clockwork_and_the_senders_that_were_asked_for(make: Make) -> None:
    """None of them holds a database connection or a socket that another one uses, and each line says whose it is."""
    site = make(people=60, connections=4, workers=3, sending="batch_size = 5")
    site.start_server(delay=0.1)
    work = site.start_worker()
    site.wait(lambda: len(site.senders(work)) == 3)
    assert len(children_of(work.pid)) == 4
    site.wait(lambda: connections(*site.senders(work)) >= 3)
    assert connections(*site.senders(work)) <= 4
    assert connections(work.pid, clockwork_of(site, work)) == 0
    assert len(os.listdir(f"/proc/{work.pid}/task")) == 1, "a parent with threads must not fork"
    assert not [
        link for link in Path(f"/proc/{work.pid}/fd").iterdir() if os.readlink(link).endswith(("db", "-wal"))
    ]
    assert stop(work) == 0
    lines = [line for line in site.work_log().splitlines() if " mailer.delivery " in line]
    assert {re.search(r" process=(\S+)$", line)[1] for line in lines if "worker_st" in line} == {  # type: ignore[index]  # each has one
        "sender-1",
        "sender-2",
        "sender-3",
    }
    assert all(" process=" in line for line in lines)


def test_there_are_never_more_senders_than_connections(make: Make) -> None:
    site = make(people=3, connections=2, workers=9)
    site.start_server()
    work = site.start_worker()
    site.wait(site.settled)
    assert len(site.senders(work)) == 2
    assert stop(work) == 0


def test_the_settings_say_how_many_when_the_command_does_not(make: Make) -> None:
    site = make(people=3, connections=4, sending="workers = 3")
    site.start_server()
    command = [sys.executable, "-m", "mailer", "work", "--site", str(site.root)]
    work = subprocess.Popen(command, env=site.environ, stderr=subprocess.DEVNULL)
    site.processes.append(work)
    site.wait(lambda: len(site.senders(work)) == 3)
    assert stop(work) == 0


@pytest.mark.rule("A57")
def test_a_killed_sender_is_replaced_and_sending_goes_on(make: Make) -> None:
    """What it held is settled: at most one unknown for each of its connections, nobody twice, nobody lost."""
    site = make(people=120, connections=4, workers=2, sending="batch_size = 10")
    site.start_server(delay=0.03)
    work = site.start_worker()
    site.wait(lambda: site.taken >= 20)
    first, _ = before = site.senders(work)
    os.kill(first, signal.SIGKILL)
    site.wait(lambda: len(set(site.senders(work)) - {first}) == 2, seconds=10)
    assert len(set(site.senders(work)) & set(before)) == 1
    site.wait(site.settled)
    assert stop(work) == 0
    assert set(check(site, doubts=2)) <= {"accepted", "unknown"}
    assert re.search(r"mailer: sender \d ended with -9; starting again in 1 s\.", site.work_log())


def test_the_last_sender_killed_is_replaced_within_ten_seconds(make: Make) -> None:
    """Also when no other is there to take over."""
    site = make(people=60, connections=2, workers=1)
    site.start_server(delay=0.05)
    work = site.start_worker()
    site.wait(lambda: site.taken >= 5)
    (sender,) = site.senders(work)
    os.kill(sender, signal.SIGKILL)
    taken = site.taken
    site.wait(lambda: site.taken > taken + 2, seconds=10)
    site.wait(site.settled)
    assert stop(work) == 0
    check(site, doubts=2)


def test_a_killed_clockwork_is_replaced_and_campaigns_go_on_being_started(make: Make) -> None:
    site = make(people=10)
    work = site.start_worker()
    site.wait(lambda: bool(site.senders(work)))
    clockwork = clockwork_of(site, work)
    os.kill(clockwork, signal.SIGKILL)
    site.wait(lambda: "the clockwork ended with -9" in site.work_log(), seconds=10)
    site.start_server()
    site.wait(site.settled)
    assert stop(work) == 0
    assert check(site, doubts=0) == {"accepted": 10}


def test_without_their_parent_the_senders_stop_calmly(make: Make) -> None:
    """kill -9 of the supervisor: nothing is in doubt, the next one sends the rest."""
    site = make(people=80, connections=4, workers=2, sending="batch_size = 10")
    site.start_server(delay=0.03)
    work = site.start_worker()
    site.wait(lambda: site.taken >= 10)
    orphans = children_of(work.pid)
    kill(work)
    site.wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans), seconds=15)
    assert site.journals() == []
    assert set(check(site, doubts=0)) <= {"accepted", "queued"}
    work = site.start_worker()
    site.wait(site.settled)
    assert stop(work) == 0
    assert check(site, doubts=0) == {"accepted": 80}


def test_a_stop_waits_for_what_the_server_is_about_to_answer_however_often_it_is_asked(make: Make) -> None:
    """SIGTERM, and then Ctrl-C twice: nothing unknown."""
    site = make(people=30, connections=4, workers=2, sending="batch_size = 5")
    site.start_server(delay=0.7)
    work = site.start_worker()
    site.wait(lambda: site.taken >= 2)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGINT):
        work.send_signal(number)
        time.sleep(0.1)
    assert work.wait(20) == 0
    assert site.journals() == []
    assert set(check(site, doubts=0)) <= {"accepted", "queued"}
    assert "mailer: finishing what is on the wire; at most" in site.work_log()


# --- what it refuses --------------------------------------------------------------------------


def refused(site: RunningSite, **environ: str) -> list[str]:
    """What `mailer work` says when it ends by itself, with exit code 1."""
    done = subprocess.run(
        [sys.executable, "-m", "mailer", "work", "--workers", "2", "--site", str(site.root)],
        env={**site.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        cwd=ROOT,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_a_database_that_cannot_be_reached_at_the_start_is_one_sentence(make: Make) -> None:
    url = f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none"
    said = "\n".join(refused(make(people=1), MAILER_DATABASE__URL=url))
    assert said.startswith("mailer: The database cannot be reached: ")
    assert said.count("mailer: ") == 1


def test_a_sender_that_refuses_at_its_first_start_ends_everything(make: Make) -> None:
    """A journal folder that cannot be written will not be so a second later."""
    site = make(people=1)
    (site.root / "data" / "journals").write_text("not a folder")
    lines = refused(site)
    assert re.fullmatch(r"mailer: Sender \d did not start; the reason stands above\.", lines[-1])


def test_the_garbage_collector_is_off_only_while_a_site_is_opened(make: Make) -> None:
    """Also when that fails."""
    site = make(people=1)
    for root, code in ((site.root, 0), (site.root / "data", 1)):
        done = CliRunner().invoke(main, ["campaign", "status", "--site", str(root)])
        assert done.exit_code == code
        assert gc.isenabled()

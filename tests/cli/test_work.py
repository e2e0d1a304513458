"""`mailer work`, `mailer up` and `mailer delivery`, as a person types them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailer.cli import up
from mailer.cli.main import main
from tests.faults.running import ROOT, RunningSite, kill, stop
from tests.faults.verdict import check


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site with a campaign to twelve people that is due."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = RunningSite(tmp_path, port, people=12).build()
    yield made
    made.end()


def mailer(site: RunningSite, *words: str) -> str:
    """The output of one command."""
    done = CliRunner().invoke(main, [*words, "--site", str(site.root)])
    assert done.exit_code == 0, done.output
    return done.output


def test_work_sends_and_delivery_tells_what_became_of_it(site: RunningSite) -> None:
    site.start_server([{"verb": "rcpt", "who": "p0003", "do": "550 5.1.1 <p0003@example.net> no such user"}])
    worker = site.start_worker()
    site.wait(site.settled)
    assert stop(worker) == 0
    listed = json.loads(mailer(site, "delivery", "list", "--json"))
    assert len(listed) == 12
    (rejected,) = json.loads(mailer(site, "delivery", "list", "--state", "rejected", "--json"))
    assert (rejected["reply_code"], rejected["status"]) == (550, "5.1.1")
    assert rejected["campaign"] == "parts"
    shown = mailer(site, "delivery", "show", str(rejected["id"]))
    assert "no such user" in shown
    assert "p0003@" not in mailer(site, "delivery", "list")


def test_the_refused_address_gets_no_further_mail(site: RunningSite) -> None:
    """5.1.1 at RCPT holds the person at once; a day later that is a hard bounce (A76)."""
    site.start_server([{"verb": "rcpt", "who": "p0003", "do": "550 5.1.1 no such user"}])
    worker = site.start_worker()
    site.wait(site.settled)
    stop(worker)
    (suppressed,) = json.loads(mailer(site, "suppression", "list", "--json"))
    assert (suppressed["reason"], suppressed["source"]) == ("held", "bounces")
    assert suppressed["note"].startswith("userunknown (")


def test_an_unknown_delivery_is_one_sentence(site: RunningSite) -> None:
    done = CliRunner().invoke(main, ["delivery", "show", "999", "--site", str(site.root)])
    assert done.exit_code == 1
    assert done.output == "mailer: There is no delivery 999.\n"


def test_up_runs_pages_and_senders_and_stops_both(site: RunningSite) -> None:
    """One command; SIGTERM ends it calmly."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        web = probe.getsockname()[1]
    site.start_server()
    command = [sys.executable, "-m", "mailer", "up", "--site", str(site.root)]
    environ = {**site.environ, "MAILER_WEB__PORT": str(web)}
    up = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT)
    site.processes.append(up)
    site.wait(site.settled)
    assert up.stdout is not None
    while b" is up.\n" not in (line := up.stdout.readline()):
        assert line, "it ended before it was up"
    assert _answers(web)
    assert stop(up, seconds=30) == 0
    said = up.stdout.read().decode()
    assert "/subscribe/weekly" in said
    assert "mailer: stopped." in said
    assert not _answers(web)
    assert site.journals() == []


def test_up_starts_a_part_again_and_leaves_none_behind(site: RunningSite) -> None:
    """kill -9 of the senders, then of the supervisor itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        web = probe.getsockname()[1]
    site.start_server(delay=0.05)
    environ = {**site.environ, "MAILER_WEB__PORT": str(web)}
    command = [sys.executable, "-m", "mailer", "up", "--site", str(site.root)]
    with (site.root / "work.log").open("ab") as log:
        up = subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=ROOT)
    site.processes.append(up)
    # A part that was forked a moment ago still has the supervisor's command line.
    site.wait(lambda: any(" work " in line for line in _parts(up.pid).values()))
    (sender,) = [pid for pid, line in _parts(up.pid).items() if " work " in line]
    os.kill(sender, signal.SIGKILL)
    site.wait(lambda: any(" work " in line and pid != sender for pid, line in _parts(up.pid).items()))
    site.wait(site.settled)
    check(site, doubts=4)
    parts = list(_parts(up.pid))
    parts += [pid for part in parts for pid in _parts(part)]
    site.orphans.update(parts)
    assert len(parts) >= 4  # pages, senders; below those the clockwork and at least one sender
    kill(up)
    site.wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in parts))


@pytest.mark.parametrize("quiet", [False, True])
def test_a_part_of_up_is_the_same_program_on_the_same_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: bool
) -> None:
    became: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execv", lambda program, line: became.append((program, line)))
    up._mailer("work", tmp_path, quiet=quiet)()
    ((program, line),) = became
    assert program == line[0] == sys.executable
    assert line[1:] == ["-m", "mailer", "work", "--site", str(tmp_path)] + ["--quiet"] * quiet


def test_up_on_a_port_in_use_says_the_reason_and_nothing_else(site: RunningSite) -> None:
    """One clear sentence, exit 1, nothing started, and nothing that claims to be up."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = _fails(site, "up", MAILER_WEB__PORT=str(port))
    assert done.stdout == ""
    assert done.stderr.startswith(f"mailer: The web pages cannot listen on 127.0.0.1 port {port}. Another")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["up", "work"])
def test_a_user_name_without_a_password_is_told_at_the_start(site: RunningSite, command: str) -> None:
    """A relay that is offered mail without the sign-in refuses each recipient, one by one."""
    relay = {"MAILER_SMTP__MAIN__USERNAME": "newsletter", "MAILER_SMTP__MAIN__TLS": "starttls"}
    done = _fails(site, command, **relay)
    assert done.stdout == ""
    assert done.stderr == (
        "mailer: [smtp.main] username is given without a password; "
        "set MAILER_SMTP__MAIN__PASSWORD where mail is sent, or name a file with password_file.\n"
    )


def test_reading_needs_no_password(site: RunningSite) -> None:
    relay = {"MAILER_SMTP__MAIN__USERNAME": "newsletter", "MAILER_SMTP__MAIN__TLS": "starttls"}
    done = CliRunner().invoke(main, ["campaign", "status", "--site", str(site.root)], env=relay)
    assert done.exit_code == 0, done.output


def _fails(site: RunningSite, command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself with 1."""
    done = subprocess.run(
        [sys.executable, "-m", "mailer", command, "--site", str(site.root)],
        env={**site.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        cwd=ROOT,
    )
    assert done.returncode == 1
    return done


def test_log_lines_hold_facts_on_one_line_each() -> None:
    """D26."""
    import logging

    from mailer.cli.logs import FactsFormatter

    record = logging.makeLogRecord(
        {"msg": "route_down", "name": "mailer.delivery", "levelname": "WARNING", "reason": "no\n\x1b[31mway"}
    )
    line = FactsFormatter().format(record)
    assert line.isprintable()
    assert line.endswith("WARNING mailer.delivery route_down reason=no\\n\\x1b[31mway")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def _parts(pid: int) -> dict[int, str]:
    """The child processes of one process and their command lines."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    children = path.read_text().split() if path.exists() else []
    found = {}
    for child in children:
        try:
            found[int(child)] = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found

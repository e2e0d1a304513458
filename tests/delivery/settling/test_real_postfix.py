"""Settled by the log of a real Postfix: what it says is what the relay really has."""

from __future__ import annotations

import json
import random
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from mailer import clock
from mailer.audit import Ledger
from mailer.cli.main import main
from mailer.delivery.settling.by_log import Names, judge_by_log
from mailer.delivery.settling.queries import Chosen
from mailer.delivery.settling.settle import settle
from mailer.delivery.settling.verdicts import Finding, Limits
from mailer.keyring import Secrets
from mailer.return_path import encode_return_path
from mailer.store import Store
from mailer.store.schema import Delivery, LedgerEntry
from tests.delivery.settling.conftest import RETURN_PATH, Numbers
from tests.delivery.settling.cutting import Door, Slam
from tests.delivery.world import World
from tests.faults.running import RunningSite, stop
from tests.real.postfix import Postfix, running_postfix

pytestmark = pytest.mark.real

#: The limits are for hosts and networks that die slowly; here everything is over when the log is read.
AT_ONCE = Limits(before=Limits().before * 0, after=Limits().after * 0)


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    """One for all tests of this file."""
    with running_postfix() as running:
        yield running


def quiet(postfix: Postfix, *, seconds: float = 20) -> str:
    """The log once every session is over and every message delivered."""
    deadline = time.monotonic() + seconds
    while True:
        log = postfix.log
        done = [
            log.count(": connect from ") == log.count(": disconnect from "),
            log.count("(queue active)") == log.count(": removed"),
        ]
        if all(done):
            return log
        assert time.monotonic() < deadline, log[-3000:]
        time.sleep(0.1)


def inbox(postfix: Postfix) -> Counter[str]:
    """How often each Message-ID was really delivered."""
    found = Counter[str]()
    for path in (postfix.folder / "inbox" / "new").glob("*"):
        (message_id,) = re.findall(rb"^Message-ID: <([^>]+)>", path.read_bytes(), re.MULTILINE)
        found[message_id.decode()] += 1
    return found


class Sender:
    """Speaks SMTP by hand, so that it can stop anywhere."""

    def __init__(self, postfix: Postfix, secrets: Secrets, drawn: random.Random) -> None:
        self.postfix, self.secrets, self.drawn = postfix, secrets, drawn

    def body(self, delivery_id: int) -> bytes:
        """What follows the 354, the final dot included."""
        lines = self.drawn.randrange(1, 60)
        head = f"From: n@shop.example\r\nMessage-ID: <m{delivery_id}@shop.example>\r\nSubject: parts\r\n\r\n"
        return head.encode() + b"All values of the E24 series.\r\n" * lines + b".\r\n"

    def send(self, delivery_id: int, body: bytes, cut_at: int | None = None) -> None:
        """One transaction on a connection of its own, cut after so many bytes of the body."""
        with socket.create_connection((self.postfix.host, self.postfix.port), timeout=10) as connection:
            file = connection.makefile("rb")
            assert file.readline().startswith(b"220")
            sender = encode_return_path(self.secrets, delivery_id, RETURN_PATH)
            for command in ("HELO sender.example", f"MAIL FROM:<{sender}>", "RCPT TO:<a@x.example>", "DATA"):
                connection.sendall(command.encode() + b"\r\n")
                assert file.readline()[:1] in b"23"
            connection.sendall(body if cut_at is None else body[:cut_at])
            if cut_at is None:
                assert file.readline().startswith(b"250")
            elif self.drawn.random() < 0.5:
                time.sleep(0.02)
            file.close()


@pytest.mark.rule("A56")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_for_any_point_of_a_cut_the_verdict_is_what_the_relay_has(
    postfix: Postfix, seed: int, sqlite_store: Store, ledger: Ledger, secrets: Secrets, tmp_path: Path
) -> None:
    """Before the Message-ID, inside the text, between the bytes of the final dot, after it."""
    drawn = random.Random(seed)
    world = World(sqlite_store, tmp_path).build()
    first = seed * 1_000  # the relay's log is one for all seeds
    sender = Sender(postfix, secrets, drawn)
    relay = f"127.0.0.1:{postfix.port}"
    unknown = []
    for number in range(26):
        whole = number % 4 == 0 or number == 25
        delivery_id = first + number
        values: dict[str, Any] = {"state": "unknown"}
        if whole:
            values = {"state": "accepted", "reply_code": 250}
        else:
            unknown.append(delivery_id)
        world.queue(
            None,
            id=delivery_id,
            campaign_id=world.campaign_id,
            next_attempt_at=None,
            attempts=1,
            attempted_at=clock.now().replace(microsecond=0),
            relay=relay,
            message_id=f"m{delivery_id}@shop.example",
            **values,
        )
        body = sender.body(delivery_id)
        size = len(body)
        cut_at = (
            None,
            drawn.randrange(size),
            size - drawn.randrange(5),
            drawn.choice([size, drawn.randrange(60)]),
        )
        sender.send(delivery_id, body, None if whole else cut_at[number % 4])
    quiet(postfix)
    names = Names(secrets, Numbers(), "shop.example", RETURN_PATH)
    log = postfix.folder / "mail.log"
    judged = judge_by_log(sqlite_store, names, [log], chosen=Chosen(), limits=AT_ONCE)
    arrived = inbox(postfix)
    found = {each.delivery_id: each for each in judged.verdicts}
    assert sorted(found) == unknown
    for delivery_id, verdict in found.items():
        has = arrived[f"m{delivery_id}@shop.example"]
        expected = Finding.ACCEPTED if has else Finding.ABSENT
        assert verdict.finding is expected, (seed, delivery_id, verdict.words)
    settled = settle(sqlite_store, ledger, judged.verdicts, record={"evidence": "postfix log"})
    assert settled.accepted + settled.resent == len(unknown)
    assert settled.accepted and settled.resent, "both kinds were tried"


# --- as a user does it: workers, the command line, and one copy for everybody ---------------------


@pytest.fixture(params=[Slam.INSIDE, Slam.REPLY])
def slammed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[RunningSite, Postfix, Slam]]:
    """A campaign whose connection broke once, in the worst moment."""
    with running_postfix() as postfix, Door(postfix.port, request.param).standing() as door:
        (tmp_path / "site").mkdir()
        site = RunningSite(tmp_path / "site", door.port, people=12, sending="workers = 1").build()
        try:
            worker = site.start_worker()
            site.wait(site.settled)
            assert stop(worker) == 0
            assert door.slammed.is_set()
            yield site, postfix, request.param
        finally:
            site.end()


def settle_on_site(site: RunningSite, postfix: Postfix, *words: str) -> dict[str, Any]:
    log = str(postfix.folder / "mail.log")
    command = ["delivery", "settle", "--postfix-log", log, "--site", str(site.root), "--json", *words]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.rule("A56")
def test_a_broken_connection_is_settled_by_the_log_and_everybody_has_one_copy(
    slammed: tuple[RunningSite, Postfix, Slam],
) -> None:
    site, postfix, slam = slammed
    quiet(postfix)
    doubtful = [row for row in site.rows() if row.state.value == "unknown"]
    assert len(doubtful) == 1, "one body was unanswered on the connection that broke"
    before = inbox(postfix)
    assert before[doubtful[0].message_id] == (1 if slam is Slam.REPLY else 0)

    assert settle_on_site(site, postfix, "--dry-run")["accepted"] == 0
    told = settle_on_site(site, postfix)
    expected = ("accepted", 1, 0) if slam is Slam.REPLY else ("absent", 0, 1)
    (verdict,) = told["verdicts"]
    assert (verdict["finding"], told["accepted"], told["resent"]) == expected

    worker = site.start_worker()
    site.wait(lambda: {row.state.value for row in site.rows()} == {"accepted"})
    stop(worker)
    quiet(postfix)
    copies = inbox(postfix)
    assert len(copies) == 12 and set(copies.values()) == {1}
    assert {row.message_id for row in site.rows()} == set(copies)
    with site.open() as opened, opened.store.read() as connection:
        assert connection.scalar(select(LedgerEntry.id).where(LedgerEntry.event == "settle"))


def test_what_was_never_heard_of_again_stays_unknown_until_the_log_reaches_far_enough(
    slammed: tuple[RunningSite, Postfix, Slam],
) -> None:
    """Cut off before the Message-ID, half an hour must have gone by: a dead host's kernel may still send."""
    site, postfix, _ = slammed
    (doubtful,) = [row for row in site.rows() if row.state.value == "unknown"]
    with site.open() as opened, opened.store.write() as connection:
        connection.execute(
            update(Delivery)
            .where(Delivery.id == doubtful.id)
            .values(message_id="never@shop.example", attempts=2)
        )
    log = postfix.folder / "mail.log"
    log.write_text(
        log.read_text().replace(doubtful.message_id, "stranger@else.example").replace("bounce+", "x-")
    )
    (verdict,) = settle_on_site(site, postfix)["verdicts"]
    assert verdict["finding"] == "doubt"
    assert "must reach from" in verdict["words"]

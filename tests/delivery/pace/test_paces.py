"""What one worker hears, all workers on all hosts know, and still know after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest

from mailer.audit import Ledger
from mailer.delivery.model import Outcome, OutcomeKind
from mailer.delivery.pace.cap import NO_SHARE_SECONDS
from mailer.delivery.pace.paces import TURN_SECONDS
from mailer.delivery.pace.reports import reported
from mailer.delivery.pace.view import NothingKnown, reset, states
from mailer.settings import Settings
from mailer.settings.pace import PaceSettings
from mailer.store import Store, StoreUnreachable, open_store
from tests.delivery.pace.crew import ACCEPTED, GMAIL_RATE, SLOW_DOWN, Crew, Time, set_time
from tests.delivery.pace.relays import Relay, Windowed

pytestmark = pytest.mark.rule("B12")


@pytest.fixture
def time() -> Iterator[Time]:
    with set_time() as time:
        yield time


@pytest.fixture
def crew(store: Store, settings: Settings, tmp_path: Path, time: Time) -> Iterator[Crew]:
    """Four workers on two hosts."""
    other = open_store(store.engine.url.render_as_string(hide_password=False), root=tmp_path)
    yield Crew([store, other], settings).start()
    other.dispose()


def send(crew: Crew, time: Time, seconds: float, *, relay: Relay, fastest: float) -> tuple[int, int]:
    """All workers send through `main` as fast as they may, exchanging every two seconds: taken, refused."""
    taken = refused = 0
    end, free_at, exchange_at = time.now + seconds, time.now, time.now
    number = 0
    while time.now < end:
        if time.now >= exchange_at:
            crew.exchange()
            exchange_at = time.now + 2.0
        limit = crew.paces[0].limit_for("main") or fastest
        ready = [paces for paces in crew.paces if not paces.rest("main")]
        if ready and time.now >= free_at:
            number += 1
            takes = relay.takes(time.now)
            taken, refused = taken + takes, refused + (not takes)
            ready[number % len(ready)].heard("main", "shop.example", ACCEPTED if takes else SLOW_DOWN)
            free_at = time.now + 1.0 / min(limit, fastest)
        time.now = min(exchange_at, max(free_at, time.now + 0.01))
    return taken, refused


def test_four_workers_on_two_hosts_find_a_hidden_limit_and_keep_it_across_a_restart(
    crew: Crew, time: Time
) -> None:
    """20 a second for all of them together, counted by the minute."""
    relay = Windowed(lambda _: 20.0, 60)
    send(crew, time, 400, relay=relay, fastest=50)
    for _ in range(2):
        taken, refused = send(crew, time, 180, relay=relay, fastest=50)
        assert 0.8 * 20 <= taken / 180 <= 1.2 * 20
        assert refused / (taken + refused) < 0.01
        crew.start()  # the second round is that of processes that know the table only


def test_what_one_hears_all_know_at_their_next_exchange(crew: Crew) -> None:
    for _ in range(100):
        crew.paces[2].heard("main", "shop.example", ACCEPTED)
    crew.paces[2].heard("main", "shop.example", SLOW_DOWN)
    assert crew.each("rest", "main") == [0.0, 0.0, pytest.approx(1.0), 0.0]
    crew.exchange()
    crew.exchange()
    assert crew.each("rest", "main") == [pytest.approx(1.0)] * 4
    limits = crew.each("limit_for", "main")
    assert limits[0] > 0
    assert limits == [limits[0]] * 4
    assert crew.each("limit_for", "other") == [None] * 4


def test_refusals_that_all_workers_hear_at_once_count_once(crew: Crew) -> None:
    for paces in crew.paces:
        for _ in range(100):
            paces.heard("main", "shop.example", ACCEPTED)
        paces.heard("main", "shop.example", SLOW_DOWN)
    crew.exchange(0)
    first = crew.paces[0].limit_for("main")
    crew.exchange()
    assert crew.each("limit_for", "main") == [first] * 4


def test_nothing_is_written_while_nobody_refuses(crew: Crew, time: Time) -> None:
    for _ in range(20):
        for paces in crew.paces:
            paces.heard("main", "gmail.com", ACCEPTED)
        time.now += 2
        crew.exchange()
    with crew.stores[0].read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM paces").scalar() == 0


def test_what_was_heard_while_the_database_was_away_is_told_later(
    crew: Crew, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    paces = crew.paces[0]
    for _ in range(50):
        paces.heard("main", "shop.example", ACCEPTED)
    paces.heard("main", "shop.example", SLOW_DOWN)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "read", lambda _: (_ for _ in ()).throw(StoreUnreachable()))
        with pytest.raises(StoreUnreachable):
            crew.exchange(0)
    assert paces.rest("main") > 0, "this worker holds back all the same"
    crew.exchange(0)
    assert paces.limit_for("main") is not None


# --- mailbox providers --------------------------------------------------------------------------


@pytest.mark.rule("B11")
def test_4728_stops_that_provider_for_all_and_nobody_else(crew: Crew, time: Time) -> None:
    """Whatever the domain: gmail.com and googlemail.com have the same servers. The relay goes on."""
    begin = time.now
    crew.paces[1].heard("main", "gmail.com", GMAIL_RATE)
    crew.exchange()
    crew.exchange()
    assert all(wait >= 600 for wait in crew.each("gate", "gmail.com", system=False))
    assert all(wait >= 600 for wait in crew.each("gate", "googlemail.com", system=True))
    assert crew.each("gate", "yahoo.com", system=False) == [0.0] * 4
    assert crew.each("gate", "shop.example", system=False) == [0.0] * 4
    assert crew.each("rest", "main") == [0.0] * 4
    time.now = begin + 600
    assert all(crew.each("gate", "gmail.com", system=False))


@pytest.mark.rule("B11")
def test_then_one_worker_has_one_connection_and_each_minute_there_is_one_more(crew: Crew, time: Time) -> None:
    for _ in range(1000):
        crew.paces[1].heard("main", "gmail.com", ACCEPTED)
    crew.paces[1].heard("main", "gmail.com", GMAIL_RATE)
    crew.exchange()
    time.now += 612
    open_at_once = []
    for _ in range(5):
        crew.exchange()
        open_at_once.append(len(sharing(crew)))
        crew.paces[0].heard("main", "gmail.com", ACCEPTED)
        time.now += 61
        crew.exchange()
    assert open_at_once == [1, 2, 3, 4, 4], (
        "each of four workers sends one at a time, at first only one of them"
    )


def sharing(crew: Crew) -> list[int]:
    """The workers that may use a connection to Google now."""

    async def ask() -> list[float]:
        return crew.each("gate", "gmail.com", system=False)

    return [number for number, wait in enumerate(asyncio.run(ask())) if wait < NO_SHARE_SECONDS]


@pytest.mark.rule("B11")
def test_workers_take_turns_at_the_one_connection_though_nothing_is_accepted(crew: Crew, time: Time) -> None:
    """The one whose turn it is may have no mail, or hang."""
    crew.paces[1].heard("main", "gmail.com", ACCEPTED)
    crew.paces[1].heard("main", "gmail.com", GMAIL_RATE)
    crew.exchange()
    time.now += 612
    seen = []
    for _ in range(4):
        crew.exchange()
        seen.append(sharing(crew))
        time.now += TURN_SECONDS
    assert sorted(seen) == [[0], [1], [2], [3]]


@pytest.mark.rule("B11")
def test_system_mail_goes_whoever_has_the_connection(crew: Crew, time: Time) -> None:
    crew.paces[1].heard("main", "gmail.com", ACCEPTED)
    crew.paces[1].heard("main", "gmail.com", GMAIL_RATE)
    crew.exchange()
    time.now += 612
    crew.exchange()
    assert crew.each("gate", "gmail.com", system=True) == [0.0] * 4


@pytest.mark.rule("B11")
@pytest.mark.parametrize("how", ["heard", "given back"])
def test_a_message_whose_domain_changes_provider_meanwhile_frees_the_connection_it_had(
    crew: Crew, time: Time, how: str
) -> None:
    one = crew.paces[1]
    one.heard("main", "gmail.com", ACCEPTED)
    one.heard("main", "gmail.com", GMAIL_RATE)
    crew.exchange()
    time.now += 612
    crew.exchange()
    one.gate("gmail.com", system=True, claim=7)
    with mock.patch.object(one, "_providers") as providers:
        providers.of.return_value = "another"
        if how == "heard":
            one.heard("main", "gmail.com", ACCEPTED, claim=7)
        else:
            one.give_back(7)
    assert one._counted == {}
    assert one._caps["google"]._busy == {}


@pytest.mark.rule("B11")
@pytest.mark.parametrize("domain", ["", "shop.example"])
def test_4728_of_nobody_knows_whom_stops_the_relay(crew: Crew, domain: str) -> None:
    """Before RCPT, or for a domain whose servers nobody knows: all quotas are taken to be hit."""
    crew.paces[0].heard("main", domain, GMAIL_RATE)
    crew.exchange()
    crew.exchange()
    assert all(rest >= 600 for rest in crew.each("rest", "main"))
    assert crew.each("may_connect", "main", 0) == [False] * 4


@pytest.mark.rule("B11")
def test_a_relay_comes_back_with_one_connection_of_one_worker(crew: Crew, time: Time) -> None:
    crew.paces[0].heard("main", "", GMAIL_RATE)
    crew.exchange()
    crew.exchange()
    time.now += 612
    assert sum(crew.each("may_connect", "main", 0)) == 1
    assert crew.each("may_connect", "main", 1) == [False] * 4


def test_a_refusal_that_names_the_provider_is_not_the_relays(crew: Crew) -> None:
    named = Outcome(OutcomeKind.DEFERRED, 451, "4.7.500", "4.7.500 Server busy, host mx.outlook.com said so")
    for _ in range(40):
        crew.paces[0].heard("main", "hotmail.com", ACCEPTED)
    crew.paces[0].heard("main", "hotmail.com", named)
    crew.exchange()
    assert [state.name for state in states(crew.stores[0], crew.settings) if state.refused_at] == ["outlook"]
    assert crew.each("rest", "main") == [0.0] * 4


@pytest.mark.rule("B11")
def test_a_report_lowers_its_provider_when_the_rate_is_known(crew: Crew, time: Time) -> None:
    delayed = Outcome(OutcomeKind.DEFERRED, None, "4.7.28", "unusual rate")
    assert reported(crew.stores[0], "gmail.com", delayed)
    assert not reported(
        crew.stores[0], "gmail.com", Outcome(OutcomeKind.REJECTED, 550, "5.1.1", "no such user")
    )
    crew.exchange()
    assert crew.each("gate", "gmail.com", system=False) == [0.0] * 4, "a report of hours ago stops nothing"
    for _ in range(20):
        crew.paces[0].heard("main", "gmail.com", ACCEPTED)
    time.now += 2
    crew.exchange()
    (google,) = (state for state in states(crew.stores[0], crew.settings) if state.name == "google")
    assert google.limit is not None
    assert google.limit > 0
    assert google.cause == "a report came back: an unusual rate of mail was found (4.7.28)"


# --- warm-up ------------------------------------------------------------------------------------


def test_a_warm_up_is_a_cap_on_the_relay_beside_what_it_answers(crew: Crew, time: Time) -> None:
    warm_up = PaceSettings(warm_up_start=time.instant().date(), warm_up_first_day=866)
    crew.settings = crew.settings.model_copy(update={"pace": warm_up})
    crew.start()
    assert crew.each("limit_for", "main") == [pytest.approx(0.01)] * 4
    time.now += timedelta(days=40).total_seconds()
    crew.exchange()
    assert crew.each("limit_for", "main") == [None] * 4


# --- what staff see and may do ------------------------------------------------------------------


def test_a_reset_is_known_to_running_workers_at_their_next_exchange(crew: Crew, ledger: Ledger) -> None:
    crew.paces[0].heard("main", "gmail.com", GMAIL_RATE)
    crew.exchange()
    crew.exchange()
    assert reset(crew.stores[0], ledger, "google") == ["provider:google"]
    crew.exchange()
    assert crew.each("gate", "gmail.com", system=False) == [0.0] * 4
    with pytest.raises(NothingKnown):
        reset(crew.stores[0], ledger, "google")


def test_the_state_says_what_is_held_back_and_why(crew: Crew, time: Time) -> None:
    for _ in range(100):
        crew.paces[0].heard("main", "shop.example", ACCEPTED)
    crew.paces[0].heard("main", "shop.example", SLOW_DOWN)
    crew.paces[0].heard("main", "gmail.com", GMAIL_RATE)
    crew.exchange()
    time.now += 5
    words = {state.name: state.words for state in states(crew.stores[0], crew.settings)}
    assert "going up while it is used" in words["main"]
    assert "it asked us to slow down (451 4.7.1)" in words["main"]
    assert words["google"].startswith(
        "nothing leaves until 09:10:10 UTC: an unusual rate of mail was found (421 4.7.28)"
    )
    assert "one connection at once, one more each minute" in words["google"]

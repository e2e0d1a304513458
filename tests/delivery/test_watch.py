"""What a sender remembers of its last messages: by campaign, for as long as it is of use."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from mailer import clock
from mailer.alerts import Alerts
from mailer.alerts.sending import recent
from mailer.audit import Ledger
from mailer.campaigns import control, queries
from mailer.campaigns.breakers import Breakers, Limits
from mailer.campaigns.queries import CampaignRow
from mailer.delivery.claim import Skip
from mailer.delivery.model import Attempt, Outcome, OutcomeKind
from mailer.delivery.watch import Suspect, Watch
from mailer.store import Store, StoreBusy
from mailer.store.vocabulary import SYSTEM_STREAM, SkipReason
from tests.delivery.world import World

OK = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "2.0.0 taken")
LATER = Outcome(OutcomeKind.DEFERRED, 451, "4.7.1", "4.7.1 later")
POLICY = Outcome(OutcomeKind.REJECTED, 550, "5.7.26", "5.7.26 not authenticated")
LOST = Outcome(OutcomeKind.UNKNOWN)


def ended(outcome: Outcome, count: int = 1, *, stream: int = 1, domain: str = "") -> list[Attempt]:
    """So many attempts with this outcome."""
    at = clock.now()
    return [Attempt(number, 1, None, None, at, outcome, None, stream, domain) for number in range(count)]


def refused(*words: str) -> list[Attempt]:
    """Refusals in these words, each without an enhanced status."""
    return [each for text in words for each in ended(Outcome(OutcomeKind.REJECTED, 554, None, text))]


class Desk:
    """A sending campaign, its breakers, and senders who watch it."""

    def __init__(self, store: Store, folder: Path, ledger: Ledger) -> None:
        self.store, self.ledger = store, ledger
        self.world = World(store, folder).build(["ada"])
        self.breakers = Breakers(store, ledger, Alerts(store, []), Limits())

    def watch(self) -> Watch:
        """Another sender."""
        return Watch(self.breakers)

    @property
    def campaign(self) -> CampaignRow:
        """As it stands."""
        with self.store.read() as connection:
            found = queries.campaign_by_id(connection, self.world.campaign_id)
        assert found is not None
        return found

    def resume(self) -> None:
        """A person lets the campaign go on."""
        with self.store.write() as connection:
            connection.exec_driver_sql("UPDATE campaigns SET started_at = created_at")
        control.resume(self.store, self.ledger, "parts", drift=0.05, mended="the key is published")


@pytest.fixture
def desk(sqlite_store: Store, tmp_path: Path, ledger: Ledger) -> Desk:
    """On SQLite: the database has little part in it."""
    return Desk(sqlite_store, tmp_path, ledger)


def suspects(watch: Watch, attempts: Sequence[Attempt], skips: Sequence[Skip] = ()) -> set[int]:
    """What it says of one batch."""
    return {one.stream for one in watch.heard(attempts, skips)}


def test_nothing_is_asked_of_the_database_while_all_is_well(desk: Desk) -> None:
    watch = desk.watch()
    assert suspects(watch, ended(OK, 5_000)) == set()
    assert suspects(watch, ended(OK, 100) + ended(LATER, 100) + ended(LOST, 100)) == set()


def test_failures_in_one_batch_are_seen_at_its_end(desk: Desk) -> None:
    watch = desk.watch()
    assert suspects(watch, ended(POLICY, 19)) == set()
    assert suspects(watch, ended(POLICY)) == {1}


def test_what_is_far_behind_is_forgotten(desk: Desk) -> None:
    watch = desk.watch()
    assert suspects(watch, ended(POLICY, 15) + ended(OK, 200)) == set()
    assert suspects(watch, ended(POLICY, 15)) == set()


def test_campaigns_are_told_apart_and_system_mail_has_no_breaker(desk: Desk) -> None:
    watch = desk.watch()
    mixed = ended(POLICY, 30, stream=7) + ended(OK, 100, stream=8) + ended(POLICY, 90, stream=SYSTEM_STREAM)
    assert suspects(watch, mixed) == {7}


def test_only_what_could_not_be_made_counts_among_what_is_skipped(desk: Desk) -> None:
    watch = desk.watch()
    left = [Skip(number, SkipReason.UNSUBSCRIBED, None, 1) for number in range(100)]
    unmade = [Skip(number, SkipReason.UNRENDERABLE, None, 1) for number in range(20)]
    assert suspects(watch, (), left) == set()
    assert suspects(watch, (), unmade) == {1}


def test_addresses_and_queue_ids_do_not_make_words_differ(desk: Desk) -> None:
    """An earlier 554 to one person, then the same to everybody."""
    words = [f"<p{n}@example.net>: Message rejected as spam (id {n}X{n * 7}F)" for n in range(20)]
    assert suspects(desk.watch(), refused(*words)) == {1}


def test_refusals_that_each_say_something_else_are_nobodys_common_cause(desk: Desk) -> None:
    words = ["mailbox closed", "no thanks", "moved away", "not today", "who are you"]
    assert suspects(desk.watch(), refused(*words * 6)) == set()


def test_the_campaign_is_paused_once_and_its_failures_are_forgotten(desk: Desk) -> None:
    one, two = desk.watch(), desk.watch()
    assert one.pause(one.heard(ended(POLICY, 20), ())) == {1}
    assert desk.campaign.breaker == "policy_rejections"
    # The other sender of the host has seen as much: it finds the campaign paused.
    assert two.pause(two.heard(ended(POLICY, 20), ())) == set()
    assert one.heard(ended(POLICY), ()) == set()


def test_what_a_sender_remembers_of_before_does_not_count_after_a_person_let_it_go_on(desk: Desk) -> None:
    one, two = desk.watch(), desk.watch()
    assert two.heard(ended(POLICY, 19), ()) == set()
    one.pause(one.heard(ended(POLICY, 20), ()))
    time.sleep(0.002)  # the clock of the count moves on
    desk.resume()
    assert two.pause(two.heard(ended(POLICY), ())) == set()
    assert desk.campaign.breaker is None
    # From now on it counts again.
    assert two.pause(two.heard(ended(POLICY, 20), ())) == {1}


def test_a_database_that_is_away_is_asked_again_with_the_next_failure(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = desk.watch()
    found = watch.heard(ended(POLICY, 20), ())
    with monkeypatch.context() as patch:

        def away(*_args: object) -> None:
            raise StoreBusy()

        patch.setattr(desk.breakers, "tripped", away)
        assert watch.pause(found) == set()
    assert watch.pause(watch.heard(ended(POLICY), ())) == {1}


def test_a_sender_remembers_one_window_of_a_campaign_however_many_messages(desk: Desk) -> None:
    watch = desk.watch()
    for _ in range(200):
        watch.heard(ended(OK, 50), ())
    (window,) = watch._recent.values()
    assert len(window) == Limits().recent


# --- one domain that refuses us -------------------------------------------------------------------


def at(outcome: Outcome, count: int, domain: str = "big.example") -> list[Attempt]:
    """So many at this domain, of the campaign that is there."""
    return ended(outcome, count, domain=domain)


@pytest.mark.rule("A77")
def test_a_domain_that_refuses_all_is_seen_among_any_number_of_others(desk: Desk) -> None:
    """Its pace lets but a few through: in all the mail they are next to nothing."""
    watch = desk.watch()
    for _ in range(4):
        assert watch.heard(ended(OK, 400) + at(OK, 50, "else.example") + at(POLICY, 1), ()) == set()
    assert watch.heard(ended(OK, 400) + at(POLICY, 1), ()) == {Suspect(1, "big.example")}


def test_a_domain_whose_filter_takes_offence_now_and_then_is_not(desk: Desk) -> None:
    watch = desk.watch()
    for _ in range(100):
        assert watch.heard(at(OK, 20) + at(POLICY, 1) + at(OK, 20), ()) == set()


@pytest.mark.rule("A77")
def test_a_domain_that_is_a_good_part_of_the_campaign_pauses_it(desk: Desk) -> None:
    desk.world.queue(None, campaign_id=1, domain="big.example")
    watch = desk.watch()
    assert watch.pause(watch.heard(at(POLICY, 5), ())) == {1}
    assert (desk.campaign.reason or "").startswith(
        "5 of the last 5 messages to big.example were refused because of the sender, not the recipients "
    )


@pytest.mark.rule("A77")
def test_a_domain_that_is_a_small_part_is_told_of_once_and_the_rest_goes_on(desk: Desk) -> None:
    for _ in range(49):
        desk.world.queue(None, campaign_id=1)
    desk.world.queue(None, campaign_id=1, domain="small.example")
    watch = desk.watch()
    for _ in range(3):
        assert watch.pause(watch.heard(at(POLICY, 5, "small.example"), ())) == set()
    assert desk.campaign.breaker is None
    (told,) = recent(desk.store, 10)
    assert (told["kind"], told["subject"]) == ("domain_refuses", "small.example refuses what you send")


def test_a_domain_that_is_next_to_nothing_is_no_news(desk: Desk) -> None:
    """Any list has a company whose filter likes nobody."""
    watch = desk.watch()
    assert watch.pause(watch.heard(at(POLICY, 5, "tiny.example"), ())) == set()
    assert recent(desk.store, 10) == []


def test_what_a_domain_refused_before_a_person_let_it_go_on_does_not_count(desk: Desk) -> None:
    desk.world.queue(None, campaign_id=1, domain="big.example")
    one, two = desk.watch(), desk.watch()
    assert two.heard(at(POLICY, 4), ()) == set()
    one.pause(one.heard(at(POLICY, 5), ()))
    time.sleep(0.002)
    desk.resume()
    assert two.pause(two.heard(at(POLICY, 1), ())) == set()
    assert desk.campaign.breaker is None


def test_any_number_of_domains_takes_no_more_memory_than_a_thousand(desk: Desk) -> None:
    watch = desk.watch()
    for number in range(1_500):
        watch.heard(at(POLICY, 1, f"d{number}.example") + at(OK, 50), ())
    assert len(watch._recent) == 1_000
    assert Suspect(1) in watch._recent

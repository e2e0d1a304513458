"""The simulated world is a pure function of the plan: who has which mailbox, who answers what, when what breaks."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mailer.demo.month.people import BOUGHT, GOOD_FILES, population, write_file
from mailer.demo.month.plan import Plan
from mailer.demo.month.providers import LISTING, PROVIDERS, providers
from mailer.demo.month.world import LISTED, UNSIGNED, Answer, Sort, World
from tests.demo.month.worlds import PLAN, START, person

QUIET = START - timedelta(days=1)
ORDINARY = "Week 1: what is new on the shelf"
#: So many people ask the same question that chance has its say.
MANY = 4_000


def asked(plan: Plan, subject: str, **fate: object) -> list[Answer]:
    """What many people of one provider are answered."""
    at = fate.pop("at", QUIET)
    provider = fate.pop("provider", PROVIDERS[0])
    base = person(provider, **fate)  # type: ignore[arg-type]  # a table of keywords
    world = World(plan)
    people = (replace(base, number=number) for number in range(MANY))
    return [world.answer(one, subject, at=at, attempt=1) for one in people]  # type: ignore[arg-type]  # as above


def share(answers: list[Answer], sort: Sort) -> float:
    return sum(any(one.sort is sort for one in answer.returns) for answer in answers) / len(answers)


def test_the_same_seed_gives_the_same_people_and_another_seed_others() -> None:
    assert population(PLAN) == population(PLAN)
    assert population(PLAN) != population(replace(PLAN, seed=8))


def test_people_have_their_mailboxes_where_the_table_says() -> None:
    counts = Counter(one.provider.domain for one in population(replace(PLAN, people=5_000)))
    total = sum(counts.values())
    for provider in PROVIDERS:
        assert counts[provider.domain] / total == pytest.approx(provider.share, abs=0.03)


def test_the_shares_of_all_providers_are_one() -> None:
    assert sum(one.share for one in providers()) == pytest.approx(1)


def test_no_address_can_be_anybodys() -> None:
    assert {one.address.rpartition(".")[2] for one in population(PLAN)} == {"example"}


def test_nobody_is_there_twice() -> None:
    addresses = [one.address for one in population(PLAN)]
    assert len(set(addresses)) == len(addresses)


def test_half_of_what_was_bought_is_dead_and_hardly_anybody_else() -> None:
    people = population(replace(PLAN, people=4_000))
    bought = [one for one in people if one.file == BOUGHT]
    others = [one for one in people if one.file != BOUGHT]
    assert sum(one.is_dead(PLAN.end) for one in bought) / len(bought) == pytest.approx(0.55, abs=0.07)
    assert sum(one.is_dead(PLAN.end) for one in others) / len(others) < 0.02


def test_a_file_holds_its_people_with_evidence_of_consent(tmp_path: Path) -> None:
    mine = [one for one in population(PLAN) if one.file == GOOD_FILES[0][0]]
    write_file(tmp_path / "people.csv", mine)
    with (tmp_path / "people.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["Email"] for row in rows] == [one.address for one in mine]
    assert all(row["Confirmed at"] and row["Confirm IP"] for row in rows)


@pytest.mark.parametrize("days", [14, 30, 60])
def test_each_trouble_meets_a_campaign_and_the_unwanted_one_is_unlike_the_others(days: int) -> None:
    plan = replace(PLAN, days=days)
    assert any(plan.listing.holds(issue.at) for issue in plan.issues)
    assert any(plan.dkim_break.since - issue.at == timedelta(minutes=20) for issue in plan.issues)
    assert any(plan.bad_import_at < issue.at for issue in plan.issues)
    assert [issue.is_unwanted for issue in plan.issues].count(True) == 1
    others = {issue.subject for issue in plan.issues if not issue.is_unwanted}
    assert plan.unwanted.subject not in others


@pytest.mark.parametrize("days", [14, 30, 60])
def test_no_two_campaigns_share_a_name_and_all_lie_in_the_month(days: int) -> None:
    plan = replace(PLAN, days=days)
    assert len({issue.slug for issue in plan.issues}) == len(plan.issues)
    assert all(plan.start < issue.at < plan.end for issue in plan.issues)


def test_the_same_question_has_the_same_answer_whoever_was_asked_before() -> None:
    assert asked(PLAN, ORDINARY) == asked(PLAN, ORDINARY)


def test_a_living_mailbox_takes_nearly_everything() -> None:
    assert sum(answer.is_taken for answer in asked(PLAN, ORDINARY)) / MANY > 0.99


def test_a_dead_address_is_never_reached_and_mostly_told_of_later() -> None:
    answers = asked(PLAN, ORDINARY, dead_from=QUIET)
    refused = sum(not answer.is_taken for answer in answers) / MANY
    assert refused == pytest.approx(0.25, abs=0.05)
    assert share(answers, Sort.FAILURE) == pytest.approx(1 - refused)


def test_the_provider_that_lists_us_refuses_while_it_does_and_no_other_does() -> None:
    at = PLAN.listing.since
    listed = asked(PLAN, ORDINARY, at=at, provider=LISTING)
    words = [one.reply for answer in listed for one in answer.returns if one.sort is Sort.FAILURE]
    assert words.count(LISTED) / MANY == pytest.approx(0.7, abs=0.05)
    assert share(asked(PLAN, ORDINARY, at=at), Sort.FAILURE) < 0.01
    assert share(asked(PLAN, ORDINARY, at=PLAN.listing.until, provider=LISTING), Sort.FAILURE) < 0.01


def test_without_dkim_only_those_that_check_it_refuse() -> None:
    at = PLAN.dkim_break.since
    careless = next(one for one in providers() if not one.checks_dkim)
    strict = asked(PLAN, ORDINARY, at=at)
    assert all(UNSIGNED[4:] == answer.text or answer.returns[0].reply == UNSIGNED for answer in strict)
    assert share(asked(PLAN, ORDINARY, at=at, provider=careless), Sort.FAILURE) < 0.01


def test_a_full_mailbox_is_tried_for_days_before_it_is_given_up() -> None:
    answers = asked(PLAN, ORDINARY, full_from=QUIET, full_until=START)
    assert all([one.sort for one in answer.returns] == [Sort.DELAY, Sort.FAILURE] for answer in answers)
    assert all(answer.returns[1].after >= timedelta(days=1) for answer in answers)


def test_readers_complain_of_the_unwanted_campaign_and_only_where_the_provider_tells() -> None:
    unwanted = PLAN.unwanted.subject
    assert share(asked(PLAN, unwanted, provider=LISTING), Sort.COMPLAINT) > 0.008
    assert share(asked(PLAN, ORDINARY, provider=LISTING), Sort.COMPLAINT) < 0.001
    assert share(asked(PLAN, unwanted), Sort.COMPLAINT) == 0


def test_who_was_put_off_is_taken_at_the_next_attempt() -> None:
    world = World(PLAN)
    people = [replace(person(), number=number) for number in range(MANY)]
    put_off = [one for one in people if world.answer(one, ORDINARY, at=QUIET, attempt=1).code == 450]
    assert put_off
    assert all(world.answer(one, ORDINARY, at=QUIET, attempt=2).is_taken for one in put_off)

"""The table of breakers on simulated streams: what trips, how soon, and that healthy mail never does."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.campaigns.breakers.rules import (
    RULES,
    Breaker,
    End,
    Limits,
    Tally,
    Trip,
    is_worrying,
    judge,
)

LIMITS = Limits()
COUNTS = st.integers(min_value=0, max_value=100_000)
TALLIES = st.builds(
    Tally,
    st.fixed_dictionaries(dict.fromkeys(End, COUNTS)),
    alike=COUNTS,
    complaints=COUNTS,
    delivered=COUNTS,
)


def tally(**ends: int) -> Tally:
    """A tally of these ends."""
    return Tally({End(name): count for name, count in ends.items()})


def breaker(found: Trip | None) -> Breaker | None:
    """Which one tripped."""
    return None if found is None else found.breaker


def stream(*parts: tuple[End, float], seed: int = 1) -> Iterator[End]:
    """Messages without end that fail by these shares; the others are accepted."""
    dice = random.Random(seed)
    while True:
        throw = dice.random()
        for end, share in parts:
            if throw < share:
                yield end
                break
            throw -= share
        else:
            yield End.ACCEPTED


def sent_until_trip(ends: Iterable[End], *, most: int, alike: bool = False) -> tuple[int, Breaker | None]:
    """Send one after the other and judge as a sender does: how many had left when it was stopped."""
    recent: deque[End] = deque(maxlen=LIMITS.recent)
    for number, end in zip(range(1, most + 1), ends, strict=False):
        recent.append(end)
        if end is not End.ACCEPTED:
            counted = Counter(recent)
            same = counted[End.REFUSED] if alike else 0
            trip = judge(Tally(counted, alike=same), LIMITS, recent=True)
            if trip is not None:
                return number, trip.breaker
    return most, None


# --- streams ------------------------------------------------------------------------------------


@pytest.mark.rule("A77")
def test_when_all_are_refused_for_our_own_fault_twenty_have_left() -> None:
    assert sent_until_trip(stream((End.POLICY, 1.0)), most=1_000_000) == (20, Breaker.POLICY)


@pytest.mark.rule("A77")
def test_a_signature_that_breaks_in_the_middle_is_noticed_within_a_few_dozen() -> None:
    good = [End.ACCEPTED] * 50_000
    left, why = sent_until_trip([*good, *[End.POLICY] * 1_000], most=60_000)
    assert (why, left - len(good) <= 40) == (Breaker.POLICY, True)


@pytest.mark.rule("A77")
@pytest.mark.parametrize("seed", range(5))
def test_one_large_provider_that_refuses_all_is_enough(seed: int) -> None:
    """A third of the list is with it: 5.7.515 for everyone there."""
    left, why = sent_until_trip(stream((End.POLICY, 0.33), seed=seed), most=10_000)
    assert (why, left < 200) == (Breaker.POLICY, True)


@pytest.mark.parametrize("seed", range(5))
def test_a_bad_import_is_stopped_while_the_campaign_as_a_whole_still_looks_well(seed: int) -> None:
    good = [End.ACCEPTED] * 20_000
    ends = (*good, *(end for end, _ in zip(stream((End.HARD, 0.3), seed=seed), range(2_000), strict=False)))
    left, why = sent_until_trip(ends, most=22_000)
    assert (why, left - len(good) < 250) == (Breaker.HARD, True)


def test_a_bug_that_can_make_no_message_skips_twenty_people_and_not_all() -> None:
    assert sent_until_trip(stream((End.UNRENDERABLE, 1.0)), most=10_000) == (20, Breaker.UNRENDERABLE)


def test_the_same_refusal_for_everybody_stops_even_when_its_code_says_nothing() -> None:
    found = sent_until_trip(stream((End.REFUSED, 1.0)), most=10_000, alike=True)
    assert found == (20, Breaker.ALIKE)


@pytest.mark.parametrize("seed", range(20))
def test_an_ordinary_list_is_never_stopped(seed: int) -> None:
    """2 % old addresses, 1 % blocked by somebody's filter, a few refused, a few that cannot be made."""
    usual = stream(
        (End.HARD, 0.02), (End.POLICY, 0.01), (End.REFUSED, 0.005), (End.UNRENDERABLE, 0.001), seed=seed
    )
    assert sent_until_trip(usual, most=20_000) == (20_000, None)


@pytest.mark.rule("B9")
def test_complaints_pause_before_three_in_a_thousand() -> None:
    """Reports drip in behind a campaign of 50 000; three of a thousand would be 150."""
    sent = 50_000
    for complaints in range(1, 150):
        trip = judge(Tally({End.ACCEPTED: sent}, complaints=complaints, delivered=sent), LIMITS)
        if trip is not None:
            assert (trip.breaker, complaints) == (Breaker.COMPLAINTS, 50)
            return
    pytest.fail("it was never paused")


@pytest.mark.rule("B9")
def test_a_warning_comes_before_the_pause() -> None:
    def at(complaints: int) -> Tally:
        return Tally({End.ACCEPTED: 50_000}, complaints=complaints, delivered=50_000)

    assert [is_worrying(at(number), LIMITS) for number in (39, 40, 49)] == [False, True, True]
    assert judge(at(49), LIMITS) is None


# --- the table ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (tally(accepted=361, hard=19), None),  # a share of 5 %, but too few to mean anything
        (tally(accepted=380, hard=20), Breaker.HARD),
        (tally(accepted=400, hard=20), None),
        (tally(accepted=380, policy=20), Breaker.POLICY),
        (tally(accepted=980, unrenderable=20), Breaker.UNRENDERABLE),
        (tally(refused=500, accepted=10), None),  # each in its own words
        (Tally({End.REFUSED: 500, End.ACCEPTED: 500}, alike=500), Breaker.ALIKE),
        (Tally({End.REFUSED: 500, End.ACCEPTED: 501}, alike=500), None),
        (Tally({}, complaints=2, delivered=10), None),
        (Tally({}, complaints=3, delivered=3_000), Breaker.COMPLAINTS),
        (Tally({}, complaints=3, delivered=3_001), None),
        (Tally({}), None),
    ],
)
def test_each_row_trips_at_its_share_and_above_its_floor(counted: Tally, expected: Breaker | None) -> None:
    assert breaker(judge(counted, LIMITS)) is expected


def test_in_the_last_messages_a_share_counts_three_times() -> None:
    at_six, at_fifteen = tally(accepted=188, hard=12), tally(accepted=170, hard=30)
    few = Limits(least_failures=5)
    assert breaker(judge(at_six, few)) is Breaker.HARD
    assert judge(at_six, few, recent=True) is None
    assert breaker(judge(at_fifteen, few, recent=True)) is Breaker.HARD


def test_half_of_the_last_messages_is_always_enough_unless_the_settings_ask_for_more() -> None:
    half = tally(accepted=100, policy=100)
    assert breaker(judge(half, Limits(policy=0.4), recent=True)) is Breaker.POLICY
    assert judge(half, Limits(policy=0.9), recent=True) is None


def test_our_own_fault_is_named_before_what_it_looks_like() -> None:
    """A relay that knows nobody since it does not accept us: addresses are not to blame."""
    assert breaker(judge(tally(policy=100, hard=100), LIMITS)) is Breaker.POLICY


def test_the_sentence_says_how_many_which_reply_and_what_to_do() -> None:
    trip = judge(Tally({End.POLICY: 1_200, End.ACCEPTED: 300}, replies={End.POLICY: "550 5.7.26"}), LIMITS)
    assert trip is not None
    assert trip.sentence == (
        "1,200 of 1,500 messages were refused because of the sender, not the recipients (550 5.7.26). "
        "Run `mailer doctor`, mend what it names; those refused can be sent again with `mailer delivery retry`."
    )


def test_every_row_has_words_and_a_remedy() -> None:
    assert {rule.breaker for rule in RULES} == set(Breaker)
    for rule in RULES:
        assert rule.words and rule.remedy.endswith(".")


@given(TALLIES, st.booleans())
def test_what_trips_is_above_its_floor_and_its_share(counted: Tally, recent: bool) -> None:
    trip = judge(counted, LIMITS, recent=recent)
    if trip is not None:
        floor = LIMITS.least_complaints if trip.breaker is Breaker.COMPLAINTS else LIMITS.least_failures
        assert trip.failures >= floor
        assert trip.failures >= 0.001 * trip.volume


@given(
    TALLIES, st.sampled_from([End.HARD, End.POLICY, End.UNRENDERABLE]), st.integers(1, 1_000), st.booleans()
)
def test_more_failures_never_close_a_breaker_again(counted: Tally, end: End, more: int, recent: bool) -> None:
    before = judge(counted, LIMITS, recent=recent)
    rule = next((rule for rule in RULES if before is not None and rule.breaker is before.breaker), None)
    if rule is None or rule.reply_of is not end:
        return
    worse = Tally(
        {**counted.ends, end: counted.ends[end] + more},
        alike=counted.alike,
        complaints=counted.complaints,
        delivered=counted.delivered,
    )
    assert judge(worse, LIMITS, recent=recent) is not None


@given(COUNTS, st.booleans())
def test_what_is_only_accepted_never_trips(accepted: int, recent: bool) -> None:
    fine = Tally({End.ACCEPTED: accepted}, delivered=accepted)
    assert judge(fine, LIMITS, recent=recent) is None
    assert not is_worrying(fine, LIMITS)


@given(TALLIES)
def test_a_pause_for_complaints_was_worth_a_warning(counted: Tally) -> None:
    if breaker(judge(counted, LIMITS)) is Breaker.COMPLAINTS:
        assert is_worrying(counted, LIMITS)

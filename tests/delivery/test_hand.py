"""What a worker holds: streams in their order, providers in their turn, nothing lost on the way."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.claim import Claim
from mailer.delivery.hand import Hand
from mailer.delivery.relays import Relay, Relays
from mailer.delivery.shelf import LONGEST_SECONDS, MOST, MOST_OF_ONE, Shelf
from mailer.store.vocabulary import SYSTEM_STREAM, DeliveryKind
from tests.delivery.fake_time import FakeTime, fake_clock
from tests.delivery.pacers import Told
from tests.delivery.world import relay


def claim(number: int, domain: str = "example.net", *, stream: int = 5, read_at: float = 1000.0) -> Claim:
    """A claim of a campaign, or of system mail."""
    return Claim(
        id=number,
        kind=DeliveryKind.PROOF if stream == SYSTEM_STREAM else DeliveryKind.CAMPAIGN,
        stream=stream,
        domain=domain,
        attempts=0,
        context={},
        confirmation=None,
        subscription_id=number,
        subscription_tag=b"",
        email=f"p{number}@{domain}",
        language="en",
        fields={},
        campaign_tag=b"",
        artefact_hash="",
        read_at=read_at,
    )


def hand_of(told: Told, *claims: Claim) -> tuple[Hand, list[int], Relay]:
    """A hand with these claims, the ids that it postpones, and a relay that takes everything."""
    postponed: list[int] = []
    hand = Hand(None, told, postpone=lambda id_, _seconds: postponed.append(id_))  # type: ignore[arg-type]  # none is read again
    hand.add(claims)
    one = relay(1)
    Relays([one])
    return hand, postponed, one


def taken(hand: Hand, one: Relay, *, system_only: bool = False) -> list[int]:
    """The ids of all that can be taken this instant."""
    found = iter(lambda: hand.take_now(one, system_only=system_only), None)
    return [claim.id for claim in found]


def test_system_mail_goes_first_and_a_kept_connection_takes_nothing_else() -> None:
    hand, _, one = hand_of(Told(), claim(1), claim(2, stream=SYSTEM_STREAM), claim(3))
    assert taken(hand, one, system_only=True) == [2]
    assert taken(hand, one) == [1, 3]


def test_what_a_provider_has_no_turn_for_comes_when_it_has_before_all_others() -> None:
    told = Told(waits={"slow.example": 1.0})
    with fake_clock(FakeTime([0.0])) as time:
        hand, postponed, one = hand_of(told, claim(1, "slow.example"), claim(2), claim(3, "slow.example"))
        assert taken(hand, one) == [2]
        assert len(hand) == 2
        hand.add([claim(4)])
        told.turns["slow.example"] = 1
        assert taken(hand, one) == [4]  # not yet its time
        time.now += 1.0
        hand.add([claim(5)])
        assert taken(hand, one) == [1, 5]
    assert postponed == []


def test_what_waits_is_released_with_the_rest() -> None:
    """A stop, a pause, a relay that is down: the shelf is a part of the hand."""
    told = Told(waits={"slow.example": 1.0})
    hand, _, one = hand_of(told, claim(1, "slow.example", stream=7), claim(2, "slow.example"), claim(3))
    assert taken(hand, one) == [3]
    hand.add([claim(4), claim(5, stream=SYSTEM_STREAM)])
    assert hand.let_go({7}) == [1]
    assert sorted(hand.empty(system=False)) == [2, 4]
    assert hand.empty() == [5]
    assert len(hand) == 0


def test_a_sender_that_waits_is_woken_when_a_provider_has_its_turn() -> None:
    told = Told(waits={"slow.example": 0.05})

    async def story() -> int | None:
        hand, _, one = hand_of(told, claim(1, "slow.example"))
        taking = asyncio.create_task(hand.take(one, system_only=False, patience_seconds=5.0))
        await asyncio.sleep(0.01)
        told.turns["slow.example"] = 1
        found = await asyncio.wait_for(taking, 2)
        return found.id if found else None

    assert asyncio.run(story()) == 1


def test_nobody_connects_for_what_others_already_connect_for() -> None:
    """One confirmation must not open every connection that there is."""

    async def story() -> list[bool]:
        hand, _, one = hand_of(Told(), claim(1))
        one.connecting = 1
        waiting = asyncio.create_task(hand.wanted(one, system_only=False))
        await asyncio.sleep(0.01)
        seen = [waiting.done()]
        hand.add([claim(2)])
        await asyncio.wait_for(waiting, 1)
        return [*seen, waiting.done()]

    assert asyncio.run(story()) == [False, True]


def test_a_relay_that_is_down_is_tried_without_mail() -> None:
    async def story() -> None:
        hand, _, one = hand_of(Told())
        one.route.failed("away")
        await asyncio.wait_for(hand.wanted(one, system_only=False), 1)
        assert await hand.take(one, system_only=False, patience_seconds=5.0) is None

    asyncio.run(story())


@pytest.mark.rule("B12")
@given(
    domains=st.lists(st.sampled_from(["a.example", "b.example", "c.example", "d.example"]), max_size=80),
    turns=st.dictionaries(st.sampled_from(["a.example", "b.example"]), st.integers(0, 40)),
    wait=st.floats(0.01, 20.0),
)
def test_every_claim_is_taken_kept_or_postponed_and_the_unlimited_are_never_held(
    domains: list[str], turns: dict[str, int], wait: float
) -> None:
    """Law 1, inside the hand: whatever the providers say."""
    told = Told(waits=dict.fromkeys(("a.example", "b.example"), wait), turns=Counter(turns))
    claims = [claim(number, domain) for number, domain in enumerate(domains)]
    hand, postponed, one = hand_of(told, *claims)
    gone = taken(hand, one)
    free = [number for number, domain in enumerate(domains) if domain in ("c.example", "d.example")]
    assert [number for number in gone if number in free] == free
    kept = hand.empty()
    assert sorted([*gone, *postponed, *kept]) == list(range(len(domains)))
    assert max(Counter(domains[number] for number in kept).values(), default=0) <= MOST_OF_ONE
    for domain in ("a.example", "b.example"):
        assert sum(domains[number] == domain for number in gone) == min(
            turns.get(domain, 0), domains.count(domain)
        )


# --- the shelf --------------------------------------------------------------------------------


def test_a_shelf_has_little_room_for_each_provider_and_not_much_for_all() -> None:
    """A batch must not fill up with what waits."""
    shelf = Shelf()
    put = [shelf.put(claim(number), "one", now=0.0, seconds=1.0) for number in range(MOST_OF_ONE + 1)]
    assert put == [True] * MOST_OF_ONE + [False]
    for number in range(2 * MOST):
        shelf.put(claim(number), f"provider {number}", now=0.0, seconds=1.0)
    assert len(shelf) == MOST


def test_what_would_wait_for_long_waits_elsewhere() -> None:
    assert not Shelf().put(claim(1), "one", now=0.0, seconds=LONGEST_SECONDS + 0.1)


def test_a_shelf_gives_in_the_order_of_time_and_makes_room() -> None:
    shelf = Shelf()
    for number, seconds in enumerate((3.0, 1.0, 2.0)):
        shelf.put(claim(number), "one", now=0.0, seconds=seconds)
    assert shelf.next_at == 1.0
    assert shelf.pop_due(0.9) == []
    assert [one.id for one in shelf.pop_due(2.5)] == [1, 2]
    assert shelf.pop_due(2.5) == []
    for number in range(MOST_OF_ONE - 1):
        assert shelf.put(claim(number), "one", now=0.0, seconds=1.0)
    assert not shelf.put(claim(99), "one", now=0.0, seconds=1.0)

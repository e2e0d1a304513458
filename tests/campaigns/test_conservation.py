"""Law 1: the audience is always the sum of its parts, whatever happens in between, on both databases."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from mailer import clock
from mailer.campaigns import audience, control, queries
from mailer.campaigns.audience import materialise_slice
from mailer.campaigns.control import cancel, pause, resume
from mailer.campaigns.due import finish_done, start_due
from mailer.campaigns.model import MoveRefused
from mailer.campaigns.status import CampaignStatus, status_of
from mailer.store.schema import Campaign, Delivery, Subscriber, Subscription, Suppression
from mailer.store.vocabulary import DeliveryState, SubscriptionState

OUTCOMES = [
    DeliveryState.ACCEPTED,
    DeliveryState.DEFERRED,
    DeliveryState.REJECTED,
    DeliveryState.EXPIRED,
    DeliveryState.UNKNOWN,
]
STEP = st.one_of(
    st.tuples(st.just("slice"), st.just(0)),
    st.tuples(st.just("slice"), st.just(0)),
    st.tuples(st.just("leave"), st.integers(0, 11)),
    st.tuples(st.just("suppress"), st.integers(0, 11)),
    st.tuples(st.just("confirm"), st.integers(0, 11)),
    st.tuples(st.just("join"), st.just(0)),
    st.tuples(st.just("attempt"), st.integers(0, 11)),
    st.tuples(st.sampled_from(OUTCOMES), st.just(0)),
    st.tuples(st.sampled_from(["pause", "resume", "finish", "cancel"]), st.just(0)),
)


class World:
    """One campaign to a dozen people, and everything that can happen to them."""

    def __init__(self, store, ledger, crowd, campaign_row) -> None:
        self.store, self.ledger, self.crowd = store, ledger, crowd
        self.people = [*crowd.join(9), *crowd.join(3, state=SubscriptionState.PENDING)]
        self.campaign_id = campaign_row(expected=9)
        start_due(store, ledger, clock.now(), drift=1.0)

    def step(self, what, which: int) -> None:
        if isinstance(what, DeliveryState):
            self.settle(what)
        elif what in ("leave", "suppress", "confirm"):
            getattr(self, what)(self.people[which])
        else:
            getattr(self, what)(which)

    def slice(self, _which: int) -> None:
        materialise_slice(self.store, self.campaign_id)

    def join(self, _which: int) -> None:
        self.crowd.join(1)

    def leave(self, subscription: int) -> None:
        with self.store.read() as connection:
            state = select(Subscription.state).where(Subscription.id == subscription)
            confirmed = connection.scalar(state) is SubscriptionState.CONFIRMED
        if confirmed:
            self.crowd.leave(subscription)

    def suppress(self, subscription: int) -> None:
        with self.store.read() as connection:
            known = connection.scalar(
                select(Suppression.id)
                .join(Subscriber, Subscriber.email_hash == Suppression.email_hash)
                .join(Subscription, Subscription.subscriber_id == Subscriber.id)
                .where(Subscription.id == subscription)
            )
        if known is None:
            self.crowd.suppress(subscription)

    def confirm(self, subscription: int) -> None:
        self.crowd.confirm(subscription)

    def attempt(self, which: int) -> None:
        with self.store.write() as connection:
            waiting = select(Delivery.id).where(Delivery.next_attempt_at.is_not(None)).order_by(Delivery.id)
            found = connection.scalars(waiting.offset(which).limit(1)).all()
            row = update(Delivery).where(Delivery.id.in_(found))
            connection.execute(row.values(state=DeliveryState.ATTEMPTING, next_attempt_at=None))

    def settle(self, outcome: DeliveryState) -> None:
        due = clock.now() if outcome is DeliveryState.DEFERRED else None
        with self.store.write() as connection:
            flying = update(Delivery).where(Delivery.state == DeliveryState.ATTEMPTING)
            connection.execute(flying.values(state=outcome, next_attempt_at=due))

    def pause(self, _which: int) -> None:
        self.move(lambda: pause(self.store, self.ledger, "week-48", reason="x"))

    def resume(self, _which: int) -> None:
        self.move(lambda: resume(self.store, self.ledger, "week-48", drift=1.0))

    def cancel(self, _which: int) -> None:
        self.move(lambda: cancel(self.store, self.ledger, "week-48", reason="x"))

    def finish(self, _which: int) -> None:
        finish_done(self.store, self.ledger)

    def move(self, action) -> None:
        with contextlib.suppress(MoveRefused):
            action()

    def status(self) -> CampaignStatus:
        with self.store.read() as connection:
            campaign = queries.campaign_by_id(connection, self.campaign_id)
            return status_of(connection, campaign)


def forget(store) -> None:
    with store.write() as connection:
        for table in (Delivery, Campaign, Subscription, Subscriber, Suppression):
            connection.execute(delete(table))


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    monkeypatch.setattr(audience, "SLICE", 4)
    monkeypatch.setattr(control, "CANCEL_SLICE", 3)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, max_size=14))
def test_the_audience_is_the_sum_of_its_parts_at_every_moment(store, ledger, crowd, campaign_row, steps):
    forget(store)
    world = World(store, ledger, crowd, campaign_row)
    assert world.status().audience == 9
    for what, which in steps:
        world.step(what, which)
        now = world.status()
        assert now.not_materialised >= 0
        assert now.audience == now.not_materialised + sum(now.counts.values())
        assert sum(now.skipped.values()) == now.counts.get(DeliveryState.SKIPPED, 0)
        # Nobody of the nine is lost: the audience only ever grows by who confirmed meanwhile.
        assert 9 <= now.audience <= 12


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP.filter(lambda step: step[0] not in ("cancel", "pause")), max_size=10))
def test_nobody_counted_is_without_a_row_once_all_is_written_out(store, ledger, crowd, campaign_row, steps):
    forget(store)
    world = World(store, ledger, crowd, campaign_row)
    for what, which in steps:
        world.step(what, which)
    while materialise_slice(store, world.campaign_id):
        pass
    with store.read() as connection:
        reached = set(connection.scalars(select(Delivery.subscription_id)))
    assert set(world.people[:9]) <= reached
    assert world.status().not_materialised == 0

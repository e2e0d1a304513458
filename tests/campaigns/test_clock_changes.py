"""A campaign leaves at the instant that was meant, over both clock changes and after an outage (A89)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from mailer import clock

pytestmark = pytest.mark.rule("A89")


@pytest.mark.parametrize(
    ("today", "said", "due"),
    [
        # In the night of 28 March 2027 Berlin goes from UTC+1 to UTC+2.
        ("2027-03-27 12:00", "tomorrow 9am Europe/Berlin", "2027-03-28 07:00"),
        ("2027-03-27 12:00", "2027-03-28 03:30 Europe/Berlin", "2027-03-28 01:30"),
        ("2027-03-27 12:00", "2027-03-28 01:59 Europe/Berlin", "2027-03-28 00:59"),
        # In the night of 31 October 2027 it goes back to UTC+1.
        ("2027-10-30 12:00", "tomorrow 9am Europe/Berlin", "2027-10-31 08:00"),
        ("2027-10-30 12:00", "2027-10-31 02:30+02:00 Europe/Berlin", "2027-10-31 00:30"),
        ("2027-10-30 12:00", "2027-10-31 02:30+01:00 Europe/Berlin", "2027-10-31 01:30"),
        # Sydney is ahead by a day and changes the other way round.
        ("2027-04-03 01:00", "tomorrow 9am Australia/Sydney", "2027-04-03 23:00"),
    ],
)
def test_it_starts_at_that_instant_and_not_a_second_before(
    campaigns, crowd, write_campaign, today, said, due
):
    start = datetime.fromisoformat(today).replace(tzinfo=UTC)
    instant = datetime.fromisoformat(due).replace(tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clocks:
        crowd.join(2)
        write_campaign()
        done = campaigns.schedule("week-48", said, expect=2)
        assert done.moment.instant == instant

        clocks.move_to(instant - timedelta(seconds=1))
        assert campaigns.start_due(clock.now()) == []
        clocks.move_to(instant)
        assert campaigns.start_due(clock.now()) == [done.campaign_id]


def test_after_two_days_down_each_campaign_starts_once_in_the_order_it_was_due(
    campaigns, crowd, write_campaign
):
    start = datetime(2027, 3, 26, 12, 0, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clocks:
        crowd.join(2)
        for slug, when in (("later", "in 5 hours"), ("sooner", "in 2 hours"), ("future", "in 3 days")):
            write_campaign(slug)
            campaigns.schedule(slug, when, expect=2)
        clocks.move_to(start + timedelta(days=2))
        started = campaigns.start_due(clock.now())
        names = {one.id: one.slug for one in campaigns.statuses()}
        assert [names[id_] for id_ in started] == ["sooner", "later"]
        assert campaigns.start_due(clock.now()) == []


def test_a_campaign_scheduled_for_now_starts_at_the_next_tick(campaigns, crowd, write_campaign):
    crowd.join(1)
    write_campaign()
    done = campaigns.schedule("week-48", "now", expect=1)
    assert campaigns.start_due(clock.now()) == [done.campaign_id]

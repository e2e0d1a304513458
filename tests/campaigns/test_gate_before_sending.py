"""E18: one campaign per cause; the check names it, it cannot be scheduled, and zero mails leave."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from mailer import clock
from mailer.campaigns.findings import CampaignRefused
from mailer.store.schema import Campaign, Delivery
from tests.campaigns.conftest import GOOD

pytestmark = pytest.mark.rule("E18")

CAUSES = {
    "no subject": GOOD.replace("subject: Ten red LEDs for you\n", ""),
    "empty subject": GOOD.replace("Ten red LEDs for you", "''"),
    "a subject that is only a merge field nobody filled": GOOD.replace(
        "Ten red LEDs for you", "'{{ subscriber.country }}'"
    ),
    "a subject on two lines": GOOD.replace("Ten red LEDs for you", '"Ten\\nBcc: x@y.example"'),
    "no list": GOOD.replace("list: weekly\n", ""),
    "a list that does not exist": GOOD.replace("list: weekly", "list: weakly"),
    "a segment, which does not exist yet": GOOD.replace("list: weekly", "list: weekly\nsegment: buyers"),
    "a merge field that does not exist": GOOD.replace("first_name", "fist_name"),
    "an open merge tag": GOOD + "\n{{ subscriber.first_name\n",
    "a template error": GOOD + "\n{% if subscriber.country %}open\n",
    "no text": "---\nsubject: Ten red LEDs\nlist: weekly\n---\n\n",
    "an insecure link": GOOD + "\n[shop](http://shop.example/)\n",
    "a shortened link": GOOD + "\n[shop](https://bit.ly/3abcdef)\n",
    "a link that runs code": GOOD + '\n<a href="javascript:alert(1)">shop</a>\n',
    "an image of somebody else": GOOD + "\n![x](https://tracker.example/p.gif)\n",
    "a script": GOOD + "\n<script>alert(1)</script>\n",
    "a form": GOOD + '\n<form action="https://shop.example/"><input name="q"></form>\n',
    "HTML over the limit": GOOD + "A sentence that is long enough to count. " * 3_000,
    "a loop without end": GOOD + "\n{% for a in range(10000000) %}x{% endfor %}\n",
    "an expression that fails": GOOD + "\n{{ 1 // (subscriber.first_name | length) }}\n",
}


@pytest.mark.parametrize("cause", CAUSES)
def test_it_is_named_and_nothing_leaves(sqlite_campaigns, write_campaign, cause):
    campaigns, crowd, store = sqlite_campaigns
    crowd.join(2)
    write_campaign("week-48", CAUSES[cause])

    report = campaigns.check("week-48")
    assert report.errors, f"the check found nothing wrong with {cause}"
    for found in report.errors:
        assert found.message
        assert found.rule
        assert found.path.startswith("campaigns/week-48/")

    with pytest.raises(CampaignRefused):
        campaigns.schedule("week-48", "now", expect=2)
    assert campaigns.start_due(clock.now()) == []
    with store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(Campaign)) == 0
        assert connection.scalar(select(func.count()).select_from(Delivery)) == 0

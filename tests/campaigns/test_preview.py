"""A preview is one reader's copy: nothing is sent, its links act on nothing, looking is on record."""

from __future__ import annotations

import re
from email import message_from_bytes, policy

import pytest
from sqlalchemy import select

from mailer.addresses import parse_address
from mailer.campaigns.preview import NoSuchSubscriber, write_preview
from mailer.campaigns.source import SourceInvalid
from mailer.keyring import address_hash
from mailer.rendering import RenderError
from mailer.store.schema import Delivery, LedgerEntry
from mailer.tokens import Purpose, Tokens, read_link
from tests.campaigns.conftest import GOOD

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def test_a_preview_shows_all_three_forms_to_a_sample_reader(campaigns, write_campaign):
    write_campaign()
    shown = campaigns.preview("week-48")
    assert shown.subject == "Ten red LEDs for you"
    assert shown.reader == "the sample reader"
    assert "Hello Ada" in shown.html
    assert "Hello Ada" in shown.text
    message = message_from_bytes(shown.raw, policy=policy.default)
    assert message["To"] == "ada.lovelace@example.org"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert not message.defects


def test_a_preview_for_a_subscriber_has_their_values_and_is_on_record(
    campaigns, crowd, write_campaign, store, secrets
):
    crowd.join(1, first_name="Grace")
    write_campaign()
    shown = campaigns.preview("week-48", "READER0@inbox0.example")
    assert "Hello Grace" in shown.text
    assert shown.reader.startswith("subscription ")
    with store.read() as connection:
        ((event, subject),) = connection.execute(select(LedgerEntry.event, LedgerEntry.subject)).all()
    assert event == "preview"
    assert subject == address_hash(secrets, parse_address("reader0@inbox0.example"))


@pytest.mark.rule("A90")
def test_the_links_of_a_preview_act_on_nothing_real(campaigns, crowd, write_campaign, secrets):
    crowd.join(1)
    write_campaign()
    shown = campaigns.preview("week-48", "reader0@inbox0.example")
    tokens = Tokens(secrets, confirm_seconds=60)
    found = set(re.findall(r"/u/(u[\w.-]+\w)", shown.text))
    assert found
    assert all(read_link(tokens, Purpose.UNSUBSCRIBE, token).is_proof for token in found)


def test_a_preview_queues_nothing(campaigns, crowd, write_campaign, store):
    crowd.join(1)
    write_campaign()
    campaigns.preview("week-48")
    with store.read() as connection:
        assert connection.execute(select(Delivery.id)).all() == []


def test_somebody_who_is_not_on_the_list_cannot_be_shown(campaigns, crowd, write_campaign):
    crowd.join(1, list_name="clearance")
    write_campaign()
    with pytest.raises(NoSuchSubscriber) as refused:
        campaigns.preview("week-48", "reader0@inbox0.example")
    assert "@" not in str(refused.value)


def test_a_broken_campaign_cannot_be_shown_and_says_where(campaigns, write_campaign):
    write_campaign("week-48", GOOD.replace("first_name", "fist_name"))
    with pytest.raises(RenderError, match="campaigns/week-48/campaign.md:9"):
        campaigns.preview("week-48")
    with pytest.raises(SourceInvalid):
        campaigns.preview("nothing")


def test_a_written_preview_can_be_looked_at_without_the_site(campaigns, write_campaign, tmp_path):
    write_campaign("week-48", GOOD + "\n![Red LEDs](images/leds.png)\n", **{"images/leds.png": PNG})
    shown = campaigns.preview("week-48")
    written = write_preview(shown, tmp_path / "out")

    assert [path.name for path in written] == ["preview.html", "preview.txt", "message.eml"]
    page = (tmp_path / "out" / "preview.html").read_text(encoding="utf-8")
    (source,) = re.findall(r'src="(media/\w+)"', page)
    assert (tmp_path / "out" / source).read_bytes() == PNG
    # The message itself keeps the address at which the site will serve it.
    assert b"http://127.0.0.1:8025/media/" in shown.raw.replace(b"=\r\n", b"")

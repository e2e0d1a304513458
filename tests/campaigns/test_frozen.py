"""Law 9: what was approved is what is sent, whatever happens to files, templates and settings afterwards."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailer.addresses import parse_address
from mailer.campaigns.recipients import Linker, Person, sample_person
from mailer.rendering.from_settings import field_specs
from mailer.rendering.wire.expressions import OWN_LINKS
from mailer.tokens import PROOF_TAG, Purpose, Tokens, read_link
from tests.campaigns.conftest import GOOD, service_of

AT = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)


@pytest.fixture
def linker(secrets):
    return Linker(Tokens(secrets, confirm_seconds=60), "https://news.shop.example", "shop.example")


def person(name: str) -> Person:
    return Person("x", parse_address("grace@example.net"), "en", {"first_name": name}, tag=bytes(range(16)))


def wire(campaigns, artefact_hash, linker, name="Grace") -> bytes:
    compiled = campaigns.compiled(artefact_hash)
    values = linker.values(person(name), links=compiled.links, campaign_tag=b"campgn", message_id="42", at=AT)
    return compiled.fill(values).data


def test_edits_of_the_file_after_scheduling_change_no_byte(
    campaigns, crowd, write_campaign, linker, store, settings, secrets, site_folder, ledger
):
    crowd.join(1)
    folder = write_campaign()
    done = campaigns.schedule("week-48", "in 2 hours", expect=1)
    before = wire(campaigns, done.artefact_hash, linker)

    (folder / "campaign.md").write_text(GOOD.replace("Ten red", "Twelve blue"), encoding="utf-8")
    layout = site_folder.templates / "email" / "default.mjml"
    layout.parent.mkdir(parents=True)
    layout.write_text("<mjml><mj-body>{{ content }}</mj-body></mjml>", encoding="utf-8")
    # Another process, another day, other settings: only the database and the keys are the same.
    site = settings.site.model_copy(update={"legal_name": "Somebody Else Ltd"})
    restarted = service_of(store, settings.model_copy(update={"site": site}), secrets, site_folder, ledger)

    assert wire(restarted, done.artefact_hash, linker) == before
    assert b"Ten red LEDs" in before


def test_a_folder_that_is_deleted_is_sent_all_the_same(campaigns, crowd, write_campaign, linker):
    crowd.join(1)
    folder = write_campaign()
    done = campaigns.schedule("week-48", "in 2 hours", expect=1)
    (folder / "campaign.md").unlink()
    folder.rmdir()
    assert b"Hello Grace" in wire(campaigns, done.artefact_hash, linker).replace(b"=\r\n", b"")


def test_the_same_person_gets_the_same_bytes_again(campaigns, crowd, write_campaign, linker):
    crowd.join(1)
    write_campaign()
    done = campaigns.schedule("week-48", "in 2 hours", expect=1)
    assert wire(campaigns, done.artefact_hash, linker) == wire(campaigns, done.artefact_hash, linker)
    assert wire(campaigns, done.artefact_hash, linker) != wire(campaigns, done.artefact_hash, linker, "Ada")


def test_a_link_that_the_message_does_not_use_is_not_signed(linker):
    values = linker.values(person("Grace"), links={"unsubscribe_url"}, campaign_tag=b"campgn", at=AT)
    assert values.unsubscribe_url
    assert values.view_url == ""


def test_links_name_the_subscription_and_the_campaign_and_nothing_else(linker, secrets):
    values = linker.values(person("Grace"), links=OWN_LINKS, campaign_tag=b"campgn", message_id="42", at=AT)
    tokens = Tokens(secrets, confirm_seconds=60)
    for url, purpose, path in (
        (values.unsubscribe_url, Purpose.UNSUBSCRIBE, "https://news.shop.example/u/"),
        (values.view_url, Purpose.VIEW, "https://news.shop.example/view/"),
    ):
        assert url.startswith(path)
        claim = read_link(tokens, purpose, url.removeprefix(path))
        assert (claim.subscription_tag, claim.campaign_tag) == (bytes(range(16)), b"campgn")
        assert "grace" not in url
    assert (values.message_id, values.date) == ("42@shop.example", AT)


@pytest.mark.rule("A90")
def test_somebody_made_up_has_the_tag_that_acts_on_nothing(settings):
    made_up = sample_person(field_specs(settings), "en")
    assert made_up.tag == PROOF_TAG
    assert made_up.fields == {"first_name": "Ada", "country": "United Kingdom"}

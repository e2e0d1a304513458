"""A proof is marked, goes only to named colleagues, and its links act on nothing real (A90)."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from mailer.addresses import AddressInvalid
from mailer.campaigns.proof import NotAColleague, ProofContext
from mailer.rendering import MessageClass, RenderError
from mailer.store.schema import Delivery, LedgerEntry, Medium
from mailer.store.vocabulary import SYSTEM_STREAM, DeliveryKind, DeliveryState
from tests.campaigns.conftest import GOOD, service_of

pytestmark = pytest.mark.rule("A90")
COLLEAGUES = ("mia@shop.example", "noor@shop.example")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture
def proving(store, settings, secrets, site_folder, ledger):
    """The service of a site that names two colleagues."""
    sending = settings.sending.model_copy(update={"proof_addresses": COLLEAGUES})
    settings = settings.model_copy(update={"sending": sending})
    return service_of(store, settings, secrets, site_folder, ledger)


def queued(store):
    with store.read() as connection:
        return connection.execute(select(Delivery.__table__).order_by(Delivery.id)).all()


def test_without_an_address_every_colleague_gets_a_proof_at_once(proving, write_campaign, store):
    write_campaign()
    sent = proving.proof("week-48")
    rows = queued(store)
    assert [str(address) for address in sent.addresses] == list(COLLEAGUES)
    assert tuple(row.id for row in rows) == sent.delivery_ids
    for row in rows:
        assert (row.stream, row.kind, row.state) == (SYSTEM_STREAM, DeliveryKind.PROOF, DeliveryState.QUEUED)
        assert (row.campaign_id, row.subscription_id, row.domain) == (None, None, "shop.example")
        assert row.next_attempt_at is not None


def test_a_proof_row_carries_all_that_its_message_is_made_from(proving, write_campaign, store):
    write_campaign()
    sent = proving.proof("week-48", ["Mia@Shop.example"])
    (row,) = queued(store)
    context = ProofContext.read(row.context)
    assert context.artefact_hash == sent.artefact_hash
    assert str(context.address) == "Mia@shop.example"
    assert context.fields == {"first_name": "Ada", "country": "United Kingdom"}
    assert ProofContext.read(json.loads(json.dumps(context.as_json()))) == context


def test_the_frozen_message_is_of_the_class_that_is_marked(proving, write_campaign):
    write_campaign()
    compiled = proving.compiled(proving.proof("week-48").artefact_hash)
    assert compiled.message_class is MessageClass.PROOF


def test_the_images_of_a_proof_are_served_too(proving, write_campaign, store):
    write_campaign("week-48", GOOD + "\n![Red](images/leds.png)\n", **{"images/leds.png": PNG})
    proving.proof("week-48")
    proving.proof("week-48")
    with store.read() as connection:
        assert connection.scalars(select(Medium.content)).all() == [PNG]


def test_nobody_else_gets_a_proof(proving, write_campaign, store):
    write_campaign()
    with pytest.raises(NotAColleague) as refused:
        proving.proof("week-48", ["mia@shop.example", "customer@example.net"])
    assert "c…@example.net may not get a proof" in str(refused.value)
    assert "customer@" not in str(refused.value)
    assert queued(store) == []


def test_a_site_that_names_nobody_says_how_to(campaigns, write_campaign):
    write_campaign()
    with pytest.raises(NotAColleague, match="proof_addresses ="):
        campaigns.proof("week-48", ["mia@shop.example"])


def test_something_that_is_no_address_is_refused(proving, write_campaign):
    write_campaign()
    with pytest.raises(AddressInvalid):
        proving.proof("week-48", ["mia"])


def test_a_campaign_that_cannot_be_compiled_has_no_proof(proving, write_campaign, store):
    write_campaign("week-48", GOOD.replace("first_name", "fist_name"))
    with pytest.raises(RenderError):
        proving.proof("week-48")
    assert queued(store) == []


def test_a_proof_is_on_record_without_an_address(proving, write_campaign, store):
    write_campaign()
    sent = proving.proof("week-48")
    with store.read() as connection:
        ((event, payload),) = connection.execute(select(LedgerEntry.event, LedgerEntry.payload)).all()
    assert event == "proof"
    assert json.loads(payload) == {"slug": "week-48", "artefact": sent.artefact_hash, "copies": 2}

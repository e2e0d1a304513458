"""The bytes of each message class, made on a real site: links, identity, the gate (law 4, A26, A56, A90)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest

from mailer.addresses import parse_address
from mailer.application import Site
from mailer.delivery.claim import Claim, Claims
from mailer.delivery.courier import BodyWithheld
from mailer.delivery.messages import ListGone, MessageTooLarge
from mailer.errors import MailerError
from mailer.rendering import NoWayOut
from mailer.return_path import decode_return_path
from mailer.store.schema import Artefact
from mailer.subscribers.evidence import Evidence
from mailer.tokens import PROOF_TAG, Purpose, Tokens, read_link
from tests.faults.running import RunningSite

EVIDENCE = Evidence(
    ip="192.0.2.7",
    user_agent="Mozilla/5.0",
    form_url="http://127.0.0.1:8025/subscribe/weekly",
    wording="Yes, send me the weekly.",
    policy_version="2026-11-01",
    language="en",
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site whose campaign to three people has started and is written out."""
    running = RunningSite(tmp_path, 2525, people=3).build()
    with running.open() as opened:
        from mailer import clock

        (campaign,) = opened.campaigns.start_due(clock.now())
        while opened.campaigns.materialise_slice(campaign):
            pass
        yield opened


def claims(site: Site) -> list[Claim]:
    """What a worker would send of the campaign."""
    return Claims(site.store, 1).take_campaigns(10)


def system_claim(site: Site) -> Claim:
    """The one piece of system mail that waits."""
    (claim,) = Claims(site.store, 1).take_system(10)
    return claim


def parse(data: bytes) -> EmailMessage:
    """As a strict reader takes it."""
    message = BytesParser(EmailMessage, policy=policy.default).parsebytes(data)
    assert not message.defects
    return message


def token_of(url: str) -> str:
    """The token at the end of one of our links."""
    return url.strip("<>").rsplit("/", 1)[1]


def test_a_campaign_mail_carries_the_recipients_own_links(site: Site) -> None:
    """Law 4, A5."""
    seen = set()
    for claim in claims(site):
        letter = site.messages.build(claim)
        message = parse(letter.data)
        link = read_link(site.tokens, Purpose.UNSUBSCRIBE, token_of(message["List-Unsubscribe"]))
        assert link.subscription_tag == claim.subscription_tag
        assert link.campaign_tag == claim.campaign_tag
        assert message["To"] == claim.email == str(letter.envelope.recipient)
        assert claim.fields["first_name"] in message["Subject"]
        seen.add(link.subscription_tag)
    assert len(seen) == 3


def test_a_second_copy_would_have_the_same_message_id(site: Site) -> None:
    """A26, A56: and no two deliveries share one; it says nothing of the person."""
    first, second, _ = claims(site)
    ids = [site.messages.build(claim).message_id for claim in (first, first, second)]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0].endswith("@bounce.shop.example")
    assert parse(site.messages.build(first).data)["Message-ID"] == f"<{ids[0]}>"


def test_the_same_values_give_the_same_bytes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 9: what left can be made again and compared by its digest."""
    from mailer import clock

    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    claim = claims(site)[0]
    assert site.messages.build(claim).digest == site.messages.build(claim).digest


def test_the_return_path_names_the_delivery(site: Site) -> None:
    """A49, A71."""
    for claim in claims(site):
        return_path = site.messages.build(claim).envelope.return_path
        assert decode_return_path(site.secrets, return_path) == claim.id


def test_a_confirmation_has_its_two_links_and_no_one_click_pair(site: Site) -> None:
    """C6: nobody is subscribed yet."""
    site.joining.request("weekly", parse_address("new@example.org"), fields={}, evidence=EVIDENCE)
    site.joining.process_requests()
    claim = system_claim(site)
    message = parse(site.messages.build(claim).data)
    assert message["List-Unsubscribe"] is None
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # the gate saw it
    assert "/confirm/" in text
    assert "/not-me/" in text
    assert message["To"] == "new@example.org"


def test_a_proof_is_marked_and_its_links_act_on_nothing(tmp_path: Path) -> None:
    """A90."""
    running = RunningSite(tmp_path, 2525, people=1, sending='proof_addresses = ["ops@shop.example"]').build()
    with running.open() as site:
        site.campaigns.proof("parts")
        message = parse(site.messages.build(system_claim(site)).data)
        link = read_link(site.tokens, Purpose.UNSUBSCRIBE, token_of(message["List-Unsubscribe"]))
        assert link.subscription_tag == PROOF_TAG
        assert message["To"] == "ops@shop.example"
        assert "Resistors are back" in message["Subject"]
        assert not message["Subject"].startswith("Resistors")


def test_a_list_that_is_gone_from_the_settings_cannot_be_confirmed(site: Site) -> None:
    site.joining.request("weekly", parse_address("new@example.org"), fields={}, evidence=EVIDENCE)
    site.joining.process_requests()
    claim = system_claim(site)
    assert claim.confirmation is not None
    gone = claim._replace(confirmation=replace(claim.confirmation, list_name="gone"))
    with pytest.raises(ListGone, match="not in mailer.toml any more"):
        site.messages.build(gone)


def test_a_missing_artefact_holds_the_campaign_and_skips_nobody(site: Site) -> None:
    """Law 9: nothing but what was approved is ever sent."""
    claim = claims(site)[0]._replace(artefact_hash="0" * 64)
    with pytest.raises(BodyWithheld, match="not in the database"):
        site.messages.build(claim)


def test_an_altered_artefact_is_not_sent(site: Site) -> None:
    """Law 9."""
    claim = claims(site)[0]
    with site.store.write() as connection:
        connection.execute(
            Artefact.__table__.update().values(content=Artefact.__table__.c.content + b" ")  # type: ignore[attr-defined]  # a Table at run time
        )
    with pytest.raises(BodyWithheld):
        site.messages.build(claim)


def test_a_message_over_the_limit_is_refused(site: Site) -> None:
    claim = claims(site)[0]
    sending = site.settings.sending.model_copy(update={"max_message_kb": 1})
    site.settings = site.settings.model_copy(update={"sending": sending})
    with pytest.raises(MessageTooLarge):
        site.messages.build(claim)


def test_the_gate_has_the_last_word(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 4: whatever the compiler did, a message without a way out does not leave."""
    from mailer.rendering import CompiledMessage

    original = CompiledMessage.fill

    def without_header(self: CompiledMessage, values: object) -> object:
        filled = original(self, values)  # type: ignore[arg-type]  # passed on as it came
        pieces = [piece.replace("List-Unsubscribe-Post", "X-Was-Here") for piece in filled.pieces]
        return filled._replace(pieces=pieces)

    monkeypatch.setattr(CompiledMessage, "fill", without_header)
    with pytest.raises(NoWayOut):
        site.messages.build(claims(site)[0])


def test_preparing_never_fails_for_one_bad_claim(site: Site) -> None:
    good, bad, _ = claims(site)
    site.messages.prepare([bad._replace(email="not an address"), good])
    with pytest.raises(MailerError):
        site.messages.build(bad._replace(email="not an address"))


def test_what_was_prepared_is_not_read_in_full_while_others_wait(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The full reading takes milliseconds, and `build` is called on the event loop."""
    first, *others = claims(site)
    site.messages.prepare([first])

    def read_in_full(*_: object) -> None:
        raise AssertionError("read in full")

    monkeypatch.setattr(BytesParser, "parsebytes", read_in_full)
    for claim in (first, *others):
        assert site.messages.build(claim).data


def test_a_link_the_message_does_not_use_is_not_signed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    signed: list[Purpose] = []
    sign = Tokens.sign

    def noted(self: Tokens, purpose: Purpose, payload: bytes) -> str:
        signed.append(purpose)
        return sign(self, purpose, payload)

    monkeypatch.setattr(Tokens, "sign", noted)
    claim = claims(site)[0]
    used = site.campaigns.compiled(claim.artefact_hash).links
    site.messages.build(claim)
    assert signed.count(Purpose.UNSUBSCRIBE) == 1
    assert signed.count(Purpose.VIEW) == ("view_url" in used)

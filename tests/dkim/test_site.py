"""A site that signs: campaigns, proofs and confirmations, each with the keys that the settings name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailer import clock
from mailer.addresses import parse_address
from mailer.application import Site
from mailer.delivery.claim import Claim, Claims
from mailer.dkim import DkimKeyInvalid, KeyKind, create_key, load_keys
from mailer.settings import SettingsInvalid, load_settings
from mailer.settings.dkim import DkimSettings, is_aligned
from mailer.site import SiteFolder
from tests.delivery.test_messages import EVIDENCE
from tests.dkim.signing import tags, verdicts, zone
from tests.faults.running import RunningSite


@contextmanager
def site(root: Path, dkim: str, **keys: KeyKind) -> Iterator[Site]:
    """A site with these keys, this [dkim], and a campaign to three people that has started."""
    root.mkdir(exist_ok=True)
    running = RunningSite(root, 2525, people=3).build()
    folder = SiteFolder(root)
    for selector, kind in keys.items():
        create_key(folder.dkim_keys, selector, kind=kind)
    text = folder.settings_path.read_text().replace(
        "[sending]\n", '[sending]\nproof_addresses = ["staff@shop.example"]\n'
    )
    folder.settings_path.write_text(f"{text}\n[dkim]\n{dkim}\n")
    with running.open() as opened:
        for campaign in opened.campaigns.start_due(clock.now()):
            while opened.campaigns.materialise_slice(campaign):
                pass
        yield opened


def system_claims(opened: Site) -> list[Claim]:
    """What waits in the stream that goes first."""
    return Claims(opened.store, 1).take_system(10)


def judged(opened: Site, data: bytes) -> list[bool]:
    """What dkimpy says, with the records of this site published."""
    keys = load_keys(opened.settings.dkim, opened.folder.dkim_keys)
    return verdicts(data, zone(*keys.signing))


@pytest.mark.rule("A45", "A15", "A44")
def test_every_copy_of_a_campaign_is_signed_over_the_bytes_that_leave(tmp_path: Path) -> None:
    with site(tmp_path, 'selector = "one"', one=KeyKind.RSA) as opened:
        for claim in Claims(opened.store, 1).take_campaigns(10):
            letter = opened.messages.build(claim)
            assert judged(opened, letter.data) == [True]
            assert tags(letter.data)["d"] == "shop.example"
            assert int(tags(letter.data)["t"]) == letter.date.timestamp()


@pytest.mark.rule("A38")
def test_a_second_kind_of_key_signs_beside_the_first(tmp_path: Path) -> None:
    settings = 'selector = "one"\ned25519_selector = "two"'
    with site(tmp_path, settings, one=KeyKind.RSA, two=KeyKind.ED25519) as opened:
        (claim, *_) = Claims(opened.store, 1).take_campaigns(10)
        assert judged(opened, opened.messages.build(claim).data) == [True, True]


@pytest.mark.rule("B16")
def test_confirmations_are_signed_and_may_have_a_key_of_their_own(tmp_path: Path) -> None:
    settings = 'selector = "one"\nsystem_selector = "two"'
    with site(tmp_path, settings, one=KeyKind.RSA, two=KeyKind.RSA) as opened:
        opened.joining.request("weekly", parse_address("new@example.org"), fields={}, evidence=EVIDENCE)
        opened.joining.process_requests()
        (claim,) = system_claims(opened)
        data = opened.messages.build(claim).data
        assert (judged(opened, data), tags(data)["s"]) == ([True], "two")
        (campaign, *_) = Claims(opened.store, 1).take_campaigns(10)
        assert tags(opened.messages.build(campaign).data)["s"] == "one"


@pytest.mark.rule("A14")
def test_a_proof_is_signed_as_the_campaign_will_be(tmp_path: Path) -> None:
    with site(tmp_path, 'selector = "one"', one=KeyKind.RSA) as opened:
        (slug,) = [path.name for path in opened.folder.campaigns.iterdir()]
        opened.campaigns.proof(slug)
        (claim,) = system_claims(opened)
        data = opened.messages.build(claim).data
        assert b"[Proof]" in data
        assert (judged(opened, data), tags(data)["s"]) == ([True], "one")


def test_the_same_second_gives_the_same_signed_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 9: a message that left can be made again, signature and all."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    settings = 'selector = "one"\ned25519_selector = "two"'
    with site(tmp_path, settings, one=KeyKind.RSA, two=KeyKind.ED25519) as opened:
        (claim, *_) = Claims(opened.store, 1).take_campaigns(10)
        assert opened.messages.build(claim).digest == opened.messages.build(claim).digest


def test_without_a_selector_nothing_is_signed(tmp_path: Path) -> None:
    with site(tmp_path, "", idle=KeyKind.RSA) as opened:
        (claim, *_) = Claims(opened.store, 1).take_campaigns(10)
        assert b"DKIM-Signature" not in opened.messages.build(claim).data


@pytest.mark.rule("A47")
def test_mail_signed_before_and_after_a_rotation_verifies_while_both_keys_are_published(
    tmp_path: Path,
) -> None:
    signed = []
    with site(tmp_path, 'selector = "old"', old=KeyKind.RSA) as opened:
        (claim, *_) = Claims(opened.store, 1).take_campaigns(10)
        signed.append(opened.messages.build(claim).data)
        create_key(opened.folder.dkim_keys, "new")
        settings = opened.folder.settings_path
        settings.write_text(settings.read_text().replace('"old"', '"new"'))
    with RunningSite(tmp_path, 2525).open() as opened:
        signed.append(opened.messages.build(claim).data)
        keys = load_keys(opened.settings.dkim, opened.folder.dkim_keys)
    assert [tags(data)["s"] for data in signed] == ["old", "new"]
    assert [key.selector for key in (*keys.signing, *keys.idle)] == ["new", "old"]
    published = zone(*keys.signing, *keys.idle)
    assert [verdicts(data, published) for data in signed] == [[True], [True]]


@pytest.mark.rule("A37")
@pytest.mark.parametrize("selector", ["gone", "wrong"])
def test_a_key_that_should_sign_and_cannot_stops_the_start_with_a_sentence(
    tmp_path: Path, selector: str
) -> None:
    with (
        site(tmp_path, f'selector = "{selector}"', wrong=KeyKind.ED25519) as opened,
        pytest.raises(DkimKeyInvalid, match="is missing|is no rsa key"),
    ):
        _ = opened.messages


@pytest.mark.rule("A39")
@pytest.mark.parametrize(
    ("from_domain", "signing", "aligned"),
    [
        ("shop.example", "shop.example", True),
        ("news.shop.example", "shop.example", True),
        ("shop.example", "news.shop.example", False),
        ("myshop.example", "shop.example", False),
        ("shop.example", "other.example", False),
    ],
)
def test_a_domain_signs_for_itself_and_for_those_below(
    from_domain: str, signing: str, *, aligned: bool
) -> None:
    assert is_aligned(from_domain, signing) is aligned


@pytest.mark.rule("A39")
def test_a_domain_that_does_not_fit_a_list_is_refused_with_the_settings(site_folder: SiteFolder) -> None:
    """Before anything: no check passes, nothing is scheduled, nothing starts."""
    text = site_folder.settings_path.read_text()
    site_folder.settings_path.write_text(f'{text}\n[dkim]\nselector = "one"\ndomain = "other.example"\n')
    with pytest.raises(
        SettingsInvalid, match="weekly is from shop.example, which .dkim. domain other.example"
    ):
        load_settings(site_folder.settings_path, {})


@pytest.mark.rule("A39")
def test_a_list_with_an_international_domain_is_signed_for_by_its_a_labels(site_folder: SiteFolder) -> None:
    text = site_folder.settings_path.read_text().replace("news@shop.example", "news@lädchen.example")
    site_folder.settings_path.write_text(text)
    settings = load_settings(site_folder.settings_path, {})
    (domain,) = {entry.from_mailbox.address.domain for entry in settings.lists.values()}
    assert settings.dkim.signing_domain(domain) == "xn--ldchen-bua.example"


@pytest.mark.parametrize("selector", ["a.b", "", "ä", "-a"])
def test_a_selector_in_the_settings_is_one_label(site_folder: SiteFolder, selector: str) -> None:
    with pytest.raises(ValueError, match="selector"):
        DkimSettings.model_validate({"selector": selector})


@pytest.mark.parametrize("lines", ['ed25519_selector = "e1"', 'system_selector = "sys"'])
def test_further_keys_without_the_first_are_refused(site_folder: SiteFolder, lines: str) -> None:
    """Else a site would believe that it signs, and would not."""
    with site_folder.settings_path.open("a") as file:
        file.write(f"\n[dkim]\n{lines}\n")
    with pytest.raises(SettingsInvalid, match="names further keys, but no selector"):
        load_settings(site_folder.settings_path, {})


@pytest.mark.rule("A47")
def test_a_broken_key_that_signs_nothing_hides_no_other(tmp_path: Path) -> None:
    """A retired one with a loose mode, say."""
    signs = create_key(tmp_path / "dkim", "new")
    create_key(tmp_path / "dkim", "old").path.chmod(0o644)
    keys = load_keys(DkimSettings(selector="new"), tmp_path / "dkim")
    assert [key.selector for key in keys.signing] == [signs.selector]
    assert keys.idle == ()
    assert len(keys.broken) == 1
    assert "old.pem" in keys.broken[0]

"""What stands in DNS decides whether a campaign may be scheduled: wrong, empty and missing records stop it (A46)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import dns.resolver
import pytest

from mailer.application import Site
from mailer.campaigns.findings import CampaignRefused
from mailer.dkim import create_key, record_text
from mailer.dkim.published import AskTxt, PublishedKeys, ask_txt
from mailer.settings.dkim import DkimSettings
from mailer.site import SiteFolder
from tests.doctor.name_server import serving
from tests.faults.running import RunningSite

SIGNS = DkimSettings(selector="s1")
NAME = "s1._domainkey.shop.de"


def answering(records: Mapping[str, Sequence[str] | None]) -> AskTxt:
    """DNS as this test wants it."""
    return lambda name: records.get(name, ())


def troubles(
    folder: Path, records: Mapping[str, Sequence[str] | None], *, settings: DkimSettings = SIGNS
) -> list[str]:
    """What is wrong for mail from shop.de."""
    keys = PublishedKeys(settings, lambda: folder, ask=answering(records))
    return [reason for reason, _ in keys.troubles("shop.de")]


@pytest.mark.rule("A46")
def test_a_published_key_is_no_trouble(tmp_path: Path) -> None:
    assert troubles(tmp_path, {NAME: [record_text(create_key(tmp_path, "s1"))]}) == []


@pytest.mark.rule("A46")
@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ((), "There is no record"),
        (["v=DKIM1; p="], "revoked"),
        (["v=DKIM1; p=YQ=="], "another key"),
        (["v=spf1 -all"], "not one of DKIM"),
    ],
)
def test_a_record_that_breaks_signatures_is_trouble(tmp_path: Path, texts: Sequence[str], words: str) -> None:
    create_key(tmp_path, "s1")
    (trouble,) = troubles(tmp_path, {NAME: texts})
    assert trouble.startswith(f"{NAME}: ")
    assert words in trouble


@pytest.mark.rule("A46")
def test_test_mode_is_trouble(tmp_path: Path) -> None:
    text = record_text(create_key(tmp_path, "s1"))
    (trouble,) = troubles(tmp_path, {NAME: [text.replace("v=DKIM1;", "v=DKIM1; t=y;")]})
    assert "test mode" in trouble


def test_what_dns_does_not_tell_stops_nothing(tmp_path: Path) -> None:
    create_key(tmp_path, "s1")
    assert troubles(tmp_path, {NAME: None}) == []


def test_every_key_that_signs_is_looked_at_and_no_other(tmp_path: Path) -> None:
    for name in ("s1", "sys", "later"):
        create_key(tmp_path, name)
    found = troubles(tmp_path, {}, settings=DkimSettings(selector="s1", system_selector="sys"))
    assert [trouble.split(".")[0] for trouble in found] == ["s1", "sys"]


def test_a_key_that_cannot_be_used_is_said_without_asking(tmp_path: Path) -> None:
    (trouble,) = troubles(tmp_path, {})
    assert "s1.pem is missing" in trouble


def test_where_nothing_is_signed_nobody_is_asked(tmp_path: Path) -> None:
    assert troubles(tmp_path, {}, settings=DkimSettings()) == []


def test_names_that_no_dns_knows_are_not_asked_about(tmp_path: Path) -> None:
    create_key(tmp_path, "s1")
    keys = PublishedKeys(SIGNS, lambda: tmp_path, ask=answering({}))
    assert list(keys.troubles("shop.example")) == []


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine asks a name server of the test."""
    zone = {
        (NAME, "TXT"): ["v=DKIM1; p=YQ=="],
        ("big.shop.de", "TXT"): ["x" * 200] * 30,
        ("other.shop.de", "A"): ["192.0.2.1"],
    }
    with serving(zone) as names:
        names.silent.add("silent.shop.de")
        names.failing.add("failing.shop.de")
        names.raw["raw.shop.de"] = b"v=DKIM1\xff\x1b[2J"
        own = dns.resolver.Resolver(configure=False)
        own.nameservers, own.port = ["127.0.0.1"], names.port
        monkeypatch.setattr(dns.resolver, "default_resolver", own)
        monkeypatch.setattr("mailer.dkim.published.QUESTION_SECONDS", 0.6)
        yield


@pytest.mark.rule("D36")
@pytest.mark.usefixtures("resolver")
def test_dns_is_asked_with_bounds_and_believed_in_nothing() -> None:
    assert ask_txt(NAME) == ["v=DKIM1; p=YQ=="]
    assert ask_txt("nobody.shop.de") == ()
    assert ask_txt("other.shop.de") == ()
    assert ask_txt("failing.shop.de") is None
    assert ask_txt("silent.shop.de") is None
    assert ask_txt("raw.shop.de") == ["v=DKIM1\\xff\x1b[2J"]
    assert ask_txt(f"{'a' * 64}.shop.de") is None


@pytest.mark.rule("A46")
def test_a_campaign_whose_key_is_not_published_cannot_be_scheduled(tmp_path: Path) -> None:
    RunningSite(tmp_path, 2525, people=1).build()
    folder = SiteFolder(tmp_path)
    text = folder.settings_path.read_text().replace("@shop.example", "@shop.de")
    folder.settings_path.write_text(f'{text}\n[dkim]\nselector = "s1"\n')
    with RunningSite(tmp_path, 2525).open() as site:
        (slug,) = [path.name for path in folder.campaigns.iterdir()]
        with pytest.raises(CampaignRefused):
            scheduled(site, slug)
        assert any("s1.pem is missing" in found.message for found in site.campaigns.check(slug).errors)


def scheduled(site: Site, slug: str) -> None:
    """Put it on the schedule again."""
    site.campaigns.schedule(slug, "now", expect=None)

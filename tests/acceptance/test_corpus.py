"""Real newsletters from the folder to the wire: checked, frozen, filled, past the gate, read back strictly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailer.campaigns.service import Campaigns
from mailer.settings import load_settings
from mailer.site import SiteFolder
from mailer.store import Store
from tests.campaigns.conftest import crowd_of, service_of
from tests.newsletters import at_home, newsletters, put
from tests.rendering.scan.scanner import scan

_TEMPLATES = newsletters()


def test_the_newsletters_are_there() -> None:
    if not _TEMPLATES:
        pytest.skip("MISSING: no MJML newsletters; set MAILER_MJML_CORPUS to a folder of real ones.")
    assert len(_TEMPLATES) >= 10


@pytest.fixture
def campaigns(site_folder: SiteFolder, sqlite_store: Store, secrets, ledger) -> Campaigns:
    """A site that declares every host of the corpus and its merge fields, and one reader."""
    text = site_folder.settings_path.read_text(encoding="utf-8")
    site_folder.settings_path.write_text(at_home(text, _TEMPLATES), encoding="utf-8")
    settings = load_settings(
        site_folder.settings_path, {"MAILER_SITE__BASE_URL": "https://news.shop.example"}
    )
    crowd_of(sqlite_store, settings, secrets).join(1, first_name="Grace")
    return service_of(sqlite_store, settings, secrets, site_folder, ledger)


@pytest.mark.rule("F3", "E4", "B7", "A25", "A28", "A31", "A33")
@pytest.mark.parametrize("path", _TEMPLATES, ids=[path.stem for path in _TEMPLATES])
def test_a_real_newsletter_goes_from_its_folder_to_the_wire(
    campaigns: Campaigns, site_folder: SiteFolder, path: Path
) -> None:
    name = put(path, site_folder.campaigns)
    report = campaigns.check(name)
    assert not [found for found in report.findings if found.rule in ("gate", "unrenderable")]
    shown = campaigns.preview(name, "reader0@inbox0.example")
    message = scan(shown.raw)
    (link,) = re.findall(r"<(https\S+/u/\S+)>", message["List-Unsubscribe"])
    assert link in message.text.split("\n")
    assert f'href="{link}"' in message.html
    assert "Lötstraße 12" in message.text
    assert "Lötstraße 12" in message.html

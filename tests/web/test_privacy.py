"""The privacy policy: versioned, dated, with its changes; a consent finds its text again (F5)."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from mailer.bundled import bundled
from mailer.site import SiteFolder
from mailer.store import Store
from mailer.subscribers.policies import Policies, PolicyInvalid, PolicyMissing
from tests.web.conftest import Desk, make_site

FIRST = (
    "---\ntitle: Our privacy policy\nchanges:\n  - First version.\n---\n\nWe keep addresses of {site_name}.\n"
)
SECOND = "---\ntitle: Our privacy policy\nchanges:\n  - We moved.\n---\n\nWe keep addresses in Berlin.\n"


@pytest.fixture
def folder(web_folder: SiteFolder) -> Path:
    """A folder of the site's own policies, with the first in it."""
    web_folder.policies.mkdir(parents=True)
    (web_folder.policies / "2026-11-01.en.md").write_text(FIRST, encoding="utf-8")
    return web_folder.policies


@pytest.mark.rule("F5")
@pytest.mark.parametrize(
    ("language", "promise"), [("en", "never sold, rented"), ("de", "niemals verkauft, vermietet")]
)
def test_the_policy_that_ships_makes_the_promises_in_both_languages(
    desk: Desk, language: str, promise: str
) -> None:
    html = desk.client.get(f"/privacy?lang={language}").text
    assert promise in html
    assert "Ohm &amp; Volt Electronics GmbH, Lötstraße 12, 10115 Berlin, Germany" in html
    assert "privacy@shop.example" in html
    assert "{" not in html.split("<main")[1].split("</main")[0]


@pytest.mark.rule("F5")
def test_a_new_version_leaves_the_old_one_where_it_was(folder: Path, desk: Desk) -> None:
    old = desk.client.get("/privacy/2026-11-01").text
    (folder / "2026-11-24.en.md").write_text(SECOND, encoding="utf-8")
    desk.clock.shift(timedelta(days=2))
    assert "We keep addresses in Berlin." in desk.client.get("/privacy").text
    assert "We moved." in desk.client.get("/privacy").text
    kept = desk.client.get("/privacy/2026-11-01").text
    assert "We keep addresses of Ohm &amp; Volt." in kept
    assert "earlier version" in kept
    assert "earlier version" not in old


@pytest.mark.rule("F5")
def test_a_version_dated_ahead_waits_for_its_day(folder: Path, desk: Desk) -> None:
    (folder / "2026-12-24.en.md").write_text(SECOND, encoding="utf-8")
    desk.clock.shift(timedelta(days=1))
    assert "Berlin" not in desk.client.get("/privacy").text.split("<main")[1].split("<footer")[0]
    assert desk.client.get("/privacy/2026-12-24").status_code == 404


@pytest.mark.rule("F5")
def test_an_old_consent_still_finds_the_text_it_saw(folder: Path, desk: Desk) -> None:
    desk.subscribe()
    label = desk.requests()[0].evidence["policy_version"]
    (folder / "2026-11-24.en.md").write_text(SECOND, encoding="utf-8")
    desk.clock.shift(timedelta(days=2))
    version, _, language = label.partition(".")
    desk.client.get("/privacy")
    text = desk.site.policies.find(version, language)
    assert text is not None
    assert text.sha256 == hashlib.sha256(FIRST.replace("{site_name}", "Ohm & Volt").encode()).hexdigest()
    assert text.sha256 in desk.client.get(f"/privacy/{version}").text


@pytest.mark.rule("F5")
def test_after_the_first_sign_up_a_published_text_never_changes(
    folder: Path, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.subscribe()
    (folder / "2026-11-01.en.md").write_text(FIRST.replace("We keep", "We sell"), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        desk.site.policies.publish()
    assert "We sell" not in desk.client.get("/privacy").text
    assert "Save the change as a new file" in caplog.text


def test_before_the_first_sign_up_a_text_may_be_corrected(folder: Path, desk: Desk) -> None:
    (folder / "2026-11-01.en.md").write_text(FIRST.replace("We keep", "We hold"), encoding="utf-8")
    desk.site.policies.publish()
    assert "We hold" in desk.client.get("/privacy").text


@pytest.mark.rule("D27")
def test_each_publication_is_on_record_once(folder: Path, desk: Desk) -> None:
    desk.site.policies.publish()
    desk.site.policies.publish()
    [event] = desk.events("policy_published")
    assert json.loads(event.payload)["version"] == "2026-11-01"


def test_a_language_without_a_text_shows_the_one_there_is(folder: Path, desk: Desk) -> None:
    html = desk.client.get("/privacy?lang=de").text
    assert '<article class="policy" lang="en">' in html
    assert "Gültig seit 1. November 2026" in html


def test_raw_html_in_a_policy_is_shown_as_text(folder: Path, desk: Desk) -> None:
    (folder / "2026-11-01.en.md").write_text(FIRST + "<script>alert(1)</script>", encoding="utf-8")
    desk.site.policies.publish()
    assert "<script" not in desk.client.get("/privacy").text


def test_an_unknown_version_is_a_404(desk: Desk) -> None:
    assert desk.client.get("/privacy/2001-01-01").status_code == 404


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("privacy.md", FIRST),
        ("2026-11-1.en.md", FIRST),
        ("2026-11-31.en.md", FIRST),
        ("2026-11-02.en.md", "no front matter"),
        ("2026-11-02.en.md", "---\ntitle: x\n---\n"),
        ("2026-11-02.en.md", "---\n[\n---\n"),
        ("2026-11-02.en.md", "---\ntitle: x\nchanges: words\n---\n"),
    ],
)
def test_a_file_that_is_no_policy_stops_the_start_and_is_named(
    folder: Path, site_store: Policies, name: str, text: str
) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(PolicyInvalid, match=name.replace(".", r"\.")):
        site_store.publish()


def test_a_broken_file_dropped_in_later_does_not_take_the_pages_down(folder: Path, desk: Desk) -> None:
    (folder / "broken.md").write_text("x", encoding="utf-8")
    desk.clock.shift(timedelta(days=1))
    assert desk.client.get("/privacy").status_code == 200


def test_a_site_without_any_policy_does_not_start(folder: Path, site_store: Policies) -> None:
    (folder / "2026-11-01.en.md").unlink()
    with pytest.raises(PolicyMissing):
        site_store.publish()


@pytest.fixture
def site_store(folder: Path, web_folder: SiteFolder, store: Store) -> Policies:
    """The policies of that folder, on both databases."""
    return make_site(web_folder, store).policies


@pytest.mark.rule("F5")
def test_publishing_works_on_both_databases(site_store: Policies) -> None:
    site_store.publish()
    assert site_store.current("en").label == "2026-11-01.en"
    assert [text.version for text in site_store.history("de")] == ["2026-11-01"]


@pytest.mark.parametrize(
    ("language", "said", "wrong"),
    [
        ("en", "once, until you ask for deletion", "subscribed, at most"),
        ("de", "bis Sie die Löschung verlangen", "höchstens, solange"),
    ],
)
def test_the_shipped_policy_promises_no_deletion_that_nobody_does(
    language: str, said: str, wrong: str
) -> None:
    """Deliveries stay after somebody left; only an erasure takes the person out of them."""
    (newest,) = sorted((bundled("templates") / "privacy").glob(f"*.{language}.md"))[-1:]
    text = " ".join(newest.read_text(encoding="utf-8").split())
    assert said in text and wrong not in text

"""A new site is whole or not there; what it says about itself is honest."""

from __future__ import annotations

import stat
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.bundled import bundled
from mailer.settings import SettingsInvalid, load_settings
from mailer.settings.samples import is_trial, sample_settings
from mailer.site import SiteFolder
from mailer.starter import (
    CATCHER_PORT,
    Answers,
    SecretsLost,
    SiteExists,
    SiteUnwritable,
    complete_site,
    create_site,
)


@pytest.fixture
def folder(tmp_path: Path) -> SiteFolder:
    """A folder that does not exist yet."""
    return SiteFolder(tmp_path / "shop")


def test_a_site_without_answers_is_a_trial(folder: SiteFolder) -> None:
    made = create_site(folder, Answers())
    assert made.is_trial
    assert "site.postal_address" in made.samples
    assert folder.settings_path in made.files and folder.secrets_path in made.files


def test_the_settings_come_last_so_that_half_a_site_is_none(folder: SiteFolder) -> None:
    """Whoever finds a mailer.toml finds everything else."""
    assert create_site(folder, Answers()).files[-1] == folder.settings_path


def test_a_trial_sends_to_a_catcher_and_to_no_real_relay(folder: SiteFolder) -> None:
    """Port 25 of this machine may be a real relay; where catchers listen it is none."""
    create_site(folder, Answers())
    assert load_settings(folder.settings_path, {}).relay.port == CATCHER_PORT != 25


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_example_is_in_the_language_of_the_site(folder: SiteFolder, language: str) -> None:
    create_site(folder, Answers(language=language))
    text = (folder.campaigns / "first-issue" / "campaign.md").read_text(encoding="utf-8")
    assert f"language: {language}" in text
    assert load_settings(folder.settings_path, {}).lists["news"].frequency


def test_both_examples_show_the_same_things() -> None:
    """A merge field, a conditional, a list: whoever reads German learns no less."""
    for language in ("en", "de"):
        text = (bundled("templates") / "starter" / language / "first-issue" / "campaign.md").read_text(
            "utf-8"
        )
        assert "| default(" in text and "{% if subscriber.first_name %}" in text and "\n- " in text


def test_samples_below_any_section_are_found() -> None:
    raw = {"site": {"postal_address": "1 Sample Street, 12345 Sampletown, Samplecountry"}, "web": {"port": 1}}
    raw["lists"] = {"a": {"from": "A <news@sample.example>", "list_id": "a.shop.example"}}
    assert list(sample_settings(raw)) == [("site", "postal_address"), ("lists", "a", "from")]


@pytest.mark.parametrize(
    ("base_url", "host", "trial"),
    [
        ("http://127.0.0.1:8025", "127.0.0.1", True),
        ("http://[::1]:8025", "localhost", True),
        ("https://news.shop.example", "127.0.0.1", False),
        ("http://127.0.0.1:8025", "smtp.shop.example", False),
        (None, "127.0.0.1", False),
        ("http://[broken", "127.0.0.1", False),
        ("http://127.0.0.1:8025", 25, False),
    ],
)
def test_a_trial_is_a_site_that_reaches_nobody(base_url: object, host: object, trial: bool) -> None:
    assert is_trial({"site": {"base_url": base_url}, "smtp": {"main": {"host": host}}}) is trial


def test_damaged_sections_are_no_trial() -> None:
    assert not is_trial({"site": 1, "smtp": 2})


def test_an_existing_campaign_is_not_written_over(folder: SiteFolder) -> None:
    own = folder.campaigns / "first-issue" / "campaign.md"
    own.parent.mkdir(parents=True)
    own.write_text("mine", encoding="utf-8")
    create_site(folder, Answers())
    assert own.read_text(encoding="utf-8") == "mine"


def test_a_bad_answer_writes_nothing(folder: SiteFolder) -> None:
    with pytest.raises(SettingsInvalid):
        create_site(folder, Answers(timezone="nowhere"))
    assert not folder.root.exists()


def test_a_folder_without_rights_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SiteUnwritable, match="Choose a folder you may write to"):
        create_site(SiteFolder(tmp_path / "file" / "shop"), Answers())


@pytest.mark.rule("D6")
def test_a_clone_gets_secrets_of_its_own_and_mode_0600(folder: SiteFolder) -> None:
    create_site(folder, Answers())
    before = folder.secrets_path.read_bytes()
    folder.secrets_path.unlink()
    assert complete_site(folder).files == (folder.secrets_path,)
    assert folder.secrets_path.read_bytes() != before
    assert stat.S_IMODE(folder.secrets_path.stat().st_mode) == 0o600


def test_a_whole_site_has_nothing_to_complete(folder: SiteFolder) -> None:
    create_site(folder, Answers())
    with pytest.raises(SiteExists):
        complete_site(folder)


def test_lost_secrets_are_not_replaced_where_people_are_known(folder: SiteFolder) -> None:
    create_site(folder, Answers())
    folder.secrets_path.unlink()
    (folder.data / "mailer.db").touch()
    with pytest.raises(SecretsLost, match="Restore it from a backup"):
        complete_site(folder)


def test_an_empty_data_folder_knows_nobody(folder: SiteFolder) -> None:
    create_site(folder, Answers())
    folder.secrets_path.unlink()
    assert folder.data.is_dir()
    assert folder.secrets_path in complete_site(folder).files


@settings(max_examples=30, deadline=None)  # each makes a site on the disk
@given(
    name=st.text(min_size=1, max_size=40), address=st.text(min_size=1, max_size=80), legal=st.text(min_size=1)
)
def test_whatever_is_answered_is_kept_exactly_or_refused(name: str, address: str, legal: str) -> None:
    """No name can add a line to the file or change another setting."""
    with TemporaryDirectory() as scratch:
        folder = SiteFolder(Path(scratch) / "shop")
        answers = Answers(name=name, postal_address=address, legal_name=legal, sender="news@shop.example")
        try:
            create_site(folder, answers)
        except SettingsInvalid:
            assert not folder.settings_path.exists()
            return
        site = load_settings(folder.settings_path, {}).site
        assert (site.name, site.postal_address, site.legal_name) == (
            name.strip(),
            address.strip(),
            legal.strip(),
        )
        assert site.privacy_contact == "privacy@sample.example"


def test_every_answer_can_be_given_on_the_command_line() -> None:
    from mailer.cli.init import init

    assert {field.name for field in fields(Answers)} <= {parameter.name for parameter in init.params}

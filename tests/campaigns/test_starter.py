"""A new campaign starts from a file that passes the check."""

from __future__ import annotations

import pytest

from mailer.campaigns.source import SourceInvalid, read_campaign
from mailer.campaigns.starter import CannotStart, write_starter


def test_the_starting_file_passes_the_check_without_a_warning(campaigns, settings, site_folder):
    path = write_starter(site_folder.campaigns, "week-48", settings)
    assert path == site_folder.campaigns / "week-48" / "campaign.md"
    assert campaigns.check("week-48").findings == ()


def test_the_list_can_be_chosen(settings, site_folder):
    write_starter(site_folder.campaigns, "week-48", settings, list_name="clearance")
    assert read_campaign(site_folder.campaigns, "week-48").list_name == "clearance"


def test_a_list_that_does_not_exist_is_refused_with_the_nearest(settings, site_folder):
    with pytest.raises(CannotStart, match="Did you mean weekly"):
        write_starter(site_folder.campaigns, "week-48", settings, list_name="weakly")
    assert not (site_folder.campaigns / "week-48").exists()


def test_a_site_without_a_first_name_greets_without_one(settings, site_folder, campaigns):
    bare = settings.model_copy(update={"fields": {}})
    path = write_starter(site_folder.campaigns, "week-48", bare)
    assert "\nHello,\n" in path.read_text(encoding="utf-8")


def test_what_exists_is_never_touched(settings, site_folder, write_campaign):
    folder = write_campaign()
    before = (folder / "campaign.md").read_bytes()
    with pytest.raises(CannotStart, match="exists already"):
        write_starter(site_folder.campaigns, "week-48", settings)
    assert (folder / "campaign.md").read_bytes() == before


def test_a_bad_name_writes_nothing_anywhere(settings, site_folder):
    with pytest.raises(SourceInvalid):
        write_starter(site_folder.campaigns, "../../etc", settings)


def test_a_folder_that_cannot_be_written_is_a_sentence(settings, site_folder):
    (site_folder.root / "file").write_text("x")
    with pytest.raises(CannotStart, match="cannot be written"):
        write_starter(site_folder.root / "file", "week-48", settings)


def test_a_name_that_cannot_be_is_answered_without_naming_a_folder_that_is_not_there(site_folder, settings):
    with pytest.raises(SourceInvalid) as refused:
        write_starter(site_folder.campaigns, "Week 48", settings)
    assert "Name it `2026-week-48`, for example." in str(refused.value)
    assert "Rename" not in str(refused.value)

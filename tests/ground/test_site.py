"""A site is found from anywhere inside it; its places are where people look for them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mailer.bundled import bundled
from mailer.site import SiteFolder, SiteNotFound, find_site


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that says it is a site."""
    (tmp_path / "mailer.toml").touch()
    return tmp_path


def test_a_site_is_found_from_a_folder_inside_it(root: Path) -> None:
    inside = root / "campaigns" / "week-47" / "images"
    inside.mkdir(parents=True)
    assert find_site(inside).root == root


def test_the_nearest_site_wins(root: Path) -> None:
    inner = root / "inner"
    inner.mkdir()
    (inner / "mailer.toml").touch()
    assert find_site(inner).root == inner


def test_no_site_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(SiteNotFound, match="mailer init"):
        find_site(tmp_path)


def test_a_folder_named_like_the_settings_is_no_site(tmp_path: Path) -> None:
    (tmp_path / "mailer.toml").mkdir()
    with pytest.raises(SiteNotFound):
        find_site(tmp_path)


def test_secrets_stand_in_the_folder_by_default(root: Path) -> None:
    assert SiteFolder(root).secrets_path == root / "secrets.toml"


@pytest.mark.rule("D6")
def test_the_environment_can_move_the_secrets(root: Path) -> None:
    assert SiteFolder(root, {"MAILER_SECRETS_FILE": "/run/keys"}).secrets_path == Path("/run/keys")
    assert SiteFolder(root, {"MAILER_SECRETS_FILE": "keys.toml"}).secrets_path == root / "keys.toml"


@pytest.mark.rule("D6")
def test_credentials_of_systemd_are_taken_when_they_hold_the_secrets(root: Path, tmp_path: Path) -> None:
    passed = tmp_path / "credentials"
    passed.mkdir()
    folder = SiteFolder(root, {"CREDENTIALS_DIRECTORY": str(passed)})
    assert folder.secrets_path == root / "secrets.toml"
    (passed / "secrets.toml").touch()
    assert folder.secrets_path == passed / "secrets.toml"


@pytest.mark.rule("D28")
def test_the_data_folder_is_made_closed_to_others(root: Path) -> None:
    assert stat.S_IMODE(SiteFolder(root).data.stat().st_mode) == 0o700


def test_own_templates_shadow_the_bundled_ones(root: Path) -> None:
    folder = SiteFolder(root)
    assert folder.template_folders == (bundled("templates"),)
    folder.templates.mkdir()
    assert folder.template_folders == (folder.templates, bundled("templates"))


def test_the_bundled_templates_are_there() -> None:
    assert (bundled("templates") / "web").is_dir()


def test_templates_that_are_the_bundled_ones_are_looked_through_once(root: Path) -> None:
    """A site whose templates folder is a link to them, as in this repository."""
    shipped = bundled("templates")
    (root / "templates").symlink_to(shipped)
    assert SiteFolder(root).template_folders == (shipped,)


def test_a_relative_start_is_found_from_where_one_stands(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = root / "campaigns"
    inside.mkdir()
    monkeypatch.chdir(inside)
    assert find_site(Path()).root == root


def test_making_the_data_folder_twice_leaves_its_mode_to_the_operator(root: Path) -> None:
    folder = SiteFolder(root)
    folder.data.chmod(0o750)
    assert stat.S_IMODE(folder.data.stat().st_mode) == 0o750


def test_a_site_printed_shows_its_folder_and_nothing_of_the_environment(root: Path) -> None:
    assert "hunter2" not in repr(SiteFolder(root, {"MAILER_SMTP__MAIN__PASSWORD": "hunter2"}))


def test_the_facts_of_a_missing_site_are_for_the_log(tmp_path: Path) -> None:
    with pytest.raises(SiteNotFound) as refused:
        find_site(tmp_path)
    assert refused.value.facts == {"path": str(tmp_path)}
    assert refused.value.exit_code == 1

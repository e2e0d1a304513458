"""`mailer init` makes a site that runs at once, and none that could mail people by accident."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import main
from mailer.keyring import load_secrets
from mailer.settings import SettingsInvalid, load_settings
from mailer.settings.load import parse_settings

PUBLIC = [
    "--name=Ohm & Volt",
    "--legal-name=Ohm & Volt GmbH",
    "--base-url=https://news.shop.example",
    "--postal-address=Lötstraße 12, 10115 Berlin",
    "--privacy-contact=privacy@shop.example",
    "--from=Ohm & Volt <news@shop.example>",
    "--smtp-host=smtp.shop.example",
    "--smtp-username=newsletter",
    "--return-path=returned@shop.example",
    "--language=de",
    "--timezone=Europe/Berlin",
]


def _init(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["init", str(folder), *options])


def test_a_new_site_can_be_opened_without_an_edit(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    done = _init(root)
    assert done.exit_code == 0, done.output
    settings = load_settings(root / "mailer.toml", {})
    assert settings.site.base_url == "http://127.0.0.1:8025"
    assert (settings.relay.host, settings.relay.port) == ("127.0.0.1", 1025)
    assert (root / "campaigns" / "first-issue" / "campaign.md").is_file()
    assert f"cd {root} && mailer up" in done.output


@pytest.mark.rule("D6")
def test_its_secrets_are_private_and_made_by_a_random_source(tmp_path: Path) -> None:
    _init(tmp_path / "one")
    _init(tmp_path / "two")
    path = tmp_path / "one" / "secrets.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first, second = load_secrets(path), load_secrets(tmp_path / "two" / "secrets.toml")
    assert first.address_key != second.address_key
    assert len(first.token_keys[-1].secret) >= 32


@pytest.mark.rule("D6", "F6")
def test_secrets_and_people_stay_out_of_git(tmp_path: Path) -> None:
    _init(tmp_path / "shop")
    ignored = (tmp_path / "shop" / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/secrets.toml", "/data/", "/*.secret"} <= set(ignored)


def test_what_stands_in_gitignore_already_is_kept(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.bak", encoding="utf-8")
    _init(tmp_path)
    lines = (tmp_path / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "*.bak" and "/secrets.toml" in lines


@pytest.mark.rule("F7", "C12")
def test_sample_values_are_named_and_stop_a_public_site(tmp_path: Path) -> None:
    done = _init(tmp_path, "--base-url=https://news.shop.example")
    assert done.exit_code == 0
    for name in ("site.legal_name", "site.postal_address", "site.privacy_contact", "lists.news.from"):
        assert name in done.output
    assert "does not start until they are yours" in done.output
    with pytest.raises(SettingsInvalid, match="still holds the sample value"):
        load_settings(tmp_path / "mailer.toml", {})


def test_with_every_answer_given_nothing_is_left_to_edit(tmp_path: Path) -> None:
    done = _init(tmp_path, *PUBLIC)
    assert done.exit_code == 0
    assert "sample" not in done.output and "guess" not in done.output
    settings = load_settings(tmp_path / "mailer.toml", {})
    assert settings.site.language == "de"
    assert (settings.relay.tls, settings.relay.port, settings.relay.username) == (
        "starttls",
        587,
        "newsletter",
    )
    assert settings.sending.return_path == "returned@shop.example"
    assert settings.lists["news"].list_id == "news.lists.shop.example"
    assert "geprüft" in (tmp_path / "campaigns" / "first-issue" / "campaign.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("options", [[], ["--base-url=https://news.shop.example"]])
def test_a_guessed_address_for_bounces_is_named_as_a_guess(tmp_path: Path, options: list[str]) -> None:
    """Many servers refuse mail whose return address has a domain that does not exist."""
    done = _init(tmp_path, "--from=news@shop.example", *options)
    made = parse_settings(
        (tmp_path / "mailer.toml").read_text("utf-8"), tmp_path / "mailer.toml", {}, allow_samples=True
    )
    assert made.sending.return_path == "bounce@bounce.shop.example"
    assert "[sending] return_path is a guess: bounce@bounce.shop.example." in done.output


def test_a_sample_is_not_called_a_guess_too(tmp_path: Path) -> None:
    done = _init(tmp_path)
    assert "sending.return_path" in done.output
    assert "guess" not in done.output


def test_a_relay_on_this_machine_that_asks_for_a_user_gets_tls(tmp_path: Path) -> None:
    """A password in clear text is refused, so a new site does not begin with one."""
    assert _init(tmp_path, "--smtp-username=newsletter").exit_code == 0
    assert load_settings(tmp_path / "mailer.toml", {}).relay.tls == "starttls"


def test_a_local_site_listens_where_its_base_url_says(tmp_path: Path) -> None:
    _init(tmp_path, "--base-url=http://localhost:9000")
    assert load_settings(tmp_path / "mailer.toml", {}).web.port == 9000


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--base-url=http://shop.example", "would travel in clear text"),
        ("--base-url=https://[::", "must be a web address"),
        ("--from=nobody", "is not a mailbox"),
        ("--privacy-contact=nobody", "is not a mail address"),
        ("--return-path=nobody", "is not a mail address"),
        ("--smtp-host=smtp.shop.example", "no reader could open a link in it"),
        ("--timezone=Mars/Base", "is not a time zone"),
        ("--name=two\nlines", "must be one line"),
    ],
)
def test_an_answer_that_cannot_be_used_leaves_nothing_behind(
    tmp_path: Path, option: str, sentence: str
) -> None:
    done = _init(tmp_path / "shop", option)
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert not (tmp_path / "shop").exists()


def test_a_whole_site_is_left_alone(tmp_path: Path) -> None:
    _init(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = _init(tmp_path)
    assert (done.exit_code, "nothing of it is missing" in done.stderr) == (1, True)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_clone_of_a_site_gets_the_secrets_it_lacks(tmp_path: Path) -> None:
    _init(tmp_path)
    (tmp_path / "secrets.toml").unlink()
    settings = (tmp_path / "mailer.toml").read_bytes()
    done = _init(tmp_path)
    assert done.exit_code == 0
    assert load_secrets(tmp_path / "secrets.toml")
    assert (tmp_path / "mailer.toml").read_bytes() == settings


def test_new_secrets_are_refused_where_people_are_known_already(tmp_path: Path) -> None:
    """With another address key, nobody who left would be recognised (law 7)."""
    _init(tmp_path)
    (tmp_path / "secrets.toml").unlink()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mailer.db").touch()
    done = _init(tmp_path)
    assert done.exit_code == 1
    assert "Restore it from a backup" in done.stderr
    assert not (tmp_path / "secrets.toml").exists()


def test_a_new_site_has_the_layouts_of_its_campaigns_and_no_page(tmp_path: Path) -> None:
    done = _init(tmp_path)
    assert done.exit_code == 0
    copied = {str(path.relative_to(tmp_path / "templates")) for path in (tmp_path / "templates").rglob("*.*")}
    assert copied == {
        "email/default.mjml",
        "email/plain.mjml",
        "privacy/2026-11-22.de.md",
        "privacy/2026-11-22.en.md",
    }


def test_templates_are_copied_when_asked_and_never_over_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "templates" / "web" / "base.html"
    own.parent.mkdir(parents=True)
    own.write_text("mine", encoding="utf-8")
    done = _init(tmp_path, "--with-templates")
    assert done.exit_code == 0
    assert own.read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "templates" / "web" / "confirm.html").is_file()
    assert not (tmp_path / "templates" / "starter").exists()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = _init(tmp_path / "file" / "shop")
    assert done.exit_code == 1
    assert done.stderr.startswith("mailer: ") and done.stderr.count("\n") == 1


def test_the_repository_is_itself_a_site() -> None:
    root = Path(__file__).parents[2]
    settings = load_settings(root / "mailer.toml", {})
    assert settings.site.name == "Ohm & Volt"
    assert {"weekly", "clearance"} == set(settings.lists)
    assert (root / "campaigns" / "week-47" / "campaign.md").is_file()

"""Settings are read once, checked together, and printed with what they mean."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.settings import Settings, SettingsInvalid, load_settings
from mailer.settings.annotate import annotated_toml, toml_value
from mailer.settings.relay import PasswordMissing, require_relay
from mailer.settings.values import is_loopback, parse_rate
from mailer.settings.walk import section_at, setting_in, settings_of

CASES = sorted((Path(__file__).parent / "bad_settings").iterdir())

GOOD = """
[site]
name = "Ohm & Volt"
legal_name = "Ohm & Volt Electronics GmbH"
base_url = "https://news.shop.example/"
postal_address = "Lötstraße 12, 10115 Berlin, Germany"
privacy_contact = "privacy@shop.example"

[smtp.main]
host = "smtp.shop.example"

[smtp.backup-relay]
host = "127.0.0.1"
port = 25
tls = "none"

[sending]
return_path = "bounce@bounce.shop.example"

[lists.weekly]
title = "Ohm & Volt Weekly"
from = "Ohm & Volt <news@shop.example>"
list_id = "weekly.lists.shop.example"
description = "New parts."
frequency = "every Friday"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A settings file without a fault."""
    file = tmp_path / "mailer.toml"
    file.write_text(GOOD, encoding="utf-8")
    return file


@pytest.mark.rule("F7", "F8", "C12", "D6")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_settings_are_refused_with_every_problem_named(case: Path) -> None:
    """Each folder holds a mailer.toml, perhaps an environment, and the problems expected, all of them."""
    variables = case / "environment"
    lines = variables.read_text(encoding="utf-8").splitlines() if variables.exists() else []
    environ = {name: value for name, _, value in (line.partition("=") for line in lines)}
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(case / "mailer.toml", environ)
    told = "".join(f"{problem}\n" for problem in refused.value.problems).replace(str(case), "SITE")
    assert told == (case / "expected").read_text(encoding="utf-8")


def test_the_defaults_are_the_careful_ones(path: Path) -> None:
    """C7, C23: seven days, verified TLS, no foreign host, nothing optional switched on."""
    settings = load_settings(path, {})
    assert settings.privacy.unconfirmed_days == 7
    assert settings.privacy.asset_hosts == ()
    assert settings.relay.tls == "starttls"
    assert settings.sending.give_up_hours == 108
    assert settings.bounces.unsubscribe_address is None
    assert settings.database.url == "sqlite:///data/mailer.db"
    assert settings.web.host == "127.0.0.1"


def test_a_trailing_slash_of_the_base_url_is_dropped(path: Path) -> None:
    assert load_settings(path, {}).site.base_url == "https://news.shop.example"


def test_the_first_relay_is_used_unless_a_route_names_another(path: Path) -> None:
    assert load_settings(path, {}).relay_name == "main"
    assert load_settings(path, {"MAILER_SENDING__ROUTE": "backup-relay"}).relay.port == 25


def test_the_environment_wins_over_the_file(path: Path) -> None:
    environ = {
        "MAILER_SITE__NAME": "Other",
        "MAILER_SMTP__MAIN__PORT": "465",
        "MAILER_SMTP__MAIN__TLS": "implicit",
    }
    settings = load_settings(path, environ)
    assert (settings.site.name, settings.relay.port, settings.relay.tls) == ("Other", 465, "implicit")


def test_a_variable_reaches_a_section_whose_name_has_a_hyphen(path: Path) -> None:
    """The name of a variable cannot hold a hyphen, so an underscore stands for it."""
    settings = load_settings(path, {"MAILER_SMTP__BACKUP_RELAY__PASSWORD": "s3cret"})
    password = settings.smtp["backup-relay"].password
    assert password is not None and password.get_secret_value() == "s3cret"


def test_a_list_can_be_given_by_the_environment(path: Path) -> None:
    settings = load_settings(path, {"MAILER_WEB__TRUSTED_PROXIES": "10.0.0.0/8, ::1"})
    assert settings.web.trusted_proxies == ("10.0.0.0/8", "::1/128")


def test_variables_without_a_section_are_none_of_our_business(path: Path) -> None:
    assert load_settings(path, {"MAILER_SITE": "/somewhere", "MAILER": "x", "HOME": "/root"})


@pytest.mark.rule("D6")
def test_a_password_comes_from_a_private_file_beside_the_settings(path: Path) -> None:
    secret = path.with_name("relay.secret")
    secret.write_text("from a file\n", encoding="utf-8")
    secret.chmod(0o600)
    settings = load_settings(path, {"MAILER_SMTP__MAIN__PASSWORD_FILE": "relay.secret"})
    assert settings.relay.password is not None
    assert settings.relay.password.get_secret_value() == "from a file"


@pytest.mark.rule("D6")
def test_a_password_file_that_others_can_read_is_refused(path: Path) -> None:
    secret = path.with_name("relay.secret")
    secret.write_text("open to all", encoding="utf-8")
    secret.chmod(0o644)
    with pytest.raises(SettingsInvalid, match=r"others can read. Run: chmod 600"):
        load_settings(path, {"MAILER_SMTP__MAIN__PASSWORD_FILE": str(secret)})


@pytest.mark.rule("D6")
def test_a_password_file_that_cannot_exist_is_named(path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"password_file is no name that a file can have\."):
        load_settings(path, {"MAILER_SMTP__MAIN__PASSWORD_FILE": "nul\0"})


@pytest.mark.rule("D6", "D25")
def test_no_secret_shows_when_settings_are_printed(path: Path) -> None:
    environ = {
        "MAILER_SMTP__MAIN__PASSWORD": "hunter2",
        "MAILER_DATABASE__URL": "postgresql+psycopg://mailer:hunter2@db/mailer",
    }
    assert "hunter2" not in repr(load_settings(path, environ))


@pytest.mark.rule("D6", "D25")
def test_no_refused_value_is_repeated_in_an_error(path: Path) -> None:
    environ = {"MAILER_SMTP__MAIN__PASSWORD": "hunter2", "MAILER_DATABASE__URL": "mysql://hunter2@db"}
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(path, environ)
    assert "hunter2" not in str(refused.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="mailer init"):
        load_settings(tmp_path / "mailer.toml", {})


def test_a_file_that_is_not_text_says_so(tmp_path: Path) -> None:
    (tmp_path / "mailer.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsInvalid, match="not UTF-8"):
        load_settings(tmp_path / "mailer.toml", {})


def test_a_folder_in_the_place_of_the_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "mailer.toml").mkdir()
    with pytest.raises(SettingsInvalid, match="cannot be read"):
        load_settings(tmp_path / "mailer.toml", {})


def test_a_byte_order_mark_is_no_fault(path: Path) -> None:
    path.write_text("\ufeff" + GOOD, encoding="utf-8")
    assert load_settings(path, {})


@pytest.mark.rule("F7", "C12")
def test_sample_values_are_good_enough_while_nobody_can_be_reached(path: Path) -> None:
    """Pages and relay on this machine: a trial. With a public base URL the same file is refused."""
    trial = GOOD.replace("privacy@shop.example", "privacy@sample.example")
    trial = trial.replace("https://news.shop.example/", "http://localhost:8025")
    path.write_text(trial.replace('host = "smtp.shop.example"', 'host = "::1"'), encoding="utf-8")
    assert load_settings(path, {})
    with pytest.raises(SettingsInvalid, match="privacy_contact still holds the sample value"):
        load_settings(path, {"MAILER_SMTP__MAIN__HOST": "smtp.shop.example"})


def test_a_real_relay_that_is_not_in_use_may_stand_beside_local_pages(path: Path) -> None:
    """The same file on a desk, with the catcher as its route."""
    local = {"MAILER_SITE__BASE_URL": "http://127.0.0.1:8025"}
    assert load_settings(path, local | {"MAILER_SENDING__ROUTE": "backup-relay"})
    with pytest.raises(SettingsInvalid, match=r"through smtp\.shop\.example: no reader could open a link"):
        load_settings(path, local)


@pytest.mark.parametrize(
    "environ", [{}, {"MAILER_SMTP__MAIN__PASSWORD": ""}, {"MAILER_SMTP__BACKUP_RELAY__PASSWORD": "s3cret"}]
)
def test_a_user_name_without_a_password_does_not_send(path: Path, environ: dict[str, str]) -> None:
    """Reading commands need no password; what sends does, and says both ways to give it."""
    settings = load_settings(path, environ | {"MAILER_SMTP__MAIN__USERNAME": "newsletter"})
    with pytest.raises(PasswordMissing) as refused:
        require_relay(settings)
    assert str(refused.value) == (
        "[smtp.main] username is given without a password; "
        "set MAILER_SMTP__MAIN__PASSWORD where mail is sent, or name a file with password_file."
    )


def test_the_missing_password_of_a_relay_with_a_hyphen_has_a_name_one_can_set(path: Path) -> None:
    environ = {
        "MAILER_SENDING__ROUTE": "backup-relay",
        "MAILER_SMTP__BACKUP_RELAY__USERNAME": "newsletter",
        "MAILER_SMTP__BACKUP_RELAY__TLS": "starttls",
    }
    with pytest.raises(PasswordMissing, match="set MAILER_SMTP__BACKUP_RELAY__PASSWORD"):
        require_relay(load_settings(path, environ))
    require_relay(load_settings(path, environ | {"MAILER_SMTP__BACKUP_RELAY__PASSWORD": "s3cret"}))


def test_a_relay_that_asks_for_nobody_needs_no_password(path: Path) -> None:
    require_relay(load_settings(path, {}))


@pytest.mark.rule("A26")
def test_message_ids_never_end_in_an_address_of_this_machine(path: Path) -> None:
    public = load_settings(path, {})
    here = {"MAILER_SITE__BASE_URL": "http://127.0.0.1:8025", "MAILER_SENDING__ROUTE": "backup-relay"}
    local = load_settings(path, here)
    assert public.message_id_domain == "news.shop.example"
    assert local.message_id_domain == "bounce.shop.example"


@pytest.mark.parametrize(
    ("text", "per_second"), [("10/s", 10.0), ("600/min", 10.0), ("36000/h", 10.0), ("1 / min", 1 / 60)]
)
def test_a_rate_is_messages_per_time(text: str, per_second: float) -> None:
    assert parse_rate(text).per_second == pytest.approx(per_second)


def test_unlimited_has_no_rate() -> None:
    assert parse_rate("unlimited").per_second is None


@pytest.mark.parametrize("text", ["", "0/s", "-1/s", "10", "10/day", "ten/s", 10, None])
def test_nonsense_is_no_rate(text: object) -> None:
    with pytest.raises(ValueError, match="unlimited"):
        parse_rate(text)


@pytest.mark.rule("F8")
@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "shop.localhost", "LOCALHOST"]
)
def test_loopback_is_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.rule("F8")
@pytest.mark.parametrize(
    "host", ["", "10.0.0.1", "0.0.0.0", "localhost.shop.example", "127.0.0.1.shop.example", "::2"]
)
def test_everything_else_is_not(host: str) -> None:
    assert not is_loopback(host)


def test_every_setting_is_described() -> None:
    for section in settings_of(Settings):
        model = section.section
        assert model is not None and section.info.description
        for setting in settings_of(model):
            assert setting.info.description, f"[{section.key}] {setting.key}"


def test_a_path_leads_to_its_section() -> None:
    assert setting_in(section_at(["lists", "weekly"]), "from") is not None
    assert section_at(["lists"]) is None
    assert section_at(["nothing", "here"]) is None


def test_the_annotated_file_gives_back_the_values_it_was_given() -> None:
    values = tomllib.loads(GOOD)
    empty = {name: {} for name in Settings.model_fields if name not in {*values, "fields", "mailbox"}}
    assert tomllib.loads(annotated_toml(values)) == {**values, **empty}


def test_the_annotated_file_explains_every_setting_but_offers_no_secret() -> None:
    text = annotated_toml(tomllib.loads(GOOD))
    for section in settings_of(Settings):
        assert section.section is not None
        for setting in settings_of(section.section):
            offered = f"\n{setting.key} = " in text or f"\n#{setting.key} =" in text
            secret = setting.key in ("password", "mailgun_signing_keys", "postmark_passwords", "token")
            if (
                section.key != "mailbox"
            ):  # its keys are those of a relay, mostly; docs/bounces.md explains them
                assert offered is (not secret and section.key != "fields"), setting.key


def test_a_default_in_the_annotated_file_can_be_uncommented(path: Path) -> None:
    """Every "#name = value" line is TOML with the value that holds without it."""
    text = annotated_toml(tomllib.loads(GOOD))
    lines = [
        line[1:] if line.startswith("#") and not line.endswith("=") and line[1] != " " else line
        for line in text.splitlines()
    ]
    before = load_settings(path, {})
    path.write_text("\n".join(lines), encoding="utf-8")
    assert load_settings(path, {}) == before


@given(
    st.text()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
def test_every_value_survives_being_written_as_toml(value: object) -> None:
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return  # a lone surrogate is no text, in TOML as elsewhere
    assert tomllib.loads(f"key = {toml_value(value)}")["key"] == value


@pytest.mark.rule("D6")
def test_a_credential_of_systemd_is_private_although_its_group_bits_show(path: Path, tmp_path: Path) -> None:
    """It is handed over by an ACL; its mask looks like a right of the group."""
    passed = tmp_path / "credentials" / "relay"
    passed.parent.mkdir()
    passed.write_text("s3cret", encoding="utf-8")
    passed.chmod(0o440)
    environ = {"MAILER_SMTP__MAIN__PASSWORD_FILE": str(passed)}
    with pytest.raises(SettingsInvalid, match="others can read"):
        load_settings(path, environ)
    assert load_settings(path, environ | {"CREDENTIALS_DIRECTORY": str(passed.parent)}).relay.password

"""[breakers] and [alerts]: what may be written there, what is refused, and the defaults that hold for most."""

from __future__ import annotations

import pytest

from mailer.campaigns.breakers import Limits
from mailer.campaigns.breakers.service import limits_from
from mailer.settings import Settings, SettingsInvalid, load_settings
from mailer.settings.breakers import BreakersSettings
from mailer.site import SiteFolder


def read(folder: SiteFolder, text: str, **environ: str) -> Settings:
    """The site's settings with these lines at the end."""
    path = folder.settings_path
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{text}\n", encoding="utf-8")
    return load_settings(path, environ)


def refusal(folder: SiteFolder, text: str) -> str:
    """What is said of lines that are wrong."""
    with pytest.raises(SettingsInvalid) as refused:
        read(folder, text)
    (problem,) = refused.value.problems
    return str(problem)


def test_the_defaults_of_the_settings_are_those_of_the_rules() -> None:
    assert limits_from(BreakersSettings()) == Limits()


@pytest.mark.rule("B9")
def test_no_setting_lets_complaints_reach_three_in_a_thousand(site_folder: SiteFolder) -> None:
    assert "complaints" in refusal(site_folder, "[breakers]\ncomplaints = 0.0031")


@pytest.mark.parametrize(
    "line", ["hard_bounces = 0", "policy_rejections = 1.1", "least_failures = 0", "recent = 5"]
)
def test_a_breaker_can_be_set_wide_but_to_nothing_that_means_nothing(
    site_folder: SiteFolder, line: str
) -> None:
    assert line.partition(" ")[0] in refusal(site_folder, f"[breakers]\n{line}")


def test_a_breaker_that_is_set_reaches_the_rules(site_folder: SiteFolder) -> None:
    settings = read(site_folder, "[breakers]\nhard_bounces = 0.2\nleast_failures = 7\nrecent = 50")
    limits = limits_from(settings.breakers)
    assert (limits.hard, limits.least_failures, limits.recent) == (0.2, 7, 50)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.shop.example/services/T0/B0/x",
        "https://prod.logic.example:443/workflows/1/triggers?api-version=2016&sig=aB%2Dc",
        "http://127.0.0.1:9000/hook",
        "http://localhost/hook",
    ],
)
def test_a_webhook_is_https_or_on_this_machine(site_folder: SiteFolder, url: str) -> None:
    assert read(site_folder, f'[alerts]\nwebhook = "{url}"').alerts.webhook == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://hooks.shop.example/x", "would travel in clear text"),
        ("ftp://hooks.shop.example/x", "https://"),
        ("file:///etc/passwd", "web address"),
        ("hooks.shop.example", "web address"),
        ("https://user:secret@hooks.shop.example/", "web address"),
        ("https://hooks.shop.example/ x", "web address"),
        ("https://hooks.shop.example:port/", "web address"),
        ("https://höks.shop.example/", "ASCII"),
        ("", "empty"),
    ],
)
def test_any_other_address_is_refused(site_folder: SiteFolder, url: str, said: str) -> None:
    assert said in refusal(site_folder, f'[alerts]\nwebhook = "{url}"')


def test_a_webhook_that_is_a_secret_comes_from_the_environment_and_is_not_shown(
    site_folder: SiteFolder,
) -> None:
    url = "https://hooks.shop.example/services/s3cret"
    settings = read(site_folder, "", MAILER_ALERTS__WEBHOOK=url)
    assert settings.alerts.webhook == url
    assert "s3cret" not in repr(settings)


def test_alerts_come_from_somebody_else_when_told(site_folder: SiteFolder) -> None:
    lines = '[alerts]\nmail = "ops@elsewhere.example"\nfrom = "Watch <watch@shop.example>"'
    alerts = read(site_folder, lines).alerts
    assert (alerts.mail, str(alerts.from_mailbox)) == (
        "ops@elsewhere.example",
        '"Watch" <watch@shop.example>',
    )


@pytest.mark.parametrize("line", ['mail = "nobody"', 'from = "x"', 'webhok = "https://a.example"'])
def test_what_makes_no_sense_is_named(site_folder: SiteFolder, line: str) -> None:
    assert "[alerts]" in refusal(site_folder, f"[alerts]\n{line}")

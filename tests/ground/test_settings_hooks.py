"""[hooks], [metrics] and [logging]: lists by the environment, secrets that never show, closed unless opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.settings import Settings, load_settings
from mailer.settings.hooks import secrets_of
from tests.bounces.webhooks import signing

FILE = Path(__file__).parent / "bad_settings" / "hooks_that_prove_nothing" / "mailer.toml"
TOKEN = "a-token-of-24-characters"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Settings that say nothing of webhooks."""
    file = tmp_path / "mailer.toml"
    file.write_text(FILE.read_text(encoding="utf-8").partition("[hooks]")[0], encoding="utf-8")
    return file


def loaded(path: Path) -> Settings:
    """Settings with every secret given."""
    keys = [signing.shown(signing.curve_key(number)) for number in (0, 1)]
    return load_settings(
        path,
        {
            "MAILER_HOOKS__SES_TOPICS": signing.TOPIC,
            "MAILER_HOOKS__SENDGRID_PUBLIC_KEYS": ",".join(keys),
            "MAILER_HOOKS__MAILGUN_SIGNING_KEYS": f"{signing.MAILGUN_KEY} , {signing.NEXT_MAILGUN_KEY}",
            "MAILER_HOOKS__POSTMARK_PASSWORDS": signing.PASSWORD,
            "MAILER_METRICS__TOKEN": TOKEN,
        },
    )


@pytest.mark.rule("D31")
def test_two_secrets_are_given_with_a_comma(path: Path) -> None:
    hooks = loaded(path).hooks
    assert secrets_of(hooks.mailgun_signing_keys) == (signing.MAILGUN_KEY, signing.NEXT_MAILGUN_KEY)
    assert secrets_of(hooks.postmark_passwords) == (signing.PASSWORD,)
    assert len(hooks.sendgrid_public_keys) == 2
    assert hooks.ses_topics == (signing.TOPIC,)


@pytest.mark.rule("D25")
def test_no_secret_shows_where_settings_are_printed(path: Path) -> None:
    printed = repr(loaded(path))
    for secret in (signing.MAILGUN_KEY, signing.NEXT_MAILGUN_KEY, signing.PASSWORD, TOKEN):
        assert secret not in printed


@pytest.mark.rule("D31")
def test_unless_set_up_there_is_no_webhook_and_no_token(path: Path) -> None:
    settings = load_settings(path, {})
    assert settings.hooks.ses_topics == settings.hooks.sendgrid_public_keys == ()
    assert settings.hooks.mailgun_signing_keys == settings.hooks.postmark_passwords == ()
    assert settings.hooks.window_minutes == 5
    assert settings.metrics.token is None
    assert settings.logging.format == "text"


@pytest.mark.parametrize(
    "topic",
    [
        "arn:aws:sns:eu-west-1:123456789012:bounces",
        "arn:aws:sns:ap-southeast-4:123456789012:ses_bounces-2",
    ],
)
def test_a_topic_is_named_as_amazon_names_it(path: Path, topic: str) -> None:
    assert load_settings(path, {"MAILER_HOOKS__SES_TOPICS": topic}).hooks.ses_topics == (topic,)

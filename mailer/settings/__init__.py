"""The settings of a site: typed, documented by their own fields, read all at once or not at all."""

from mailer.settings.bounces import BouncesSettings
from mailer.settings.load import SettingsInvalid, load_settings
from mailer.settings.model import (
    DatabaseSettings,
    FieldSettings,
    ListSettings,
    PrivacySettings,
    SendingSettings,
    Settings,
    SiteSettings,
    WebSettings,
)
from mailer.settings.smtp import SmtpSettings
from mailer.settings.values import Rate

__all__ = [
    "BouncesSettings",
    "DatabaseSettings",
    "FieldSettings",
    "ListSettings",
    "PrivacySettings",
    "Rate",
    "SendingSettings",
    "Settings",
    "SettingsInvalid",
    "SiteSettings",
    "SmtpSettings",
    "WebSettings",
    "load_settings",
]

"""[ops]: how staff get at /ops."""

from __future__ import annotations

from pydantic import Field

from mailer.settings.section import Section
from mailer.settings.values import Line


class OpsSettings(Section):
    """How staff get at /ops; add them with `mailer ops user add`."""

    enabled: bool = Field(True, description="Whether there is /ops at all.")
    session_hours: int = Field(12, ge=1, le=24 * 7, description="Hours until one has to sign in again.")
    idle_minutes: int = Field(60, ge=5, le=24 * 60, description="Minutes without a page until then.")
    proxy_header: Line | None = Field(
        None,
        description="Header in which your own sign-in proxy names the person, such as X-Remote-User. Believed only "
        "from [web] trusted_proxies, and only for names that `mailer ops user add` knows; the proxy must "
        "remove it from what visitors send.",
    )

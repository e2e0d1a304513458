"""[metrics] and [logging]: what programs are told, and who may ask."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from mailer.settings.section import Section

LEAST_CHARACTERS = 16


def _strong(value: SecretStr | None) -> SecretStr | None:
    if value is not None and len(value.get_secret_value()) < LEAST_CHARACTERS:
        raise ValueError(
            f"must have at least {LEAST_CHARACTERS} characters; `openssl rand -hex 24` makes one."
        )
    return value


class MetricsSettings(Section):
    """Who may read /metrics: this machine itself; others with the bearer token MAILER_METRICS__TOKEN."""

    enabled: bool = Field(True, description="Whether there is /metrics at all.")
    token: Annotated[SecretStr | None, AfterValidator(_strong)] = Field(
        None, description="Never here: give it as MAILER_METRICS__TOKEN."
    )


class LoggingSettings(Section):
    """How the long-running commands write their log, on standard error."""

    format: Literal["text", "json"] = Field(
        "text",
        description='"text": one line of time, event and facts; "json": one object a line, for programs.',
    )

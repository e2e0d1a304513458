"""`[smtp.NAME]`: a relay that takes mail, its share, and which mail it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from mailer.settings.section import Section
from mailer.settings.values import HostText, Line, is_loopback, split_list

#: What a relay takes: campaigns, or the mail that goes first (confirmations and proofs).
StreamName = Literal["campaign", "system"]
Streams = Annotated[tuple[StreamName, ...], BeforeValidator(split_list)]


class SmtpSettings(Section):
    """The relay that takes your mail."""

    host: HostText = Field(description="Host name of the relay.")
    port: int = Field(587, ge=1, le=65535, description="587 for starttls, 465 for implicit.")
    tls: Literal["starttls", "implicit", "none"] = Field(
        "starttls", description="starttls, implicit or none; none is accepted for this machine itself only."
    )
    username: Line | None = Field(
        None,
        description="User name, where the relay asks for one; the password is MAILER_SMTP__<NAME>__PASSWORD.",
    )
    password: SecretStr | None = Field(
        None, description="Never here: give it as MAILER_SMTP__<NAME>__PASSWORD or in password_file."
    )
    password_file: Path | None = Field(None, description="File with the password, mode 0600.")
    ca_file: Path | None = Field(
        None, description="PEM file of a private certificate authority, if the relay has one."
    )
    ehlo_name: HostText | None = Field(
        None, description="Name to greet the relay with; default: this host's name."
    )
    connections: int = Field(
        4,
        ge=1,
        le=100,
        description="Connections that one host keeps open to this relay at most; its sender processes share them.",
    )
    weight: int | None = Field(
        None,
        ge=0,
        le=1000,
        description="Share of the campaign mail, beside the weights of your other relays; 0: none, unless all "
        "others are down. Default: 1 for the first relay, 0 for any other.",
    )
    streams: Streams = Field(
        ("campaign", "system"),
        min_length=1,
        description='Which mail it takes: "campaign", "system" (confirmations and proofs), or both. While a relay '
        "for system mail alone is up, all system mail goes there.",
    )

    @field_validator("tls")
    @classmethod
    def _private(cls, tls: str, info: ValidationInfo) -> str:
        host = info.data.get("host")
        if tls == "none" and host is not None and not is_loopback(host):
            raise ValueError(f'is "none", but {host} is not this machine: mail would travel in clear text.')
        return tls

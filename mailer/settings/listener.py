"""`[listener]`: the door at which your mail server hands over what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from mailer.settings.section import Section
from mailer.settings.values import Addresses, HostText, is_loopback


class ListenerSettings(Section):
    """A listener for what comes back, to which your own mail server hands it; see docs/bounces.md."""

    port: int | None = Field(
        None, ge=1, le=65535, description="Port to listen on; without one nothing listens."
    )
    host: HostText = Field("127.0.0.1", description="Address to listen on.")
    protocol: Literal["lmtp", "smtp"] = Field("lmtp", description="lmtp or smtp.")
    certificate: Path | None = Field(
        None,
        validate_default=True,
        description="PEM file with the certificate chain, for STARTTLS; must, where other machines connect.",
    )
    key: Path | None = Field(
        None, validate_default=True, description="PEM file with the key of that certificate, mode 0600."
    )
    addresses: Addresses = Field(
        (),
        description="Further addresses to take mail for, beside return_path with its tags, the "
        "unsubscribe_address, and From and Reply-To of the lists.",
    )

    @field_validator("certificate")
    @classmethod
    def _private(cls, certificate: Path | None, info: ValidationInfo) -> Path | None:
        host, port = info.data.get("host"), info.data.get("port")
        if certificate is None and port is not None and host is not None and not is_loopback(host):
            raise ValueError(
                f"is missing: {host} can be reached by other machines, and mail would travel in clear text."
            )
        return certificate

    @field_validator("key")
    @classmethod
    def _together(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if "certificate" in info.data and (key is None) != (info.data["certificate"] is None):
            raise ValueError("and certificate belong together: give both, or none.")
        return key

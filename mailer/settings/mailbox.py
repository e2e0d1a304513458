"""`[mailbox.NAME]`: a mailbox in which bounces, complaints and replies arrive, and how it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from mailer.settings.section import Section
from mailer.settings.values import HostText, Line, is_loopback

#: (protocol, whether TLS comes first): the port that servers listen on (RFC 8314 7.3 for 993 and 995).
_PORTS = {("imap", True): 993, ("imap", False): 143, ("pop3", True): 995, ("pop3", False): 110}


class MailboxSettings(Section):
    """A mailbox that what comes back is read from; give it an account of its own, which nobody else reads."""

    protocol: Literal["imap", "pop3", "maildir"] = Field(
        "imap", description="imap, pop3, or maildir for a folder of this machine."
    )
    host: HostText | None = Field(
        None, validate_default=True, description="Host name of the server; not for maildir."
    )
    port: int | None = Field(
        None, ge=1, le=65535, description="Default: 993 for imap, 995 for pop3; 143 and 110 for starttls."
    )
    tls: Literal["implicit", "starttls", "none"] = Field(
        "implicit", description="implicit, starttls or none; none is accepted for this machine itself only."
    )
    username: Line | None = Field(
        None,
        validate_default=True,
        description="User name; the password is MAILER_MAILBOX__<NAME>__PASSWORD.",
    )
    password: SecretStr | None = Field(
        None, description="Never here: give it as MAILER_MAILBOX__<NAME>__PASSWORD or in password_file."
    )
    password_file: Path | None = Field(None, description="File with the password, mode 0600.")
    ca_file: Path | None = Field(
        None, description="PEM file of a private certificate authority, if the server has one."
    )
    path: Path | None = Field(
        None, validate_default=True, description="The Maildir; the folder that holds cur, new and tmp."
    )
    folder: Line = Field("INBOX", description="Folder to read, of an imap server.")
    move_to: Line | None = Field(
        None,
        description="Folder that mail is moved to once it is stored, imap only; default: it is deleted there.",
    )
    poll_seconds: float = Field(
        60,
        ge=5,
        le=86_400,
        description="Seconds between two looks; an imap server that can (IDLE) tells of new mail at once.",
    )

    @field_validator("tls")
    @classmethod
    def _private(cls, tls: str, info: ValidationInfo) -> str:
        host = info.data.get("host")
        if tls == "none" and host is not None and not is_loopback(host):
            raise ValueError(f'is "none", but {host} is not this machine: mail would travel in clear text.')
        return tls

    @field_validator("host", "username")
    @classmethod
    def _given_for_servers(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("protocol") in ("imap", "pop3"):
            raise ValueError(f"is missing; {info.data['protocol']} needs it.")
        return value

    @field_validator("path")
    @classmethod
    def _given_for_folders(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is None and info.data.get("protocol") == "maildir":
            raise ValueError("is missing; maildir needs it.")
        return path

    @field_validator("move_to")
    @classmethod
    def _elsewhere(cls, move_to: str | None, info: ValidationInfo) -> str | None:
        if move_to is not None and info.data.get("protocol") != "imap":
            raise ValueError("is for imap alone; elsewhere mail is deleted once it is stored.")
        if move_to is not None and move_to == info.data.get("folder"):
            raise ValueError("is the folder that is read: the same mail would be read for ever.")
        return move_to

    @property
    def connects_to(self) -> tuple[str, int]:
        """Host and port of the server; only for one that has a server."""
        assert self.host is not None
        return self.host, self.port or _PORTS[self.protocol, self.tls == "implicit"]

"""[hooks]: by what the calls of mail providers are known to be theirs."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from mailer.settings.section import Section
from mailer.settings.values import Line, split_list

_TOPIC = re.compile(r"arn:aws:sns:[a-z]{2}(?:-[a-z]{2,12}){1,2}-\d:\d{12}:[A-Za-z0-9_-]{1,256}", re.ASCII)
#: A secret that opens the list to suppressions must not be guessed.
LEAST_CHARACTERS = 16
#: One in use, and the next or the last one while it is replaced.
MOST_SECRETS = 2


def _topic(value: str) -> str:
    if not _TOPIC.fullmatch(value):
        raise ValueError('must be the ARN of an SNS topic: "arn:aws:sns:eu-west-1:123456789012:bounces".')
    return value


def _public_key(value: str) -> str:
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    # The start of a public key on the curve P-256 in DER (RFC 5480 2).
    if len(decoded) != 91 or not decoded.startswith(bytes.fromhex("3059301306072a8648ce3d0201")):
        raise ValueError("must be the verification key that SendGrid shows: 124 characters, beginning MFkw.")
    return value


def _strong(values: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if any(len(value.get_secret_value()) < LEAST_CHARACTERS for value in values):
        raise ValueError(
            f"must have at least {LEAST_CHARACTERS} characters; `openssl rand -hex 24` makes one."
        )
    return values


def _at_most_two(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(values) > MOST_SECRETS:
        raise ValueError(f"may hold {MOST_SECRETS} at most: the one in use and the one that replaces it.")
    return values


_Secrets = Annotated[
    tuple[SecretStr, ...], BeforeValidator(split_list), AfterValidator(_strong), AfterValidator(_at_most_two)
]
_Topics = Annotated[tuple[Annotated[Line, AfterValidator(_topic)], ...], BeforeValidator(split_list)]
_Keys = Annotated[
    tuple[Annotated[Line, AfterValidator(_public_key)], ...],
    BeforeValidator(split_list),
    AfterValidator(_at_most_two),
]


class HooksSettings(Section):
    """By what webhooks of mail providers are known to be theirs: POST /hooks/ses, postmark, sendgrid, mailgun."""

    ses_topics: _Topics = Field(
        (),
        description="ARNs of the SNS topics through which Amazon SES tells of bounces; others are refused.",
    )
    sendgrid_public_keys: _Keys = Field(
        (), description="Verification keys of SendGrid's signed event webhook; two while one is replaced."
    )
    mailgun_signing_keys: _Secrets = Field(
        (),
        description="Never here: give them as MAILER_HOOKS__MAILGUN_SIGNING_KEYS, at most two, with a comma.",
    )
    postmark_passwords: _Secrets = Field(
        (),
        description="Never here: give them as MAILER_HOOKS__POSTMARK_PASSWORDS, at most two, with a comma.",
    )
    window_minutes: float = Field(
        5,
        gt=0,
        le=1440,
        description="How far the time that a call was signed at may be from now. Longer only where a provider "
        "sends old calls again under their first time.",
    )


def secrets_of(values: Sequence[SecretStr]) -> tuple[str, ...]:
    """The secrets themselves."""
    return tuple(value.get_secret_value() for value in values)

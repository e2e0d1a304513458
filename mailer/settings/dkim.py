"""`[dkim]`: with which keys mail is signed."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from mailer.settings.section import Section
from mailer.settings.values import HostText


def _lowered(value: str) -> str:
    return value.lower()


#: A label of DNS (RFC 6376 3.1); dots would be allowed, but nobody needs them.
SELECTOR = r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
SelectorText = Annotated[str, StringConstraints(pattern=SELECTOR), AfterValidator(_lowered)]


class DkimSettings(Section):
    """Signing with DKIM; `mailer dkim new` makes the keys."""

    selector: SelectorText | None = Field(
        None,
        description="Name of the RSA key that signs; none: nothing is signed here, your relay must do it.",
    )
    ed25519_selector: SelectorText | None = Field(
        None,
        description="Name of an Ed25519 key for a second signature (RFC 8463); few receivers read it yet.",
    )
    system_selector: SelectorText | None = Field(
        None, description="Name of the RSA key that signs confirmations and alerts; default: the same key."
    )
    domain: HostText | None = Field(
        None,
        description="Domain that signs: the one of every list's From address, or one above it. "
        "Default: each list's own.",
    )

    @model_validator(mode="after")
    def _has_a_first_key(self) -> Self:
        if self.selector is None and (self.ed25519_selector or self.system_selector):
            raise ValueError(
                "names further keys, but no selector: the RSA key that signs. Name that one too."
            )
        return self

    @property
    def signs(self) -> bool:
        """Whether mail is signed here at all."""
        return self.selector is not None

    @property
    def selectors(self) -> tuple[str, ...]:
        """The names of all keys that sign, each once."""
        named = (self.selector, self.ed25519_selector, self.system_selector)
        return tuple(dict.fromkeys(name for name in named if name is not None)) if self.signs else ()

    def signing_domain(self, from_domain: str) -> str:
        """The d= of a message from that domain."""
        return self.domain or from_domain


def is_aligned(from_domain: str, signing_domain: str) -> bool:
    """Whether d= is the From domain or one above it (A39; RFC 9989 4.4): surely the same organisation."""
    return from_domain == signing_domain or from_domain.endswith(f".{signing_domain}")

"""The evidence of a consent: what the person saw, where they came from, when (C3)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Evidence:
    """One act of a person, as the edge saw it; the time is the ledger's, in UTC."""

    ip: str | None
    user_agent: str | None
    form_url: str
    wording: str  #: the exact words beside the button or the tick
    policy_version: str
    language: str

    def as_payload(self) -> dict[str, str | None]:
        """What the ledger keeps, the SHA-256 of the wording beside the wording itself."""
        return {**asdict(self), "wording_sha256": hashlib.sha256(self.wording.encode()).hexdigest()}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Evidence:
        """The evidence that `as_payload` wrote; keys it does not know are ignored."""
        return cls(
            ip=payload.get("ip"),
            user_agent=payload.get("user_agent"),
            form_url=payload.get("form_url", ""),
            wording=payload.get("wording", ""),
            policy_version=payload.get("policy_version", ""),
            language=payload.get("language", ""),
        )

"""What a peer showed of itself when TLS began."""

from __future__ import annotations

import ssl
from asyncio import BaseTransport
from dataclasses import dataclass
from datetime import UTC, datetime

from mailer import clock

_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that was verified, name and all."""

    ends_at: datetime
    seen_at: datetime
    protocol: str  #: TLSv1.3, say


def peer_certificate(transport: BaseTransport | None) -> Certificate | None:
    """The verified certificate of the other side; None on a line in clear text."""
    if transport is None or (line := transport.get_extra_info("ssl_object")) is None:
        return None
    ends = ssl.cert_time_to_seconds(str(line.getpeercert()["notAfter"]))
    return Certificate(datetime.fromtimestamp(ends, UTC), clock.now(), str(line.version()))


def days_left(certificate: Certificate) -> int:
    """Whole days until it ends."""
    return int((certificate.ends_at - certificate.seen_at).total_seconds() // _DAY_SECONDS)

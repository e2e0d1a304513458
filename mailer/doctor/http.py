"""One HTTP request as a mailbox provider makes it: no cookie, no redirect followed, an answer read in part."""

from __future__ import annotations

import asyncio
import http.client
import io
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from mailer.doctor.certificates import Certificate, peer_certificate
from mailer.doctor.words import words_of

_SECONDS = 8.0
_HEAD, _BODY = 32_768, 65_536
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and fields; `trouble` instead when none came."""

    status: int = 0
    fields: Mapping[str, str] | None = None
    certificate: Certificate | None = None
    trouble: str = ""
    distrusted: str = ""

    def field(self, name: str) -> str:
        """A field of the answer, or ""."""
        return (self.fields or {}).get(name.lower(), "")[:500]


async def request(method: str, url: str, *, body: bytes = b"") -> Reply:
    """Ask once, within seconds; whatever goes wrong is in the reply."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await _request(method, url, body)
    except ssl.SSLCertVerificationError as error:
        return Reply(distrusted=error.verify_message)
    except TimeoutError:
        return Reply(trouble=f"no answer within {_SECONDS:.0f} s")
    except (OSError, ValueError, EOFError, http.client.HTTPException) as error:
        return Reply(trouble=words_of(error))


async def _request(method: str, url: str, body: bytes) -> Reply:
    parts = urlsplit(url)
    host = parts.hostname or ""
    context = ssl.create_default_context() if parts.scheme == "https" else None
    reader, writer = await asyncio.open_connection(
        host, parts.port or _PORTS[parts.scheme], ssl=context, limit=_HEAD
    )
    try:
        certificate = peer_certificate(writer.transport)
        writer.write(_head(method, parts.netloc, parts.path or "/", len(body)) + body)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.read(_BODY)
    except asyncio.LimitOverrunError as error:
        raise ValueError("its header fields never end") from error
    finally:
        writer.transport.abort()  # nothing is left to say, and a peer that will not hear it is not waited for
    return _reply(head, certificate)


def _head(method: str, host: str, path: str, length: int) -> bytes:
    # RFC 8058 section 3.1: the form as a provider posts it.
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "User-Agent: mailer-doctor", "Accept: */*"]
    if method == "POST":
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {length}"]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("ascii")


def _reply(head: bytes, certificate: Certificate | None) -> Reply:
    first, _, rest = head.partition(b"\r\n")
    words = first.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise ValueError("it does not speak HTTP")
    parsed = http.client.parse_headers(io.BytesIO(rest))
    fields = {name.lower(): value for name, value in parsed.items()}
    return Reply(int(words[1]), fields, certificate)

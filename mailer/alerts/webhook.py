"""The webhook: one signed HTTPS POST of JSON to the address in the settings, and nowhere else."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from mailer import clock
from mailer.alerts.model import Notice
from mailer.alerts.sending import NotTaken

TIMEOUT_SECONDS = 10.0
#: What the other side says is looked at for its number; no more than this is read.
_READ_BYTES = 1024
SIGNATURE = "X-Mailer-Signature"


def webhook(
    url: str, key: bytes, *, timeout: float = TIMEOUT_SECONDS, tls: ssl.SSLContext | None = None
) -> Callable[[Notice], None]:
    """A channel that posts to `url`; a redirect is not followed. `timeout`: seconds for all of it."""
    target = urlsplit(url)
    path = f"{target.path or '/'}{'?' if target.query else ''}{target.query}"

    def post(notice: Notice) -> None:
        body = payload(notice)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "mailer",
            SIGNATURE: signature(key, body, at=int(clock.now().timestamp())),
        }
        try:
            code = _post(target.scheme, target.netloc, path, body, headers)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotTaken(f"The webhook at {target.hostname} cannot be reached: {error}.") from error
        if not 200 <= code < 300:
            raise NotTaken(f"The webhook at {target.hostname} answered {code}.")

    def _post(scheme: str, netloc: str, path: str, body: bytes, headers: dict[str, str]) -> int:
        connection: http.client.HTTPConnection
        if scheme == "https":
            context = tls or ssl.create_default_context()
            connection = http.client.HTTPSConnection(netloc, timeout=timeout, context=context)
        else:  # the settings allow it for this machine alone
            connection = http.client.HTTPConnection(netloc, timeout=timeout)
        try:
            with ending(connection, after=timeout):
                connection.request("POST", path, body, headers)
                response = connection.getresponse()
                response.read(_READ_BYTES)
                return response.status
        finally:
            connection.close()

    return post


@contextmanager
def ending(connection: http.client.HTTPConnection, *, after: float) -> Iterator[None]:
    """Cut it off after so many seconds: the timeout of a socket begins anew with every byte that drips in.

    Raises TimeoutError then: what was read until the cut may look like a whole answer.
    """
    is_over = threading.Event()

    def cut() -> None:
        is_over.set()
        if connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(after, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError):
        if not is_over.is_set():
            raise
    finally:
        timer.cancel()
    if is_over.is_set():
        raise TimeoutError("timed out")


def payload(notice: Notice) -> bytes:
    """The body: `text` is what chat programs show, the rest is for programs."""
    return json.dumps(
        {
            "id": notice.id,
            "kind": notice.kind,
            "subject": notice.subject,
            "text": f"{notice.subject}\n{notice.text}",
            "facts": notice.facts,
            "raised_at": notice.raised_at.isoformat(),
        },
        ensure_ascii=False,
    ).encode()


def signature(key: bytes, body: bytes, *, at: int) -> str:
    """Proves who posts, and when: HMAC-SHA-256 over "<at>.<body>" with `at` in seconds since 1970."""
    digest = hmac.new(key, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"

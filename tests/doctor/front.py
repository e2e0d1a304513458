"""Web servers that stand where a site should: the real pages, and ones that behave as they should not."""

from __future__ import annotations

import contextlib
import http.server
import ssl
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import ClassVar

import uvicorn

from mailer.application import Site
from mailer.web.app import create_app
from mailer.web.listening import listen
from tests.delivery.certificates import Server


@contextlib.contextmanager
def pages(site: Site, *, certificate: Server | None = None) -> Iterator[int]:
    """The real pages by uvicorn on a free port, over TLS if there is a certificate."""
    config = uvicorn.Config(
        create_app(site),
        log_config=None,
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        ws="none",
        ssl_certfile=None if certificate is None else str(certificate.certificate),
        ssl_keyfile=None if certificate is None else str(certificate.key),
    )
    server, listener = uvicorn.Server(config), listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


class Odd(http.server.BaseHTTPRequestHandler):
    """Answers everything in one way; `seen` keeps what it was asked."""

    status: ClassVar[int] = 200
    fields: ClassVar[dict[str, str]] = {}
    ahead: ClassVar[float] = 0.0  #: seconds by which its clock is ahead
    seen: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []

    def do_GET(self) -> None:
        """The one answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, dict(self.headers), body))
        self.send_response_only(self.status)
        self.send_header("Date", formatdate(time.time() + self.ahead, usegmt=True))
        for name, value in self.fields.items():
            self.send_header(name, value)
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - http.server looks for the verb under this name

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


@contextlib.contextmanager
def odd(
    status: int = 200,
    *,
    fields: dict[str, str] | None = None,
    ahead: float = 0.0,
    certificate: Server | None = None,
) -> Iterator[tuple[int, list[tuple[str, str, dict[str, str], bytes]]]]:
    """A server that answers everything in one way; gives its port and what it was asked."""
    seen: list[tuple[str, str, dict[str, str], bytes]] = []
    kind = type("Answer", (Odd,), {"status": status, "fields": fields or {}, "ahead": ahead, "seen": seen})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    if certificate is not None:
        server.socket = certificate.context().wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1]), seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextlib.contextmanager
def bytes_only(answer: bytes) -> Iterator[int]:
    """A server that says these bytes, whatever it is asked, and hangs up."""
    listener = listen("127.0.0.1", 0)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError, ssl.SSLError), connection:
                connection.recv(4096)
                connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        # To close alone leaves `accept` waiting on Linux.
        with contextlib.suppress(OSError):
            listener.shutdown(2)
        listener.close()
        thread.join(5)

"""Run the pages with uvicorn: its socket opened first, no log of paths, no Server header."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING

import uvicorn

from mailer.errors import MailerError
from mailer.web.app import create_app

if TYPE_CHECKING:
    from mailer.application import Site

#: What is being answered when a stop comes gets this long.
STOP_SECONDS = 10
_BACKLOG = 1024
_REASONS = {
    errno.EADDRINUSE: "Another program is listening there; stop it, or give another port with --port "
    "or as [web] port in mailer.toml.",
    errno.EACCES: "Ports below 1024 belong to the system; take a higher one and put a proxy in front.",
    errno.EADDRNOTAVAIL: "This machine has no such address; correct [web] host in mailer.toml.",
}


class CannotListen(MailerError):
    """The web pages cannot listen on their address."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that a port in use is told before anything starts. Raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        why = _REASONS.get(error.errno or 0, f"{os.strerror(error.errno or 0)}.")
        raise CannotListen(
            f"The web pages cannot listen on {host} port {port}. {why}", host=host, port=port
        ) from error


def build_server(site: Site) -> uvicorn.Server:
    """A server for the site's pages; run it with `server.run(sockets=[listen(...)])` or `await server.serve(...)`.

    Proxy headers are ours to judge (D11), and the access log is ours, because a path holds a token (D25).
    """
    return uvicorn.Server(
        uvicorn.Config(
            create_app(site),
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            ws="none",
            lifespan="off",
            timeout_keep_alive=5,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )

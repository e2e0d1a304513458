"""Open the socket of the pages before anything starts, and ask whether the pages answer on it.

Apart from the server: who only looks after it needs none of its libraries.
"""

from __future__ import annotations

import errno
import http.client
import os
import socket

from mailer.errors import MailerError

_BACKLOG = 1024
#: Long enough for a loaded machine, short enough to be asked between two looks at the processes.
_ANSWER_SECONDS = 2.0
_REASONS = {
    errno.EADDRINUSE: "Another program is listening there; stop it, or set another [web] port "
    "in mailer.toml (for one run: MAILER_WEB__PORT).",
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


def check_free(host: str, port: int) -> None:
    """Raise CannotListen when the pages could not listen there now."""
    listen(host, port).close()


def is_ready(host: str, port: int) -> bool:
    """Whether the pages that listen there answer, and reach their database."""
    connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

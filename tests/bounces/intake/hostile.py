"""A mail server that misbehaves: each connection is given to a function that does what it likes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

#: Reads the client's lines and writes what it wants.
Behaviour = Callable[[BinaryIO], None]


@contextmanager
def hostile_server(*behaviours: Behaviour) -> Iterator[int]:
    """The port of a server on loopback; the last behaviour goes for all further connections."""
    server = socket.create_server(("127.0.0.1", 0))
    stopping, threads = threading.Event(), []

    def serve() -> None:
        number = 0
        while not stopping.is_set():
            with suppress(OSError):
                connection, _ = server.accept()
                behave = behaviours[min(number, len(behaviours) - 1)]
                number += 1
                thread = threading.Thread(target=_talk, args=(connection, behave), daemon=True)
                thread.start()
                threads.append(thread)

    main = threading.Thread(target=serve, daemon=True)
    main.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        stopping.set()
        with suppress(OSError), socket.create_connection(server.getsockname(), timeout=5):
            pass
        main.join(30)
        server.close()
        for thread in threads:
            thread.join(30)


def _talk(connection: socket.socket, behave: Behaviour) -> None:
    # Whoever leaves early ends it: a write then fails.
    with suppress(OSError, ValueError), connection, connection.makefile("rwb", buffering=0) as stream:
        connection.settimeout(60)
        behave(stream)


def imap(*, search: bytes = b"1", fetch: Callable[[BinaryIO], bytes | None]) -> Behaviour:
    """An IMAP server that is polite until mail is fetched; `fetch` may give the end of that answer."""

    def behave(stream: BinaryIO) -> None:
        stream.write(b"* OK [CAPABILITY IMAP4rev1 UIDPLUS] hello\r\n")
        for line in stream:
            tag, _, rest = line.partition(b" ")
            end: bytes | None = None
            verb = rest.upper()
            if verb.startswith(b"CAPABILITY"):
                stream.write(b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n")
            elif verb.startswith(b"SELECT"):
                stream.write(b"* 1 EXISTS\r\n")
            elif verb.startswith(b"UID SEARCH"):
                stream.write(b"* SEARCH " + search + b"\r\n")
            elif verb.startswith(b"UID FETCH"):
                end = fetch(stream)
            elif verb.startswith(b"LOGOUT"):
                stream.write(b"* BYE bye\r\n")
            stream.write(tag + b" " + (end or b"OK done") + b"\r\n")

    return behave


def give(stream: BinaryIO, raw: bytes, uid: int = 1) -> None:
    """One mail as the answer to FETCH."""
    stream.write(b"* 1 FETCH (UID %d BODY[]<0> {%d}\r\n" % (uid, len(raw)) + raw + b")\r\n")

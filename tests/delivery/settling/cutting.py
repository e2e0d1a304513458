"""A door before a real relay that slams at a chosen moment: inside a message, or before the answer to it."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

_MESSAGE_ID = re.compile(rb"\r\nMessage-ID: <([^>]+)>", re.IGNORECASE)
_TAKEN = b"queued as"
_RESET = struct.pack("ii", 1, 0)  #: close() sends RST


class Slam(Enum):
    """When the door slams, once."""

    NEVER = "never"
    INSIDE = "inside"  #: some hundred bytes after a Message-ID has gone through
    REPLY = "reply"  #: the relay took a message, and nobody is told


@dataclass
class Door:
    """Passes connections on to a port of this host."""

    target: int
    slam: Slam = Slam.NEVER
    port: int = 0
    slammed: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket | None = None

    @contextlib.contextmanager
    def standing(self) -> Iterator[Door]:
        """Take connections until the block ends."""
        with socket.create_server(("127.0.0.1", 0)) as self._listener:
            self.port = int(self._listener.getsockname()[1])
            threading.Thread(target=self._serve, daemon=True).start()
            yield self

    def _serve(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(OSError):
            while True:
                inner, _ = self._listener.accept()
                outer = socket.create_connection(("127.0.0.1", self.target))
                threading.Thread(target=self._up, args=(inner, outer), daemon=True).start()
                threading.Thread(target=self._down, args=(inner, outer), daemon=True).start()

    def _up(self, inner: socket.socket, outer: socket.socket) -> None:
        """What the sender says."""
        with contextlib.suppress(OSError):
            while data := inner.recv(512):
                # The piece that holds the Message-ID goes through, and nothing of this connection after it.
                outer.sendall(data)
                if self.slam is Slam.INSIDE and _MESSAGE_ID.search(data) and not self.slammed.is_set():
                    self.slammed.set()
                    return self._shut(inner, outer)
        self._shut(inner, outer)

    def _down(self, inner: socket.socket, outer: socket.socket) -> None:
        """What the relay says."""
        with contextlib.suppress(OSError):
            while data := outer.recv(65_536):
                if self.slam is Slam.REPLY and _TAKEN in data and not self.slammed.is_set():
                    self.slammed.set()
                    return self._shut(inner, outer)
                inner.sendall(data)
        self._shut(inner, outer)

    def _shut(self, inner: socket.socket, outer: socket.socket) -> None:
        for end in (inner, outer):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RDWR)
            end.close()

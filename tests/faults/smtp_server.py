"""An SMTP server that misbehaves by script, verb by verb, and logs what it accepted before it says so.

It takes pipelined commands as RFC 2920 3.1 allows them, the next message's MAIL, RCPT and DATA in
one group with a body included, and holds against a client what that RFC forbids.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from pathlib import Path
from typing import Any

from tests.faults.script import Rule, Script
from tests.faults.session import Session
from tests.faults.taken import Accepted, Book, Turned, judge, read_log

__all__ = ["Accepted", "Rule", "Script", "SmtpServer", "read_log"]


class SmtpServer:
    """Start with `async with server.running() as port`."""

    def __init__(
        self, script: Script | None = None, *, log: Path | None = None, keep_commands: bool = True
    ) -> None:
        self.script = script or Script()
        self.book = Book(log, self.script.keep_bodies)
        self.accepted: list[Accepted] = []
        self.turned: list[Turned] = []
        self.taken = 0
        self.commands: list[str] = []
        self.counts: Counter[str] = Counter()  #: commands by verb
        self.wrongs: Counter[str] = Counter()  #: what clients did that no RFC allows
        self.connections = 0
        self.sessions: set[Session] = set()
        self._keep_commands = keep_commands
        self._server: asyncio.Server | None = None
        self._port = 0
        self._away: asyncio.Task[None] | None = None

    @property
    def open_connections(self) -> int:
        """How many stand now."""
        return len(self.sessions)

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> Any:
        """Listen on loopback; gives the port."""
        self._port = port
        await self.listen()
        try:
            yield self._port
        finally:
            if self._away is not None:
                self._away.cancel()
            await self.leave()
            await asyncio.sleep(0)

    async def listen(self) -> None:
        """Begin, or begin again, to take connections."""
        if self._server is None:
            tls = self.script.tls if self.script.implicit_tls else None
            self._server = await asyncio.get_running_loop().create_server(
                lambda: Session(self), "127.0.0.1", self._port, ssl=tls, backlog=200
            )
            self._port = self._server.sockets[0].getsockname()[1]

    async def leave(self) -> None:
        """Stop listening and drop everybody: new connections are refused from now on."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for session in list(self.sessions):
            session.hang_up()

    def go_away(self, seconds: float) -> None:
        """Leave for a while."""

        async def story() -> None:
            await self.leave()
            await asyncio.sleep(seconds)
            await self.listen()

        if self._away is None or self._away.done():
            self._away = asyncio.get_running_loop().create_task(story())

    def saw(self, command: str, verb: str) -> None:
        """Count a command."""
        self.counts[verb] += 1
        if self._keep_commands:
            self.commands.append(command)

    def accept(self, recipient: str, sender: str, data: bytes, *, wrong: tuple[str, ...]) -> None:
        """Write it down; on its way to the disk before anybody is told."""
        message = judge(recipient, sender, data, wrong=wrong)
        self.taken += 1
        self.wrongs.update(wrong)
        if self._keep_commands:
            self.accepted.append(message)
        self.book.add(message)

    def turn(self, turned: Turned) -> None:
        """Write down that a step did not go as it should."""
        if self._keep_commands:
            self.turned.append(turned)
        self.book.add(turned)

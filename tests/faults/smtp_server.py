"""An SMTP server that misbehaves by script, verb by verb, and logs what it accepted before it says so."""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: What a step does when no rule speaks: the reply of a healthy server.
HEALTHY = {"connect": "220 ready", "mail": "250 2.1.0 ok", "rcpt": "250 2.1.5 ok", "data": "354 go on"}


@dataclass
class Rule:
    """At `verb`, for a recipient whose local part starts with `who`, or every `every`-th time: `do`.

    `do` is a reply, or one of: close, stall, nonsense, accept-close (log it, then hang up
    without a reply), two-replies.
    """

    verb: str
    do: str
    who: str = ""
    every: int = 1
    times: int | None = None  #: how often it may fire
    seen: int = 0
    fired: int = 0

    def fires(self, verb: str, recipient: str) -> bool:
        """Whether this is the step to misbehave at."""
        if verb != self.verb or not recipient.startswith(self.who):
            return False
        self.seen += 1
        if self.seen % self.every or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True


@dataclass
class Script:
    """How the server behaves."""

    rules: list[Rule] = field(default_factory=list)
    offers: tuple[str, ...] = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")
    split_replies: bool = False  #: every reply byte by byte
    delay_seconds: float = 0.0  #: before each reply to the dot
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    starttls_offered: bool = True
    inject_before_tls: bytes = b""  #: sent in clear right behind the reply to STARTTLS
    password: str | None = None  #: AUTH is asked for before MAIL


@dataclass(frozen=True)
class Accepted:
    """One message the server said yes to, or hung up on after taking it."""

    recipient: str
    sender: str
    data: bytes  #: with the dots unstuffed

    @property
    def message_id(self) -> str:
        """The value of its Message-ID header."""
        for line in self.data.split(b"\r\n"):
            if line.lower().startswith(b"message-id:"):
                return line.partition(b":")[2].strip(b" <>").decode()
        return ""


class Hangup(Exception):
    """The script says: close now."""


class SmtpServer:
    """Start with `async with server.running() as port`."""

    def __init__(self, script: Script | None = None, *, log: Path | None = None) -> None:
        self.script = script or Script()
        self.accepted: list[Accepted] = []
        self.commands: list[str] = []
        self.connections = 0
        self.open_connections = 0
        self._log = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600) if log else None
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> Any:
        """Listen on loopback; gives the port."""
        tls = self.script.tls if self.script.implicit_tls else None
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=tls, limit=1 << 24)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        self.open_connections += 1
        try:
            await _Session(self, reader, writer).run()
        except (Hangup, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open_connections -= 1
            writer.transport.abort()

    def accept(self, message: Accepted) -> None:
        """Write it down; on disk before anybody is told."""
        self.accepted.append(message)
        if self._log is not None:
            line = {
                "to": message.recipient,
                "from": message.sender,
                "data": base64.b64encode(message.data).decode(),
            }
            os.write(self._log, json.dumps(line).encode() + b"\n")


class _Session:
    def __init__(
        self, server: SmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.script = server.script
        self.reader = reader
        self.writer = writer
        self.sender = ""
        self.recipient = ""
        self.secure = self.script.implicit_tls
        self.signed_in = self.script.password is None

    async def run(self) -> None:
        await self.step("connect")
        while line := await self.reader.readline():
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            self.server.commands.append(text)
            verb, _, rest = text.partition(" ")
            handler = getattr(self, "on_" + verb.lower(), None)
            if handler is None:
                await self.say("500 5.5.2 what")
            else:
                await handler(rest)

    async def step(self, verb: str) -> bool:
        """Do what the script says at this step; True: the healthy thing happened."""
        for rule in self.script.rules:
            if rule.fires(verb, self.recipient):
                return await self.misbehave(rule.do)
        await self.say(HEALTHY[verb])
        return True

    async def misbehave(self, do: str) -> bool:
        if do == "close":
            raise Hangup
        if do == "stall":
            await asyncio.sleep(3600)
        if do == "nonsense":
            await self.say("HTTP/1.1 400 Bad Request")
        elif do == "two-replies":
            await self.say("250 ok\r\n250 and again")
        else:
            await self.say(do)
            if do.startswith("421"):
                raise Hangup
        return do.startswith(("2", "3"))

    async def say(self, reply: str) -> None:
        data = reply.encode() + b"\r\n"
        for piece in [data[i : i + 1] for i in range(len(data))] if self.script.split_replies else [data]:
            self.writer.write(piece)
            await self.writer.drain()
            if self.script.split_replies:
                await asyncio.sleep(0)

    async def on_ehlo(self, rest: str) -> None:
        offers = list(self.script.offers)
        if self.script.tls is not None and not self.secure and self.script.starttls_offered:
            offers.append("STARTTLS")
        if self.script.password is not None:
            offers.append("AUTH PLAIN LOGIN")
        lines = ["mail.example", *offers]
        await self.say(
            "\r\n".join(f"250{'-' if i < len(lines) - 1 else ' '}{x}" for i, x in enumerate(lines))
        )

    async def on_starttls(self, rest: str) -> None:
        assert self.script.tls is not None
        self.writer.write(b"220 go\r\n" + self.script.inject_before_tls)
        await self.writer.drain()
        await self.writer.start_tls(self.script.tls)
        self.secure = True

    async def on_auth(self, rest: str) -> None:
        _, _, encoded = rest.partition(" ")
        password = base64.b64decode(encoded).split(b"\0")[-1].decode()
        self.signed_in = password == self.script.password
        await self.say("235 2.7.0 welcome" if self.signed_in else "535 5.7.8 no")

    async def on_mail(self, rest: str) -> None:
        self.sender, self.recipient = rest.partition("<")[2].partition(">")[0], ""
        if not self.signed_in:
            return await self.say("530 5.7.0 sign in first")
        if not await self.step("mail"):
            self.sender = ""

    async def on_rcpt(self, rest: str) -> None:
        if not self.sender:
            return await self.say("503 5.5.1 MAIL first")
        self.recipient = rest.partition("<")[2].partition(">")[0]
        if not await self.step("rcpt"):
            self.recipient = ""

    async def on_data(self, rest: str) -> None:
        if not self.recipient:
            return await self.say("503 5.5.1 RCPT first")
        if not await self.step("data"):
            return None
        data = await self.read_body()
        for rule in self.script.rules:
            if rule.fires("dot", self.recipient):
                return await self.misbehave_at_dot(rule.do, data)
        self.take(data)
        if self.script.delay_seconds:
            await asyncio.sleep(self.script.delay_seconds)
        await self.say("250 2.0.0 taken")

    async def misbehave_at_dot(self, do: str, data: bytes) -> None:
        if do == "accept-close":
            self.take(data)
            raise Hangup
        if await self.misbehave(do):
            self.take(data)

    async def read_body(self) -> bytes:
        raw = b""
        while not raw.endswith(b"\r\n.\r\n") and raw != b".\r\n":
            line = await self.reader.readuntil(b"\n")
            raw += line
        body = raw[:-3]
        return (
            body[1:].replace(b"\r\n..", b"\r\n.")
            if body.startswith(b"..")
            else body.replace(b"\r\n..", b"\r\n.")
        )

    def take(self, data: bytes) -> None:
        self.server.accept(Accepted(self.recipient, self.sender, data))

    async def on_rset(self, rest: str) -> None:
        self.sender = self.recipient = ""
        await self.say("250 2.0.0 reset")

    async def on_noop(self, rest: str) -> None:
        await self.say("250 2.0.0 ok")

    async def on_quit(self, rest: str) -> None:
        await self.say("221 2.0.0 bye")
        raise Hangup


def read_log(path: Path) -> list[Accepted]:
    """What a server in another process accepted."""
    if not path.exists():
        return []
    entries = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
    return [Accepted(entry["to"], entry["from"], base64.b64decode(entry["data"])) for entry in entries]


def rules_from(text: str) -> Sequence[Rule]:
    """Rules as JSON, for a server in another process."""
    return [Rule(**entry) for entry in json.loads(text)]


async def _main(arguments: argparse.Namespace) -> None:
    script = Script(rules=list(rules_from(arguments.rules)), delay_seconds=arguments.delay)
    server = SmtpServer(script, log=arguments.log)
    async with server.running(arguments.port) as port:
        print(port, flush=True)
        await asyncio.Event().wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--rules", default="[]")
    parser.add_argument("--delay", type=float, default=0.0)
    return parser.parse_args()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(_options()))

"""One connection of the misbehaving server: the dialogue, the faults at each step, a strict reading of the rest."""

from __future__ import annotations

import asyncio
import base64
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

from tests.faults.script import HEALTHY
from tests.faults.taken import Turned, message_id_of

if TYPE_CHECKING:
    from tests.faults.smtp_server import SmtpServer

#: RFC 2920 3.1: these end a group; nothing may follow them before their reply was read.
_LAST_OF_A_GROUP = frozenset({"ehlo", "data", "quit", "noop", "auth", "starttls"})
_MAX_LINE = 1000  # with its CRLF, RFC 5321 4.5.3.1.6


class Session(asyncio.Protocol):
    """Reads commands and bodies as they come, answers in order, in as few packets as the client gave."""

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self.script = server.script
        self.transport: Any = None
        self.buffer = bytearray()
        self.searched = 0  # how much of a body was looked at for its end
        self.out: list[bytes] = []
        self.in_body = False
        self.blocked = False  # by a delay or a stall: what comes in waits
        self.closed = False
        self.confused = False  # this side broke the pairing of replies with commands first
        self.sender: str | None = None
        self.recipient = ""
        self.parameters: list[str] = []
        self.bodies = 0
        self.unanswered: Turned | None = None  # a body that was taken, its reply waits
        self.secure = self.script.implicit_tls
        self.signed_in = self.script.password is None
        self.drops = bytearray()  # what is to leave byte by byte
        self.dripping: asyncio.Task[None] | None = None

    # --- the transport --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self.transport = transport
        self.server.connections += 1
        self.server.sessions.add(self)
        self.step("connect")
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self.closed = True
        self.server.sessions.discard(self)

    def data_received(self, data: bytes) -> None:
        """More of the dialogue."""
        self.buffer += data
        self.pump()

    def pump(self) -> None:
        """Go as far as what came in allows, then answer all of it at once."""
        while not (self.blocked or self.closed):
            if not (self.read_body() if self.in_body else self.read_command()):
                break
        self.flush()

    def flush(self) -> None:
        """The log first, then the replies."""
        self.server.book.write()
        if not self.out or self.closed:
            return
        data, self.out = b"".join(self.out), []
        if not self.script.split_replies:
            self.transport.write(data)
            return
        self.drops += data
        if self.dripping is None or self.dripping.done():
            self.dripping = asyncio.get_running_loop().create_task(self.drip())

    async def drip(self) -> None:
        """One byte per turn of the loop."""
        while self.drops and not self.closed:
            self.transport.write(bytes(self.drops[:1]))
            del self.drops[:1]
            await asyncio.sleep(0)

    def hang_up(self, *, reset: bool = False) -> None:
        """Send what was said so far and close; with a RST if asked."""
        if self.unanswered is not None:
            self.server.turn(self.unanswered)
        elif self.in_body:
            self.server.turn(Turned(self.recipient, self.sender or "", "body", "left", "", time.time()))
        self.flush()
        if self.drops and not self.closed:
            self.transport.write(bytes(self.drops))
        self.closed = True
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()
        self.server.sessions.discard(self)

    def wait(self, seconds: float) -> None:
        """Read nothing for a while."""
        self.blocked = True
        asyncio.get_running_loop().call_later(seconds, self.go_on)

    def go_on(self) -> None:
        """After a delay."""
        self.blocked = False
        self.unanswered = None
        self.pump()

    # --- steps and their faults -----------------------------------------------------------

    def say(self, reply: str) -> None:
        """Queue a reply."""
        self.out.append(reply.encode() + b"\r\n")

    def wrong(self, what: str) -> None:
        """A client that does this would break at some server."""
        if not self.confused:
            self.server.wrongs[what] += 1

    def rule_for(self, verb: str) -> str | None:
        """What the script wants at this step, if anything."""
        name = self.recipient or self.sender or ""
        for rule in self.script.rules:
            if rule.fires(verb, name, taken=self.server.taken):
                return rule.do
        return None

    def step(self, verb: str) -> bool:
        """Do what the script says; True: the healthy thing happened."""
        do = self.rule_for(verb)
        if do is None:
            self.say(HEALTHY[verb])
            return True
        return self.misbehave(verb, do)

    def misbehave(self, verb: str, do: str, *, message_id: str = "") -> bool:
        """One fault; True when the dialogue goes on as if all were well."""
        word, _, rest = do.partition(" ")
        self.confused = self.confused or word in ("two-replies", "no-reply", "nonsense")
        if word == "wait":
            self.flush()
            self.wait(float(rest))
            self.say(HEALTHY[verb])
            return True
        if word == "reply-close":
            self.say(HEALTHY[verb])
            self.in_body = verb == "data"  # it may be on its way already
            self.hang_up()
            return True
        if word == "no-reply":
            return True
        turned = Turned(self.recipient, self.sender or "", verb, do, message_id, time.time())
        self.server.turn(turned)
        if word in ("close", "reset"):
            self.hang_up(reset=word == "reset")
        elif word == "stall":
            self.flush()
            self.blocked = True
        elif word == "away":
            self.server.go_away(float(rest))
            self.blocked = True
        elif word == "nonsense":
            self.say("HTTP/1.1 400 Bad Request")
        elif word == "two-replies":
            self.say("250 ok\r\n250 and again")
        else:
            self.say(do)
            if do.startswith("421"):
                self.hang_up()
            return do.startswith(("2", "3"))
        return False

    # --- commands -------------------------------------------------------------------------

    def read_command(self) -> bool:
        """One line, if it is here."""
        end = self.buffer.find(b"\n")
        if end < 0:
            return False
        line = self.buffer[:end].rstrip(b"\r").decode("utf-8", "surrogateescape")
        del self.buffer[: end + 1]
        verb, _, rest = line.partition(" ")
        verb = verb.lower()
        self.server.saw(line, verb)
        if self.buffer and (verb in _LAST_OF_A_GROUP or "PIPELINING" not in self.script.names):
            self.wrong(f"spoke on after {verb} without waiting")
        handler = getattr(self, "on_" + verb, None)
        if handler is None:
            self.wrong("an unknown command")
            self.say("500 5.5.2 what")
        else:
            handler(rest)
        return True

    def on_ehlo(self, rest: str) -> None:
        """Offer what the script offers."""
        do = self.rule_for("ehlo")
        if do is not None:
            self.misbehave("ehlo", do)
            return
        offers = list(self.script.offers)
        if self.script.tls is not None and not self.secure and self.script.starttls_offered:
            offers.append("STARTTLS")
        if self.script.password is not None:
            offers.append("AUTH PLAIN LOGIN")
        lines = ["mail.example", *offers]
        for index, line in enumerate(lines):
            self.say(f"250{'-' if index < len(lines) - 1 else ' '}{line}")

    def on_starttls(self, rest: str) -> None:
        """Turn to TLS once the reply is out."""
        assert self.script.tls is not None
        self.out.append(b"220 go\r\n" + self.script.inject_before_tls)
        self.flush()
        self.blocked = True
        self.buffer.clear()  # what was said in clear does not count
        loop = asyncio.get_running_loop()

        async def story() -> None:
            try:
                secured = await loop.start_tls(self.transport, self, self.script.tls, server_side=True)  # type: ignore[arg-type]  # checked above
            except OSError:
                self.transport.abort()
                return
            self.transport, self.secure = secured, True
            self.go_on()

        self.dripping = loop.create_task(story())

    def on_auth(self, rest: str) -> None:
        """PLAIN with an initial response."""
        _, _, encoded = rest.partition(" ")
        password = base64.b64decode(encoded).split(b"\0")[-1].decode()
        self.signed_in = password == self.script.password
        self.say("235 2.7.0 welcome" if self.signed_in else "535 5.7.8 no")

    def on_mail(self, rest: str) -> None:
        """A new transaction."""
        path, _, parameters = rest.partition("<")[2].partition(">")
        if self.sender is not None:
            self.wrong("MAIL inside a transaction")
        self.sender, self.recipient, self.parameters = path, "", parameters.split()
        if not self.signed_in:
            self.sender = None
            self.say("530 5.7.0 sign in first")
            return
        self.check_parameters()
        if not self.step("mail"):
            self.sender = None

    def check_parameters(self) -> None:
        """RFC 5321 2.2.1: a parameter is for a server that offered its extension."""
        keyword_of = {
            "SIZE": "SIZE",
            "BODY": "8BITMIME",
            "SMTPUTF8": "SMTPUTF8",
            "RET": "DSN",
            "ENVID": "DSN",
        }
        for parameter in self.parameters:
            keyword = keyword_of.get(parameter.partition("=")[0])
            if keyword not in self.script.names:
                self.wrong("a parameter that was not offered")

    def on_rcpt(self, rest: str) -> None:
        """The one recipient."""
        if self.sender is None:
            self.say("503 5.5.1 MAIL first")
            return
        path, _, parameters = rest.partition("<")[2].partition(">")
        if parameters and "DSN" not in self.script.names:
            self.wrong("a parameter that was not offered")
        if not path.isascii() and "SMTPUTF8" not in self.parameters:
            self.wrong("an address outside ASCII without SMTPUTF8")
        self.recipient = path
        if not self.step("rcpt"):
            self.recipient = ""

    def on_data(self, rest: str) -> None:
        """The body follows, if all is well."""
        if not self.recipient and not (self.script.data_without_rcpt and self.sender is not None):
            self.say("503 5.5.1 RCPT first")
        elif self.step("data"):
            self.in_body, self.searched = True, 0

    def on_rset(self, rest: str) -> None:
        """Forget the transaction."""
        self.sender, self.recipient = None, ""
        self.step("rset")

    def on_noop(self, rest: str) -> None:
        """Say something."""
        self.step("noop")

    def on_quit(self, rest: str) -> None:
        """Goodbye."""
        self.step("quit")
        if not self.closed and not self.blocked:
            self.hang_up()

    # --- bodies ---------------------------------------------------------------------------

    def read_body(self) -> bool:
        """The body, if its end is here."""
        if not self.buffer:
            return False
        if self.searched == 0 and (do := self.rule_for("body")) is not None:
            self.in_body = False  # it is told of here
            self.misbehave("body", do)
            self.in_body = not self.closed
            if self.closed or self.blocked:
                return False
        if self.buffer.startswith(b".\r\n"):
            end = 0
        else:
            found = self.buffer.find(b"\r\n.\r\n", max(0, self.searched - 4))
            if found < 0:
                self.searched = len(self.buffer)
                return False
            end = found + 2
        raw = bytes(self.buffer[:end])
        del self.buffer[: end + 3]
        self.in_body = False
        self.end_of_body(raw)
        return True

    def end_of_body(self, raw: bytes) -> None:
        """Judge it, take it, say so."""
        wrong = self.strictly(raw)
        data = raw.replace(b"\r\n..", b"\r\n.")
        data = data[1:] if data.startswith(b"..") else data
        recipient, sender = self.recipient, self.sender or ""
        do = self.rule_for("dot") if recipient else "554 5.5.1 no valid recipients"
        if do is None or do.startswith(("accept-", "2", "wait", "reply-close", "no-reply")):
            self.server.accept(recipient, sender, data, wrong=wrong)
            self.server.book.write()
            if do is None and self.script.delay_seconds:
                self.flush()
                self.unanswered = Turned(recipient, sender, "dot", "left", message_id_of(data), time.time())
                self.wait(self.script.delay_seconds)
        if do is None:
            self.say(HEALTHY["dot"])
        else:
            self.misbehave("dot", do.removeprefix("accept-"), message_id=message_id_of(data))
        self.sender, self.recipient = None, ""
        self.bodies += 1
        if self.script.messages_per_connection == self.bodies and not self.closed:
            self.hang_up()

    def strictly(self, raw: bytes) -> tuple[str, ...]:
        """What is wrong with the bytes as they came over the wire (RFC 5321 4.5.2, 2.3.8; RFC 6152, 1870)."""
        if not raw:
            return ()
        wrong = []
        lines = raw.count(b"\r\n")
        if raw.count(b"\n") != lines or raw.count(b"\r") != lines:
            wrong.append("a bare CR or LF")
        if b"\r\n." in (b"\r\n" + raw).replace(b"\r\n..", b"x"):
            wrong.append("a dot that is not stuffed")
        if max(map(len, raw.split(b"\r\n"))) + 2 > _MAX_LINE + 1:
            wrong.append("a line that is too long")
        if not raw.isascii() and "BODY=8BITMIME" not in self.parameters:
            wrong.append("8-bit bytes without BODY=8BITMIME")
        sizes = [int(p[5:]) for p in self.parameters if p.startswith("SIZE=")]
        stuffed = raw.count(b"\r\n..") + raw.startswith(b"..")
        if sizes and sizes[0] != len(raw) - stuffed:
            wrong.append("a SIZE that is not the size")
        return tuple(wrong)

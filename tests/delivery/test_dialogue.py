"""Laws of the SMTP dialogue, against a server that answers as it likes, in whatever packets (law 2, A53, A64)."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.addresses import parse_address
from mailer.delivery.classify import Reply as ServerReply
from mailer.delivery.classify import classify, goes_on
from mailer.delivery.courier import BodyWithheld, Go
from mailer.delivery.dialogue import Dialogue
from mailer.delivery.esmtp import Extensions
from mailer.delivery.model import Envelope, Outcome, OutcomeKind, Verb
from tests.delivery.world import SHORT, Package

PIPELINES = {"pipelining": "", "8bitmime": ""}
#: What a server says when it does not go on.
NO = {
    "later": "451 4.3.0 later",
    "no": "554 5.7.1 no",
    "bye": "421 4.3.2 closing",
    "odd": "199 what",
}
YES = {
    Verb.MAIL: "250 2.1.0 ok",
    Verb.RCPT: "250 2.1.5 ok",
    Verb.DATA: "354 go on",
    Verb.DOT: "250 2.0.0 taken",
}


@dataclass
class Server:
    """Reads what the dialogue writes; its replies wait until the test lets them out."""

    choose: Any  #: (verb) -> key of NO, or "" to go on
    name: str = ""  #: of the recipient that the transaction is about
    in_body: bool = False
    has_sender: bool = False
    has_recipient: bool = False
    unread: bytes = b""
    replies: bytes = b""
    taken: list[str] = field(default_factory=list)  #: bodies that got a yes
    bodies: list[str] = field(default_factory=list)  #: bodies that came whole
    said: dict[tuple[str, Verb], str] = field(default_factory=dict)

    # --- the transport that the wire writes to --------------------------------------------

    is_gone: bool = False

    def set_protocol(self, protocol: Any) -> None:
        """The wire takes over."""

    def is_closing(self) -> bool:
        """Whether the connection ended."""
        return self.is_gone

    def abort(self) -> None:
        """The other side hangs up."""
        self.is_gone = True

    def write(self, data: bytes) -> None:
        """Take bytes in and answer every whole line or body among them."""
        assert not self.is_gone
        self.unread += data
        while True:
            end = b"\r\n.\r\n" if self.in_body and not self.unread.startswith(b".\r\n") else b"\r\n"
            line, found, rest = self.unread.partition(end)
            if not found:
                return
            self.unread = rest
            self._body() if self.in_body else self._command(line.decode())

    def _command(self, line: str) -> None:
        word = line.partition(":")[0].partition(" ")[0]
        if word == "RSET":
            return self._reply("250 2.0.0 reset")
        if word == "QUIT":
            return self._reply("221 2.0.0 bye")
        verb = Verb(word.lower())
        if verb is Verb.MAIL:
            self.name, self.has_recipient = line.partition("+")[2].partition("@")[0], False
        elif verb is Verb.RCPT and not self.has_sender:
            return self._reply("503 5.5.1 no sender")
        if verb is Verb.DATA and not self.has_recipient:
            # RFC 2920 3.1: some servers say 354 to DATA without a recipient.
            self.in_body = self.choose("empty") == ""
            return self._reply("354 go on" if self.in_body else "503 5.5.1 no recipient")
        says = self._answer(verb)
        if verb is Verb.MAIL:
            self.has_sender = goes_on(verb, says)
        if verb is Verb.RCPT:
            self.has_recipient = goes_on(verb, says)
        self.in_body = verb is Verb.DATA and goes_on(verb, says)

    def _body(self) -> None:
        self.in_body = False
        if not self.has_recipient:
            return self._reply("554 5.5.1 no recipient")
        self.has_recipient = False
        self.bodies.append(self.name)
        if goes_on(Verb.DOT, self._answer(Verb.DOT)):
            self.taken.append(self.name)

    def _answer(self, verb: Verb) -> ServerReply:
        text = NO[no] if (no := self.choose(verb)) else YES[verb]
        self.said[self.name, verb] = text
        self._reply(f"{text} {self.name}")
        return ServerReply(int(text[:3]), text[4:])

    def _reply(self, text: str) -> None:
        self.replies += text.encode() + b"\r\n"


@dataclass
class Story:
    """One connection: parcels on this side, a server on the other, and whoever decides what happens next."""

    data: st.DataObject
    pipelining: bool
    packages: list[Package] = field(default_factory=list)
    goes: deque[Go] = field(default_factory=deque)
    withheld: int = 0

    def draw(self, *choices: Any) -> Any:
        """One of these."""
        return self.data.draw(st.sampled_from(choices))

    def package(self, number: int) -> Package:
        """A message that names its recipient in every command."""
        return Package(_envelope(number), f"to n{number}\r\n".encode(), before_body=self.goes.append)

    async def tell(self, count: int) -> Server:
        """Offer so many parcels and let everything happen in a drawn order."""
        self.packages = [self.package(number) for number in range(count)]
        waiting = deque(self.packages)
        server = Server(
            lambda verb: self.draw("", "", "", *NO) if isinstance(verb, Verb) else self.draw("", "no")
        )
        dialogue = Dialogue(Extensions.offered(PIPELINES if self.pipelining else {}), SHORT)
        dialogue.wire.take_over(server)  # type: ignore[arg-type]  # it has what a wire uses
        carrying = asyncio.ensure_future(
            dialogue.carry(waiting.popleft(), lambda: waiting.popleft() if waiting else None)
        )
        await asyncio.sleep(0)
        while not carrying.done():
            open_ends = [one for one in self.packages if not one.outcomes and not one.withheld_for]
            left = [one for one in open_ends if one.envelope.recipient.local in server.bodies]
            assert len(left) <= 1, "two bodies without an answer"
            self._one_step(server, dialogue)
            await asyncio.sleep(0)
        await carrying
        self.packages = [one for one in self.packages if one not in waiting]
        return server

    def _one_step(self, server: Server, dialogue: Dialogue) -> None:
        steps = ["close"] * (self.data.draw(st.integers(0, 19)) == 0)
        steps += ["read"] * bool(server.replies) + ["go"] * bool(self.goes)
        match self.draw(*steps) if steps else "close":
            case "go":
                refused = self.draw(False, False, False, False, True)
                self.withheld += refused
                self.goes.popleft()(BodyWithheld() if refused else None)
            case "read":
                size = self.data.draw(st.integers(1, len(server.replies)))
                packet, server.replies = server.replies[:size], server.replies[size:]
                dialogue.wire.data_received(packet)
            case _:
                dialogue.wire.connection_lost(None)


def expected(server: Server, name: str) -> Outcome | None:
    """What the server's own words mean for this recipient; None: it did not get to say."""
    for verb in (Verb.MAIL, Verb.RCPT, Verb.DATA, Verb.DOT):
        text = server.said.get((name, verb))
        if text is None:
            return None
        reply = ServerReply(int(text[:3]), f"{text[4:]} {name}")
        if verb is Verb.DOT or not goes_on(verb, reply):
            return classify(verb, reply)
    return None


@pytest.mark.parametrize("pipelining", [True, False])
@settings(max_examples=300)
@given(data=st.data(), count=st.integers(1, 6))
def test_every_parcel_is_told_once_what_the_server_said_of_it_and_of_no_other(
    pipelining: bool, data: st.DataObject, count: int
) -> None:
    """Law 2: accepted is what the server took; what it may have taken is unknown; the rest never left."""
    story = Story(data, pipelining)
    server = asyncio.run(story.tell(count))
    for package in story.packages:
        name = package.envelope.recipient.local
        assert len(package.outcomes) + len(package.withheld_for) == 1, name
        if package.withheld_for:
            assert name not in server.bodies
            continue
        said, kind = expected(server, name), package.outcome.kind
        # The connection may have ended before the server's words were read.
        assert package.outcome == said or package.outcome.reply_code is None
        assert (kind is OutcomeKind.UNKNOWN) <= (name in server.bodies)
        if kind is OutcomeKind.ACCEPTED:
            assert name in server.taken
        if name in server.taken:
            assert kind in (OutcomeKind.ACCEPTED, OutcomeKind.UNKNOWN)
    assert sum(package.outcomes == [] for package in story.packages) == story.withheld


@given(data=st.data(), count=st.integers(1, 6))
def test_a_connection_given_up_leaves_in_doubt_only_what_was_on_the_wire(
    data: st.DataObject, count: int
) -> None:
    """SIGTERM after stop_seconds: a body without an answer is unknown, everything else goes back."""

    async def story() -> tuple[list[Package], Server]:
        packages = [Package(_envelope(number), b"x\r\n") for number in range(count)]
        waiting = deque(packages)
        server = Server(lambda _verb: "")
        dialogue = Dialogue(Extensions.offered(PIPELINES), SHORT)
        dialogue.wire.take_over(server)  # type: ignore[arg-type]  # it has what a wire uses
        carrying = asyncio.ensure_future(
            dialogue.carry(waiting.popleft(), lambda: waiting.popleft() if waiting else None)
        )
        await asyncio.sleep(0)
        for _ in range(data.draw(st.integers(0, 3 * count))):
            size = data.draw(st.integers(0, len(server.replies)))
            packet, server.replies = server.replies[:size], server.replies[size:]
            if packet:
                dialogue.wire.data_received(packet)
        assert dialogue.in_flight == sum(not one.outcomes for one in packages if one not in waiting)
        carrying.cancel()
        await asyncio.wait([carrying])
        return [one for one in packages if one not in waiting], server

    packages, server = asyncio.run(story())
    for package in packages:
        name = package.envelope.recipient.local
        if package.outcome.kind is not OutcomeKind.ACCEPTED:
            left = name in server.bodies
            assert package.outcome.kind is (OutcomeKind.UNKNOWN if left else OutcomeKind.ROUTE_DOWN)


def _envelope(number: int) -> Envelope:
    return Envelope(f"b+n{number}@x.example", parse_address(f"n{number}@example.net"), "e")

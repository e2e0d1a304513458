"""The SMTP transactions of one connection, each reply paired with its command (RFC 5321 3.3, RFC 2920).

Where the server pipelines, the commands of the next message travel with the body of the one
before it (RFC 2920 3.1), so a message costs one write and one read. Its own body waits for its
354, and that comes after the answer to the body before: one body at most is without an answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import partial

from mailer.delivery.classify import Reply, classify, goes_on, lost
from mailer.delivery.courier import BodyWithheld, Following, Parcel
from mailer.delivery.esmtp import Extensions, Unsendable, check_bytes, mail_command, rcpt_command, stuffed
from mailer.delivery.model import Outcome, OutcomeKind, Verb
from mailer.delivery.wire import Wire

_OURS = "The connection was closed by this side."
_UNASKED = "sent a reply that nothing asked for."
#: Without PIPELINING: the command after a reply that goes on, by its place in the transaction.
_NEXT = {Verb.MAIL: (1, Verb.RCPT), Verb.RCPT: (2, Verb.DATA)}
_STOPPED = Outcome(OutcomeKind.ROUTE_DOWN, reply="The sender stopped.")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for the server at each step: not less than RFC 5321 4.5.3.2 asks (A55)."""

    connect: float = 300.0  #: the TCP handshake, TLS, the greeting and each reply until AUTH
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    dot: float = 600.0
    rset: float = 300.0
    quit: float = 2.0  #: politeness has a short patience


@dataclass(slots=True, eq=False)
class _Transaction:
    parcel: Parcel
    commands: tuple[bytes, ...]  #: MAIL, RCPT, DATA
    is_over: bool = False  #: its parcel was told; replies still owed to it are only read


class Dialogue:
    """Drives a connection that stands; it asks for the next parcel whenever it could offer one."""

    def __init__(self, extensions: Extensions, timeouts: Timeouts) -> None:
        self._extensions = extensions
        self._pipelines = extensions.pipelining
        self._timeouts = {verb: float(getattr(timeouts, verb.value)) for verb in Verb}
        self._loop = asyncio.get_running_loop()
        self._following: Following = _nothing
        #: What every reply to come belongs to; None: nobody waits for it.
        self._owed: deque[tuple[Verb, _Transaction | None]] = deque()
        self._at_body: _Transaction | None = None  #: asked for its body, the intent is being written
        self._idle: asyncio.Future[None] | None = None
        self._shortest = min(self._timeouts.values())
        self._since = 0.0  #: the server has had its time from here: the last reply, or what was sent later
        self._timer: asyncio.TimerHandle | None = None
        self.is_proven = False  #: a recipient was judged
        self.wire = Wire(replied=self._replied, broke=self._broke)

    @property
    def in_flight(self) -> int:
        """Parcels offered and not over."""
        return len(self._unfinished())

    async def carry(self, first: Parcel, following: Following) -> None:
        """Offer parcels until there is none; see Courier.deliver."""
        if not self.wire.is_open:
            return first.ended(lost(Verb.MAIL, "The connection is closed."))
        self._following = following
        idle = self._idle = self._loop.create_future()
        self._offer(self._transaction(first) or self._pull())
        try:
            await idle
        except asyncio.CancelledError:
            self._abandon()
            raise
        finally:
            self._following, self._idle = _nothing, None

    async def quit(self) -> None:
        """QUIT, and wait a moment for the reply."""
        if not self.wire.is_open or self._owed:
            return self.wire.close(_OURS)
        self._idle = self._loop.create_future()
        self._send(b"QUIT\r\n", (Verb.QUIT, None))
        try:
            await self._idle
        finally:
            self.wire.close(_OURS)

    # --- offering -------------------------------------------------------------------------

    def _transaction(self, parcel: Parcel) -> _Transaction | None:
        """The commands for one parcel; None: it can never go through this server, and was told."""
        try:
            check_bytes(parcel.data)
            mail = mail_command(parcel.envelope, self._extensions, parcel.data)
            rcpt = rcpt_command(parcel.envelope, self._extensions)
        except Unsendable as refusal:
            parcel.ended(Outcome(OutcomeKind.REJECTED, status=refusal.status, reply=str(refusal)))
            return None
        return _Transaction(parcel, (mail, rcpt, b"DATA\r\n"))

    def _pull(self) -> _Transaction | None:
        while (parcel := self._following()) is not None:
            if (transaction := self._transaction(parcel)) is not None:
                return transaction
        return None

    def _offer(self, transaction: _Transaction | None, *, before: bytes = b"") -> None:
        """Begin a transaction; `before`: the body that goes out in the same write."""
        if transaction is None:
            if before:
                self.wire.send(before)
            return self._rest()
        mail, rcpt, data = transaction.commands
        if self._pipelines:
            owed = ((Verb.MAIL, transaction), (Verb.RCPT, transaction), (Verb.DATA, transaction))
            self._send(b"".join((before, mail, rcpt, data)), *owed)
        else:
            self._send(mail, (Verb.MAIL, transaction))

    def _send(self, data: bytes, *owed: tuple[Verb, _Transaction | None]) -> None:
        self._owe(*owed)
        self.wire.send(data)

    def _owe(self, *owed: tuple[Verb, _Transaction | None]) -> None:
        self._owed.extend(owed)
        self._since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._shortest, self._look)

    def _rest(self) -> None:
        """Wake who waits, if nothing is under way."""
        if not self._owed and self._at_body is None and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    # --- hearing --------------------------------------------------------------------------

    def _replied(self, reply: Reply) -> None:
        if not self._owed:
            # The next reply could otherwise be taken for the answer to another recipient's command;
            # but a server may say goodbye unasked (RFC 5321 3.8).
            words = f"closed the connection: 421 {reply.text}" if reply.code == 421 else _UNASKED
            return self.wire.close(f"The server {words}")
        verb, transaction = self._owed.popleft()
        self._since = self._loop.time()
        if transaction is None or transaction.is_over:
            return self._cleared(verb, reply)
        if verb is Verb.DOT:
            self._answered(transaction, reply)
        elif not goes_on(verb, reply):
            self._refused(transaction, verb, reply)
        elif verb is Verb.DATA:
            self.is_proven = True
            self._at_body = transaction
            transaction.parcel.before_body(partial(self._go, transaction))
        elif not self._pipelines:
            index, following = _NEXT[verb]
            self._send(transaction.commands[index], (following, transaction))

    def _go(self, transaction: _Transaction, withheld: BodyWithheld | None) -> None:
        """The intent is written, or forbidden; a transaction that is over by now lets nothing out."""
        if transaction is not self._at_body:
            return None
        if withheld is None and not self.wire.is_open:
            return self.wire.close("The connection was lost.")
        self._at_body = None
        if withheld is not None:
            transaction.is_over = True
            transaction.parcel.withheld(withheld)
            return self.wire.close("The body was withheld.")
        self._owe((Verb.DOT, transaction))
        following = self._pull() if self._pipelines else None
        self._offer(following, before=stuffed(transaction.parcel.data))

    def _answered(self, transaction: _Transaction, reply: Reply) -> None:
        self._end(transaction, classify(Verb.DOT, reply))
        if reply.code == 421:
            self.wire.close(f"The server closed the connection: 421 {reply.text}")
        elif reply.code // 100 not in (2, 4, 5):
            # Neither yes nor no: the reply after it could not be trusted either.
            self.wire.close("The server's reply made no sense.")
        elif not self._owed:
            self._offer(self._pull())

    def _refused(self, transaction: _Transaction, verb: Verb, reply: Reply) -> None:
        """Leave no half-open transaction behind a refusal; a failure there only costs the connection."""
        outcome = classify(verb, reply)
        is_routes = outcome.kind is OutcomeKind.ROUTE_DOWN
        self.is_proven = self.is_proven or (verb is Verb.RCPT and not is_routes)
        self._end(transaction, outcome)
        if is_routes or reply.code == 421 or reply.code // 100 not in (4, 5):
            self.wire.close(f"The server answered {verb} with {reply.code}.")
        elif not self._owed:
            self._send(b"RSET\r\n", (Verb.RSET, None))

    def _cleared(self, verb: Verb, reply: Reply) -> None:
        """A reply that decides about nobody: to what was pipelined behind a refusal, and to RSET."""
        if verb is Verb.DATA and goes_on(Verb.DATA, reply):
            # RFC 2920 3.1: 354 without a recipient: an empty message that nobody gets (A64).
            self._send(b".\r\nRSET\r\n", (Verb.DOT, None), (Verb.RSET, None))
        elif verb is Verb.RSET and not goes_on(verb, reply):
            self.wire.close("The server did not take RSET.")
        elif verb is Verb.RSET:
            self._offer(self._pull())
        elif verb is Verb.QUIT:
            self.wire.close(_OURS)
        elif not self._owed:
            self._send(b"RSET\r\n", (Verb.RSET, None))

    # --- ending ---------------------------------------------------------------------------

    def _end(self, transaction: _Transaction, outcome: Outcome) -> None:
        transaction.is_over = True
        transaction.parcel.ended(outcome)

    def _unfinished(self) -> dict[_Transaction, Verb]:
        """What is under way, in order, each with the reply that it waits for."""
        waiting: dict[_Transaction, Verb] = {}
        for verb, transaction in self._owed:
            if transaction is not None and not transaction.is_over:
                waiting.setdefault(transaction, verb)
        if self._at_body is not None:
            waiting[self._at_body] = Verb.DATA
        return waiting

    def _broke(self, words: str) -> None:
        """The wire is gone: each transaction ends by how far it got."""
        unfinished = self._unfinished()
        self._owed.clear()
        self._at_body = None
        for transaction, verb in unfinished.items():
            self._end(transaction, lost(verb, words))
        self._rest()

    def _abandon(self) -> None:
        """This side stops waiting: what left is unknown, what did not goes back."""
        for transaction, verb in self._unfinished().items():
            if verb is not Verb.DOT:
                self._end(transaction, _STOPPED)
        self._at_body = None
        self.wire.close("The sender stopped before the server's last reply was read.")

    # --- patience -------------------------------------------------------------------------

    def _look(self) -> None:
        """Give up on a reply that did not come in its time; one timer serves them all.

        It looks once in the shortest patience, so no later patience can run out between two looks.
        """
        self._timer = None
        if not self._owed:
            return
        patience = self._timeouts[self._owed[0][0]]
        left = self._since + patience - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(min(left, self._shortest), self._look)
        else:
            self.wire.close(f"The server did not answer within {patience:g} s.")


def _nothing() -> None:
    return None

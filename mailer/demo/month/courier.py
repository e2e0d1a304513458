"""The courier of the simulated world: takes the engine's messages, answers as the mailbox providers would."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

from mailer import clock
from mailer.delivery.classify import Reply, classify
from mailer.delivery.courier import BodyWithheld, Following, Parcel
from mailer.delivery.model import Verb
from mailer.demo.month.original import Coming, Original
from mailer.demo.month.people import Person
from mailer.demo.month.world import Answer, World

# As many messages are answered in one turn of the event loop: then the journal writes once for all of them.
_TOGETHER = 64
_SUBJECT = b"\r\nSubject: "


class WorldCourier:
    """delivery.Courier, without a wire. `comes_back` is told of everything that will."""

    def __init__(
        self,
        relay: str,
        world: World,
        people: Mapping[str, Person],
        *,
        comes_back: Callable[[Coming], None],
        attempts: Counter[tuple[int, str]],
    ) -> None:
        self.relay = relay
        self.is_open = False
        self.is_proven = False
        self.in_flight = 0
        self._world = world
        self._people = people
        self._comes_back = comes_back
        self._attempts = attempts  #: of messages that were put off, by person and subject

    async def connect(self) -> None:
        """There is nothing to connect to."""
        self.is_open = self.is_proven = True

    async def close(self) -> None:
        """Nor to take leave of."""
        self.is_open = False

    async def deliver(self, first: Parcel, following: Following) -> None:
        """See Courier.deliver."""
        parcel: Parcel | None = first
        while parcel is not None:
            answered: list[asyncio.Future[None]] = []
            while parcel is not None and len(answered) < _TOGETHER:
                answered.append(self._offer(parcel))
                parcel = following()
            await asyncio.gather(*answered)

    def _offer(self, parcel: Parcel) -> asyncio.Future[None]:
        """Answer one message; done once its end was told."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.in_flight += 1
        person = self._people[parcel.envelope.recipient.key]
        header = parcel.data[: parcel.data.index(b"\r\n\r\n")]
        subject = header[header.index(_SUBJECT) + len(_SUBJECT) :].partition(b"\r\n")[0].decode()
        attempt = self._attempts[person.number, subject] + 1
        answer = self._world.answer(person, subject, at=clock.now(), attempt=attempt)

        def go(withheld: BodyWithheld | None) -> None:
            if withheld is not None:
                parcel.withheld(withheld)
                self._over(done)
                return
            original = Original(person, parcel.envelope.return_path, header, clock.now())
            for what in answer.returns:
                self._comes_back(Coming(original, what))
            self._end(parcel, Verb.DOT, answer, done)

        if answer.is_taken:
            parcel.before_body(go)
        else:
            self._attempts[person.number, subject] += answer.code < 500
            self._end(parcel, Verb.RCPT, answer, done)
        return done

    def _end(self, parcel: Parcel, verb: Verb, answer: Answer, done: asyncio.Future[None]) -> None:
        parcel.ended(classify(verb, Reply(answer.code, answer.text)))
        self._over(done)

    def _over(self, done: asyncio.Future[None]) -> None:
        self.in_flight -= 1
        done.set_result(None)

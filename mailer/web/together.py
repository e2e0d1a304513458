"""Calls that want SQLite's one write lock go in together: what comes soon after a transaction shares the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from mailer import clock
from mailer.store import StoreError
from mailer.web.work import in_thread

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: A transaction of so many opt-outs holds the lock for some 30 ms.
MOST_AT_ONCE = 32
# Two transactions begin three times as far apart as the first took, but not more than 30 ms: on a busy machine,
# where one waits for a core, five opt-outs go in with the next, and five cost little more than one (`make bench`).
_APART = 3
_MOST_APART_SECONDS = 0.03


class Together(Generic[_Item, _Result]):
    """Runs `work` on what has gathered, one batch after the other; who comes alone waits for nobody.

    `work` gives a result per item, in order, and has changed nothing when it raises.
    """

    def __init__(self, work: Callable[[Sequence[_Item]], Sequence[_Result]]) -> None:
        self._work = work
        self._waiting: list[tuple[_Item, asyncio.Future[_Result]]] = []
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, item: _Item) -> _Result:
        """The item's result, once its transaction is committed; raises what `work` raised."""
        answer: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                began = clock.monotonic()
                await self._settle(batch)
                took = clock.monotonic() - began
                await asyncio.sleep(max(min(_APART * took, _MOST_APART_SECONDS) - took, 0))
        finally:
            self._running = None

    async def _settle(self, batch: Sequence[tuple[_Item, asyncio.Future[_Result]]]) -> None:
        try:
            results = await in_thread(self._work, [item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the answer
            if len(batch) > 1 and not isinstance(error, StoreError):
                # One of them is a bug's; the others must not share its fate.
                for one in batch:
                    await self._settle([one])
                return
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
        else:
            for (_, answer), result in zip(batch, results, strict=True):
                if not answer.done():  # the client may have gone away
                    answer.set_result(result)

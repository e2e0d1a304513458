"""Calls that gather while a transaction runs share the next one, and none answers for another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import httpx
import pytest

from mailer.store import StoreBusy
from mailer.web.together import MOST_AT_ONCE, Together
from tests.web.conftest import Desk

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


class Doubling:
    """Work that holds its first batch until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.begun.set()
        self.go.wait(10)
        return [item * 2 for item in items]


async def _gather(together: Together[int, int], work: Doubling, count: int) -> list[int]:
    """One call, and the others while it runs."""
    calls = [asyncio.create_task(together(0))]
    await asyncio.to_thread(work.begun.wait, 10)
    calls += [asyncio.create_task(together(number)) for number in range(1, count)]
    await asyncio.sleep(0.01)
    work.go.set()
    return await asyncio.gather(*calls)


def test_what_comes_while_one_runs_goes_into_the_next() -> None:
    work = Doubling()
    assert asyncio.run(_gather(Together(work), work, 6)) == [0, 2, 4, 6, 8, 10]
    assert work.batches == [[0], [1, 2, 3, 4, 5]]


def test_who_comes_alone_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    _apart(monkeypatch, seconds=3600)
    work = Doubling()
    work.go.set()
    assert asyncio.run(asyncio.wait_for(Together(work)(21), 10)) == 42
    assert work.batches == [[21]]


def test_who_comes_soon_after_a_transaction_goes_with_those_who_come_soon_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _apart(monkeypatch, seconds=0.5)
    work = Doubling()
    work.go.set()

    async def one_by_one() -> list[int]:
        together = Together(work)
        first = await together(0)
        rest = [asyncio.create_task(together(number)) for number in (1, 2)]
        await asyncio.sleep(0.01)
        rest.append(asyncio.create_task(together(3)))
        return [first, *await asyncio.gather(*rest)]

    assert asyncio.run(one_by_one()) == [0, 2, 4, 6]
    assert work.batches == [[0], [1, 2, 3]]


def test_who_comes_long_after_it_waits_for_nobody_again(monkeypatch: pytest.MonkeyPatch) -> None:
    _apart(monkeypatch, seconds=0.01)
    work = Doubling()
    work.go.set()

    async def apart() -> int:
        together = Together(work)
        await together(0)
        await asyncio.sleep(0.2)
        _apart(monkeypatch, seconds=3600)
        return await asyncio.wait_for(together(21), 10)

    assert asyncio.run(apart()) == 42
    assert work.batches == [[0], [21]]


def _apart(monkeypatch: pytest.MonkeyPatch, *, seconds: float) -> None:
    """However fast a transaction is, the next begins so much later."""
    monkeypatch.setattr("mailer.web.together._APART", 1e9)
    monkeypatch.setattr("mailer.web.together._MOST_APART_SECONDS", seconds)


def test_a_batch_is_no_larger_than_the_lock_may_be_held_for() -> None:
    work = Doubling()
    asyncio.run(_gather(Together(work), work, 2 * MOST_AT_ONCE + 2))
    assert [len(batch) for batch in work.batches] == [1, MOST_AT_ONCE, MOST_AT_ONCE, 1]


def test_one_that_fails_by_a_bug_fails_alone() -> None:
    def work(items: Sequence[int]) -> list[int]:
        if 3 in items:
            raise ValueError("three")
        return [item * 2 for item in items]

    async def all_of_them() -> list[int | BaseException]:
        together = Together(work)
        return await asyncio.gather(*map(together, range(5)), return_exceptions=True)

    results = asyncio.run(all_of_them())
    assert [result for result in results if isinstance(result, int)] == [0, 2, 4, 8]
    assert isinstance(results[3], ValueError)


@pytest.mark.rule("D34")
def test_a_store_that_refuses_is_asked_once_and_all_are_told() -> None:
    asked = []

    def work(items: Sequence[int]) -> list[int]:
        asked.append(list(items))
        raise StoreBusy()

    async def all_of_them() -> list[int | BaseException]:
        together = Together(work)
        return await asyncio.gather(*map(together, range(4)), return_exceptions=True)

    assert all(isinstance(result, StoreBusy) for result in asyncio.run(all_of_them()))
    assert asked == [[0, 1, 2, 3]]


def test_a_client_that_goes_away_takes_nobody_with_it() -> None:
    work = Doubling()

    async def one_leaves() -> list[int]:
        together = Together(work)
        first = asyncio.create_task(together(0))
        await asyncio.to_thread(work.begun.wait, 10)
        impatient, patient = asyncio.create_task(together(1)), asyncio.create_task(together(2))
        await asyncio.sleep(0.01)
        impatient.cancel()
        work.go.set()
        return [await first, await patient]

    assert asyncio.run(one_leaves()) == [0, 4]
    assert work.batches == [[0], [1, 2]]


def test_it_works_again_after_a_failure() -> None:
    failing = True

    def work(items: Sequence[int]) -> list[int]:
        if failing:
            raise StoreBusy()
        return [item * 2 for item in items]

    async def twice() -> int:
        nonlocal failing
        together = Together(work)
        with pytest.raises(StoreBusy):
            await together(1)
        failing = False
        return await together(1)

    assert asyncio.run(twice()) == 2


@pytest.mark.rule("A8", "A10", "A18")
def test_people_who_press_at_the_same_moment_all_leave(desk: Desk) -> None:
    people = [f"reader{number}@example.net" for number in range(9)]
    tokens = [desk.leave_token(desk.join(person)) for person in people]
    bad = tokens[0][:-4] + "AAAA"

    async def press_all() -> list[int]:
        transport = httpx.ASGITransport(desk.client.app, client=("192.0.2.1", 40000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            posts = [client.post(f"/u/{token}", data=ONE_CLICK) for token in [*tokens, bad, tokens[1]]]
            return [answer.status_code for answer in await asyncio.gather(*posts)]

    assert asyncio.run(press_all()) == [200] * 9 + [404, 200]
    assert {desk.state(person) for person in people} == {"unsubscribed"}
    assert len(desk.events("unsubscribed")) == 9

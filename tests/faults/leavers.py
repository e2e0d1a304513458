"""People who leave in the middle of a send, by the one-click POST of a mailbox provider, many at once."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from tests.faults.running import RunningSite, free_port

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
#: Law 3: what was read longer ago is read again before MAIL FROM.
READ_AGAIN_SECONDS = 2.0


@dataclass(frozen=True)
class Left:
    """One opt-out and its answer."""

    status: int
    at: float  #: when the answer was here, seconds since 1970


def serve(site: RunningSite) -> str:
    """`mailer serve`, once it answers; returns its address."""
    port = free_port()
    with (site.root / "serve.log").open("ab") as log:
        command = [sys.executable, "-m", "mailer", "serve", "--quiet", "--port", str(port), "--site"]
        process = subprocess.Popen([*command, str(site.root)], env=site.environ, stdout=log, stderr=log)
    site.processes.append(process)
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            httpx.get(address, timeout=5)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return address
    raise AssertionError((site.root / "serve.log").read_text())


def leave_all(address: str, tokens: Mapping[str, str], *, seconds: float, at_once: int) -> dict[str, Left]:
    """Every one of these people leaves, spread evenly over so many seconds, by at most `at_once` at a time."""
    return asyncio.run(_leave_all(address, tokens, seconds=seconds, at_once=at_once))


async def _leave_all(
    address: str, tokens: Mapping[str, str], *, seconds: float, at_once: int
) -> dict[str, Left]:
    left: dict[str, Left] = {}
    room = asyncio.Semaphore(at_once)
    started = time.monotonic()
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:

        async def leave(name: str, token: str, when: float) -> None:
            await asyncio.sleep(max(0.0, started + when - time.monotonic()))
            async with room:
                answer = await client.post(f"/u/{token}", data=ONE_CLICK)
            left[name] = Left(answer.status_code, time.time())

        names = sorted(tokens)
        moments = [seconds * number / len(names) for number in range(len(names))]
        await asyncio.gather(*(leave(n, tokens[n], when) for n, when in zip(names, moments, strict=True)))
    return left


def some(tokens: Mapping[str, str], count: int, *, seed: int) -> dict[str, str]:
    """So many people, drawn by a seed."""
    return {name: tokens[name] for name in random.Random(seed).sample(sorted(tokens), count)}


def breaches(site: RunningSite, left: Mapping[str, Left], *, transmission: float) -> list[str]:
    """Everybody who got mail later than law 3 allows, or is in a state that nobody who left may be in.

    `transmission`: seconds that a message may take from MAIL FROM to the server's clock.
    """
    taken = {message.recipient: message.at for message in site.accepted}
    found = [f"{name} was answered {one.status}" for name, one in left.items() if one.status != 200]
    for row in site.rows():
        if row.email not in left:
            continue
        late = taken.get(row.email, 0.0) - left[row.email].at
        if late > READ_AGAIN_SECONDS + transmission:
            found.append(f"{row.email} got mail {late:.2f} s after the answer to the opt-out")
        end = (row.state.value, row.skip_reason.value if row.skip_reason else None)
        if end not in {("accepted", None), ("skipped", "unsubscribed")}:
            found.append(f"{row.email} left and is {end}")
    return found

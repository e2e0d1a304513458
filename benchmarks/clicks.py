"""Mailbox providers that press unsubscribe: one-click POSTs that come when they come, answered or not.

Run: python -m benchmarks.clicks PORT PER_SECOND FILE_OF_TOKENS; SIGTERM ends it. Prints a line per
click: token, the instant it was due, the instant it ended (seconds since 1970), status (0: no answer).
The wait counts from when the click was due, so a server that stalls cannot hide behind clients that wait (open loop).
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

BODY = b"List-Unsubscribe=One-Click"
# The server closes what is idle for five seconds; one closed in our back is no fault of its own.
_IDLE_SECONDS = 3.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Clients:
    """Connections that are kept open and used again."""

    port: int
    idle: list[tuple[float, Streams]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    async def click(self, token: str, due: float) -> None:
        """One POST; its line is kept."""
        try:
            status = await self._post(token)
        except (OSError, EOFError, ValueError):
            status = 0
        self.lines.append(f"{token} {due:.6f} {time.time():.6f} {status}")

    async def _post(self, token: str) -> int:
        reader, writer = await self._connection()
        head = (
            f"POST /u/{token} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(BODY)}\r\n\r\n"
        )
        writer.write(head.encode() + BODY)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        self.idle.append((time.monotonic(), (reader, writer)))
        return int(answer.split(b" ", 2)[1])

    async def _connection(self) -> Streams:
        while self.idle:
            since, streams = self.idle.pop()
            if time.monotonic() - since < _IDLE_SECONDS:
                return streams
            streams[1].close()
        return await asyncio.open_connection("127.0.0.1", self.port)


async def main(port: int, per_second: float, tokens: list[str]) -> None:
    """Click at random instants, so many a second on average, until the tokens end or SIGTERM comes."""
    stop, clients, chance = asyncio.Event(), Clients(port), random.Random(8058)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    due, clicks = time.time(), []
    for token in tokens:
        due += chance.expovariate(per_second)
        await asyncio.sleep(max(0.0, due - time.time()))
        if stop.is_set():
            break
        clicks.append(asyncio.create_task(clients.click(token, due)))
    await asyncio.gather(*clicks)
    print("\n".join(clients.lines))


if __name__ == "__main__":
    # uvloop: what the clients cost is taken from the senders on the same cores.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]).read_text().split()))

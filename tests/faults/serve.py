"""The misbehaving server in a process of its own; standard input tells it more, its end ends it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import uvloop

from tests.faults.script import Rule, from_json
from tests.faults.smtp_server import SmtpServer


async def _main(arguments: argparse.Namespace) -> None:
    server = SmtpServer(from_json(json.loads(arguments.script)), log=arguments.log, keep_commands=False)
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    orders: asyncio.Queue[bytes] = asyncio.Queue()

    def hear() -> None:
        data = os.read(sys.stdin.fileno(), 65536)
        if data:
            orders.put_nowait(data)
        else:
            over.set()

    loop.add_reader(sys.stdin.fileno(), hear)
    async with server.running(arguments.port) as port:
        if arguments.refuse:
            await server.leave()
        print(port, flush=True)
        obeying = loop.create_task(_obey(server, orders))
        await over.wait()
        obeying.cancel()


async def _obey(server: SmtpServer, orders: asyncio.Queue[bytes]) -> None:
    text = b""
    while True:
        text += await orders.get()
        *lines, text = text.split(b"\n")
        for line in lines:
            print(json.dumps(await _order(server, json.loads(line))), flush=True)


async def _order(server: SmtpServer, order: dict[str, Any]) -> dict[str, Any]:
    """`{"rules": [...]}`, `{"listen": true}` or nothing; the answer counts what was seen."""
    if "rules" in order:
        server.script.rules = [Rule(**rule) for rule in order["rules"]]
    if "listen" in order:
        await (server.listen() if order["listen"] else server.leave())
    return {
        "connections": server.connections,
        "open": server.open_connections,
        "taken": server.taken,
        "commands": dict(server.counts),
        "wrong": dict(server.wrongs),
        "fired": [rule.fired for rule in server.script.rules],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--script", default="{}")
    parser.add_argument("--refuse", action="store_true", help="listen only when told to")
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(_main(_options()))

"""Debian's opendkim-testmsg as a judge: it asks the machine's name server, so it gets a machine of its own.

The parent runs this file in new network and mount namespaces, where port 53 of loopback is ours.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.doctor.name_server import NameServer
from tests.real import require_real

_PROGRAM = "/usr/sbin/opendkim-testmsg"
_ROOT = Path(__file__).parents[2]
# <linux/sockios.h>, <linux/if.h>
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1


def complaints(messages: Sequence[bytes], records: Mapping[bytes, bytes]) -> list[str]:
    """What opendkim says about each message as a mail server stored it; nothing: it verifies."""
    require_real("opendkim-testmsg (and root)", found=Path(_PROGRAM).exists() and os.geteuid() == 0)
    names = {name.decode().rstrip("."): text.decode() for name, text in records.items()}
    asked = {"records": names, "messages": [message.decode() for message in messages]}
    command = [shutil.which("unshare") or "unshare", "--net", "--mount", sys.executable, "-m", __name__]
    done = subprocess.run(
        command,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def main() -> None:
    """In the namespaces: serve the records, ask about each message, answer with what was said."""
    asked = json.load(sys.stdin)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        (flags,) = struct.unpack_from("H", fcntl.ioctl(control, _GET_FLAGS, request), 16)
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sH14s", b"lo", flags | _UP, b""))
    with tempfile.TemporaryDirectory() as folder:
        resolv = Path(folder, "resolv.conf")
        resolv.write_text("nameserver 127.0.0.1\noptions timeout:5 attempts:2\n")
        subprocess.run(["mount", "--bind", str(resolv), "/etc/resolv.conf"], check=True)
        threading.Thread(target=_serve, args=(asked["records"],), daemon=True).start()
        _READY.wait(10)
        print(json.dumps([_complaint(message) for message in asked["messages"]]))
        subprocess.run(["umount", "/etc/resolv.conf"], check=True)


_READY = threading.Event()


def _serve(records: Mapping[str, str]) -> None:
    server = NameServer({(name.lower(), "TXT"): [text] for name, text in records.items()})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.bind(("127.0.0.1", 53))
        _READY.set()
        while True:
            wire, peer = port.recvfrom(4096)
            if (reply := server.answer(wire, "udp")) is not None:
                port.sendto(reply, peer)


def _complaint(message: str) -> str:
    done = subprocess.run([_PROGRAM], input=message.encode(), capture_output=True, timeout=60, check=False)
    said = (done.stdout + done.stderr).decode(errors="replace").strip()
    return said if done.returncode == 0 else said or f"exit code {done.returncode}"


if __name__ == "__main__":
    main()

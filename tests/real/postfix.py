"""A Debian Postfix of the test's own: its configuration, queue and Maildir live and end with the test."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real import require_real

#: Header fields that Postfix puts before what it was given.
TRACE_FIELDS = (b"return-path", b"x-original-to", b"delivered-to", b"received")

_MAIN = """\
compatibility_level = 3.6
myhostname = mx.receiver.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_relay_restrictions = permit_mynetworks, reject
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = {folder}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_mailbox_limit = 0
virtual_transport = virtual
smtputf8_enable = yes
smtpd_client_connection_count_limit = 200
smtpd_tls_security_level = none
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """A running instance: where to submit, and where the mail ends up."""

    folder: Path
    host: str
    port: int

    @property
    def log(self) -> str:
        """What it logged so far."""
        path = self.folder / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def messages(self, count: int, *, seconds: float = 20) -> list[bytes]:
        """The delivered messages as stored (LF line ends, trace fields first), once there are `count`."""
        end = time.monotonic() + seconds
        while True:
            found = sorted((self.folder / "inbox" / "new").glob("*"))
            if len(found) >= count:
                return [path.read_bytes() for path in found]
            if time.monotonic() > end:
                raise AssertionError(
                    f"{len(found)} of {count} messages arrived; Postfix says:\n{self.log[-4000:]}"
                )
            time.sleep(0.05)


def untraced(stored: bytes) -> bytes:
    """The bytes as they were submitted: CRLF again, without the fields that Postfix put before them."""
    lines = stored.split(b"\n")
    at = 0
    while lines[at].split(b":")[0].lower() in TRACE_FIELDS:
        at += 1
        while lines[at][:1] in (b" ", b"\t"):
            at += 1
    return b"\r\n".join(lines[at:])


@contextmanager
def running_postfix(parameters: Mapping[str, str] | None = None, *, services: str = "") -> Iterator[Postfix]:
    """Start an instance that accepts everything from loopback into one Maildir; stop it at the end.

    `parameters` are further lines of its main.cf, `services` of its master.cf. Needs root, as Postfix's
    own master does.
    """
    found = shutil.which("postfix") is not None and os.geteuid() == 0
    require_real("Postfix (and root, to start one)", found=found)
    # Not pytest's folder: that is closed to the user that Postfix runs as.
    folder = Path(tempfile.mkdtemp(prefix="mailer-postfix-"))
    folder.chmod(0o755)
    postfix = Postfix(folder, "127.0.0.1", _free_port())
    _write(postfix, parameters or {}, services)
    command = ["postfix", "-c", str(folder / "etc")]
    try:
        started = subprocess.run([*command, "start"], capture_output=True, text=True, timeout=60, check=False)
        if started.returncode != 0:
            raise AssertionError(f"Postfix did not start: {started.stderr}\n{postfix.log}")
        _wait_for_greeting(postfix)
        yield postfix
    finally:
        subprocess.run([*command, "stop"], capture_output=True, timeout=60, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _write(postfix: Postfix, parameters: Mapping[str, str], services: str) -> None:
    folder, nobody, owner = postfix.folder, pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
    for name in ("etc", "queue", "data", "inbox"):
        (folder / name).mkdir()
    main = _MAIN.format(folder=folder, uid=nobody.pw_uid, gid=nobody.pw_gid)
    main += "".join(f"{name} = {value}\n" for name, value in parameters.items())
    (folder / "etc" / "main.cf").write_text(main)
    (folder / "etc" / "master.cf").write_text(_MASTER.format(port=postfix.port) + services)
    shutil.chown(folder / "data", owner.pw_uid, owner.pw_gid)
    shutil.chown(folder / "inbox", nobody.pw_uid, nobody.pw_gid)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_greeting(postfix: Postfix, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection((postfix.host, postfix.port), timeout=5) as connection:
                if connection.recv(3) == b"220":
                    return
        except OSError:
            pass
        if time.monotonic() > end:
            raise AssertionError(f"Postfix does not answer:\n{postfix.log[-4000:]}")
        time.sleep(0.05)

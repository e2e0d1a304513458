"""A Debian Dovecot of the test's own: IMAP and POP3 with TLS, its configuration and mail below one folder."""

from __future__ import annotations

import getpass
import grp
import imaplib
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.delivery.certificates import Authority, Server
from tests.real import require_real

USER, PASSWORD = "returned", 's3 "cret\\'
_PORTS = ("imap", "imaps", "pop3", "pop3s")
_CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
instance_name = mailer-test
listen = 127.0.0.1
protocols = imap pop3
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:{folder}/mail/%u
namespace inbox {{
  inbox = yes
}}
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
{more}
"""
_OWN_USER = """\
default_login_user = {name}
default_internal_user = {name}
default_internal_group = {group}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running instance with one account."""

    folder: Path
    ports: dict[str, int]
    authority: Authority

    @property
    def ca_file(self) -> Path:
        """Who vouches for its certificate."""
        return self.authority.file

    @property
    def log(self) -> str:
        """What it logged so far."""
        path = self.folder / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @contextmanager
    def visit(self, folder: str = "INBOX") -> Iterator[imaplib.IMAP4]:
        """Another mail program of the same account."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with imaplib.IMAP4_SSL("127.0.0.1", self.ports["imaps"], ssl_context=context) as client:
            client.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())
            client.select(folder)
            yield client

    def put(self, *mails: bytes) -> None:
        """Deliver these."""
        with self.visit() as client:
            for mail in mails:
                assert client.append("INBOX", "", "", mail)[0] == "OK"

    def empty(self) -> None:
        """Take away what is in the inbox."""
        with self.visit() as client:
            if client.search(None, "ALL")[1][0]:
                client.store("1:*", "+FLAGS", r"(\Deleted)")
                client.expunge()

    def count(self, folder: str = "INBOX", *, which: str = "ALL") -> int:
        """How many are there."""
        with self.visit(folder) as client:
            return len(client.search(None, which)[1][0].split())


@contextmanager
def running_dovecot(*, certificate: Server | None = None) -> Iterator[Dovecot]:
    """Start an instance; stop it at the end. `certificate`: another than the authority's good one."""
    require_real("Dovecot", found=shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin") is not None)
    folder = Path(tempfile.mkdtemp(prefix="mailer-dovecot-"))
    folder.chmod(0o755)
    authority = Authority(folder)
    dovecot = Dovecot(folder, dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True)), authority)
    _write(dovecot, certificate or authority.server())
    command = [shutil.which("dovecot") or "/usr/sbin/dovecot", "-F", "-c", str(folder / "dovecot.conf")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        _wait_for_greeting(dovecot, process)
        yield dovecot
    finally:
        process.terminate()
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        shutil.rmtree(folder, ignore_errors=True)


def _write(dovecot: Dovecot, certificate: Server) -> None:
    is_root = os.geteuid() == 0
    owner = pwd.getpwnam("nobody") if is_root else pwd.getpwuid(os.geteuid())
    own = _OWN_USER.format(name=getpass.getuser(), group=grp.getgrgid(os.getegid()).gr_name)
    folder = dovecot.folder
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    (folder / "users").chmod(0o644)
    (folder / "dovecot.conf").write_text(
        _CONFIG.format(
            folder=folder,
            certificate=certificate.certificate,
            key=certificate.key,
            uid=owner.pw_uid,
            gid=owner.pw_gid,
            more="" if is_root else own,
            **dovecot.ports,
        )
    )


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _wait_for_greeting(dovecot: Dovecot, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    for name, greeting in (("imap", b"* OK"), ("pop3", b"+OK")):
        while True:
            try:
                with socket.create_connection(("127.0.0.1", dovecot.ports[name]), timeout=10) as connection:
                    if connection.recv(100).startswith(greeting):
                        break
            except OSError:
                pass
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"Dovecot does not answer:\n{dovecot.log[-4000:]}")
            time.sleep(0.05)

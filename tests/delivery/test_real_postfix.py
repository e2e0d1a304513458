"""A site sends through a real Postfix that speaks TLS, and refuses one that cannot prove its name (F8, A61)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest

from tests.delivery.certificates import Authority, Server
from tests.faults.running import RunningSite, stop
from tests.real.postfix import Postfix, running_postfix, untraced

pytestmark = pytest.mark.real


@contextmanager
def relay(certificate: Server) -> Iterator[Postfix]:
    """A Postfix that takes mail only inside TLS, with this certificate."""
    parameters = {
        "smtpd_tls_security_level": "encrypt",
        "smtpd_tls_loglevel": "1",
        "smtpd_tls_cert_file": str(certificate.certificate),
        "smtpd_tls_key_file": str(certificate.key),
    }
    with running_postfix(parameters) as postfix:
        yield postfix


@contextmanager
def site_for(postfix: Postfix, authority: Authority, root: Path) -> Iterator[RunningSite]:
    """A site with a campaign to eight people, sending by STARTTLS."""
    root.mkdir()
    site = RunningSite(root, postfix.port, people=8, relay=f'tls = "starttls"\nca_file = "{authority.file}"')
    try:
        yield site.build()
    finally:
        site.end()


def test_a_campaign_leaves_by_starttls_and_arrives_byte_by_byte(tmp_path: Path) -> None:
    """What Postfix stored is what the digest in each row was taken of; a strict parser finds no defect."""
    authority = Authority(tmp_path)
    with relay(authority.server()) as postfix, site_for(postfix, authority, tmp_path / "site") as site:
        worker = site.start_worker()
        stored = postfix.messages(8, seconds=40)
        site.wait(site.settled)
        assert stop(worker) == 0
        rows = site.rows()
        assert {row.state.value for row in rows} == {"accepted"}
        assert "TLSv1.3 with cipher" in postfix.log
    arrived = {hashlib.sha256(untraced(message)).digest() for message in stored}
    assert arrived == {bytes(row.digest) for row in rows}
    for message in stored:
        parsed = BytesParser(policy=policy.default).parsebytes(untraced(message))
        assert not parsed.defects
        assert parsed["Message-ID"].strip("<>") in {row.message_id for row in rows}


@pytest.mark.parametrize(("name", "self_signed"), [("127.0.0.1", True), ("mx.other.example", False)])
def test_a_relay_that_cannot_prove_its_name_gets_nothing(
    tmp_path: Path, name: str, self_signed: bool
) -> None:
    """A61: self-signed or of another name: no mail, nobody rejected, the reason in the log."""
    authority = Authority(tmp_path)
    certificate = authority.server(name, self_signed=self_signed)
    with relay(certificate) as postfix, site_for(postfix, authority, tmp_path / "site") as site:
        worker = site.start_worker()
        site.wait(lambda: "certificate that is not trusted" in site.work_log())
        time.sleep(0.5)
        assert stop(worker) == 0
        assert "RCPT" not in postfix.log
        assert not list((postfix.folder / "inbox").rglob("*.mx*"))
        rows = site.rows()
        assert {(row.state.value, row.attempts) for row in rows} <= {("queued", 0)}

"""The whole way round: our mail, a real Postfix that bounces it to our VERP address, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from mailer.site import SiteFolder
from mailer.store.schema import Report
from mailer.store.schema_returns import Hold, ReturnedMail
from tests.faults.running import RunningSite, free_port, stop
from tests.real.postfix import running_postfix

pytestmark = pytest.mark.real
PEOPLE = 5
#: Everybody else at this Postfix is unknown.
READERS = ("p0000@example.net", "p0001@example.net")


@contextmanager
def site_and_postfix(root: Path, protocol: str) -> Iterator[RunningSite]:
    """A site whose relay takes all mail and bounces what it cannot deliver to the site's own listener."""
    port = free_port()
    known = ", ".join(f"{{{reader} = inbox/}}" for reader in READERS)
    parameters = {
        "smtpd_reject_unlisted_recipient": "no",
        "virtual_mailbox_maps": f"inline:{{{known}}}",
        "transport_maps": f"inline:{{{{bounce.shop.example = {protocol}:inet:[127.0.0.1]:{port}}}}}",
    }
    if protocol == "smtp":
        parameters["transport_maps"] = f"inline:{{{{bounce.shop.example = smtp:[127.0.0.1]:{port}}}}}"
    with running_postfix(parameters, services=f"{protocol} unix - - n - - {protocol}\n") as postfix:
        root.mkdir()
        site = RunningSite(root, postfix.port, people=PEOPLE).build()
        path = SiteFolder(root).settings_path
        path.write_text(f'{path.read_text()}\n[listener]\nport = {port}\nprotocol = "{protocol}"\n')
        try:
            yield site
        finally:
            site.end()


def rows(site: RunningSite, table: Any) -> Sequence[Row[Any]]:
    """All of a table."""
    with site.open() as opened, opened.store.read() as connection:
        return connection.execute(select(table.__table__).order_by(table.id)).all()


@pytest.mark.rule("A71", "A74")
@pytest.mark.parametrize("protocol", ["lmtp", "smtp"])
def test_a_bounce_of_postfix_finds_its_delivery_and_holds_the_person(tmp_path: Path, protocol: str) -> None:
    """5.1.1 of three readers nobody knows: each report names its delivery, by the tag of the return path."""
    with site_and_postfix(tmp_path / "site", protocol) as site:
        worker = site.start_worker()
        site.wait(lambda: len(rows(site, Report)) == PEOPLE - len(READERS), seconds=120)
        assert stop(worker) == 0
        reports, mails = rows(site, Report), rows(site, ReturnedMail)
        bounced = {row.id for row in site.rows() if row.email not in READERS}
        assert {report.delivery_id for report in reports} == bounced
        assert {(one.status, one.reason, one.matched_by) for one in reports} == {
            ("5.1.1", "userunknown", "verp")
        }
        assert {(mail.source, mail.state.value, mail.kind.value) for mail in mails} == {
            ("listener", "settled", "bounce")
        }
        assert all("+" in mail.envelope_to for mail in mails)
        assert len(rows(site, Hold)) == len(reports)

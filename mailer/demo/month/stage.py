"""The site of the month: made in a folder as `mailer init` makes one, never able to reach anybody."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailer.application import Site, open_site
from mailer.demo.stage import DemoFailed
from mailer.site import SiteFolder
from mailer.starter import Answers, create_site

#: Nothing listens there, and the couriers of the month never ask; `mailer up` on a kept site cannot send.
_NOWHERE_PORT = 9
#: Where mail programs without one-click write to.
LEAVE_BY_MAIL = "leave@ohm-and-volt.example"


@contextmanager
def month_site(folder: Path, *, seed: int) -> Iterator[Site]:
    """A new site in `folder`, opened. Raises DemoFailed when there is one already.

    An import enters people in the order of their keyed hashes: for the same month twice the key is made
    of the seed, too. It guards nobody who lives.
    """
    site_folder = SiteFolder(folder.absolute(), {})
    if site_folder.settings_path.exists():
        raise DemoFailed(f"{folder} holds a site already; name an empty folder, or none.")
    create_site(
        site_folder,
        Answers(
            name="Ohm & Volt",
            legal_name="Ohm & Volt Electronics GmbH",
            postal_address="Lötstraße 12, 10115 Berlin, Germany",
            privacy_contact="privacy@ohm-and-volt.example",
            sender="Ohm & Volt <news@ohm-and-volt.example>",
            return_path="bounces@ohm-and-volt.example",
            smtp_port=_NOWHERE_PORT,
        ),
    )
    _replace(
        site_folder.settings_path, "#unsubscribe_address =.*", f'unsubscribe_address = "{LEAVE_BY_MAIL}"'
    )
    key = base64.urlsafe_b64encode(hashlib.sha256(f"month {seed}".encode()).digest()).decode()
    _replace(site_folder.secrets_path, "address_key = .*", f'address_key = "{key}"')
    site = open_site(site_folder.root, {})
    try:
        yield site
    finally:
        site.close()


def _replace(path: Path, line: str, by: str) -> None:
    text = path.read_text("utf-8")
    path.write_text(re.sub(f"(?m)^{line}$", by, text), "utf-8")

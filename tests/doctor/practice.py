"""A site as the doctor meets it: its settings, the world's names, and one check at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from mailer.doctor.lookups import Dns
from mailer.doctor.model import Line
from mailer.doctor.run import examine
from mailer.doctor.scene import Scene, open_scene
from mailer.keyring import create_secrets
from mailer.site import SiteFolder
from tests.doctor.name_server import NameServer, Zone, serving
from tests.doctor.zones import ADDRESS, GOOD

SETTINGS = """
[site]
name = "Ohm & Volt"
legal_name = "Ohm & Volt Electronics GmbH"
base_url = "{base_url}"
postal_address = "Lötstraße 12, 10115 Berlin, Germany"
privacy_contact = "privacy@shop.test"

[smtp.main]
host = "{relay}"
port = {port}
tls = "{tls}"
ehlo_name = "mail.shop.test"
{smtp}
[sending]
return_path = "{return_path}"

[lists.weekly]
title = "Ohm & Volt Weekly"
from = "Ohm & Volt <{author}>"
list_id = "weekly.lists.shop.test"
description = "New parts, clearance stock and one circuit worth building."
frequency = "every Friday"
{more}
"""
OWN_SERVER = f'[doctor]\noutgoing_addresses = ["{ADDRESS}"]\n'


@dataclass
class Practice:
    """One site folder; its values may be changed before it is looked at."""

    root: Path
    base_url: str = "https://news.shop.test"
    relay: str = "127.0.0.1"
    port: int = 2525
    tls: str = "none"
    smtp: str = ""
    return_path: str = "bounce@bounce.shop.test"
    author: str = "news@shop.test"
    more: str = OWN_SERVER

    def write(self) -> SiteFolder:
        """Settings and secrets as files."""
        self.root.mkdir(exist_ok=True)
        folder = SiteFolder(self.root, {})
        values = {name: value for name, value in vars(self).items() if name != "root"}
        folder.settings_path.write_text(SETTINGS.format(**values), encoding="utf-8")
        if not folder.secrets_path.exists():
            create_secrets(folder.secrets_path)
        return folder

    def look(
        self, *only: str, zone: Zone = GOOD, names: NameServer | None = None, proof: bytes | None = None
    ) -> list[Line]:
        """The lines of some checks, in a world with that zone."""
        if names is not None:
            return self._look(only, names, proof)
        with serving(zone) as own:
            return self._look(only, own, proof)

    def _look(self, only: tuple[str, ...], names: NameServer, proof: bytes | None) -> list[Line]:
        folder = self.write()

        async def story() -> list[Line]:
            scene = open_scene(folder, Dns(names.resolver()), proof=proof)
            try:
                return await examine(scene, only=only)
            finally:
                if scene.store is not None:
                    scene.store.dispose()

        return asyncio.run(story())

    def scene(self) -> Scene:
        """The site opened, with a resolver that knows nobody."""
        return open_scene(self.write(), Dns(NameServer({}).resolver()))


def verdicts(lines: list[Line]) -> list[str]:
    """How each ended."""
    return [line.verdict.value for line in lines]


def said(lines: list[Line]) -> str:
    """All that was said, for a look at its words."""
    return "\n".join(f"{line.verdict.value} {line.subject}: {line.reason} → {line.remedy}" for line in lines)


def only_one(lines: list[Line]) -> Line:
    """The one line there is."""
    (line,) = lines
    return line

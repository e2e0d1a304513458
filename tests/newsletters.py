"""Real newsletters in MJML as campaigns of a site that owns what they load and knows what they merge.

They are looked for in `shared/mjml` beside the project, or in the folder that MAILER_MJML_CORPUS names;
none of them is ours, so none is in the project.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

_BESIDE = Path(__file__).parents[2] / "shared" / "mjml"
_LOADED = re.compile(r"(?:src|background-url|href)=\"(https?://[^\"\s]+)")
#: Merge fields of the corpus, as its authors wrote them.
FIELDS = ("FirstName", "CompanyName", "ReferalCode")
_HEAD = """\
---
subject: Ten red LEDs for you
preheader: Clearance stock, a new resistor kit, and one circuit that is worth building.
list: weekly
---
"""


def newsletters() -> list[Path]:
    """The templates of the corpus; none where there is no corpus."""
    return sorted(Path(os.environ.get("MAILER_MJML_CORPUS") or _BESIDE).glob("*.mjml"))


def at_home(settings: str, paths: list[Path]) -> str:
    """The text of a mailer.toml that declares every host and merge field of these newsletters."""
    sources = [path.read_text(encoding="utf-8") for path in paths]
    hosts = sorted({url.split("/")[2] for source in sources for url in _LOADED.findall(source)})
    fields = "".join(f'\n[fields.{name}]\ntype = "text"\ndefault = ""\n' for name in FIELDS)
    declared = f"[privacy]\nasset_hosts = {json.dumps(hosts)}"
    if "\n[privacy]" in settings:
        return settings.replace("[privacy]", declared) + fields
    return f"{settings}\n{declared}\n{fields}"


def put(path: Path, campaigns: Path) -> str:
    """Make a newsletter a campaign below this folder; returns its name there."""
    folder = campaigns / path.stem
    folder.mkdir()
    (folder / "campaign.mjml").write_text(_HEAD + path.read_text(encoding="utf-8"), encoding="utf-8")
    return path.stem

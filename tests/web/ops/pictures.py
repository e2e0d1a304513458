"""Make the pictures of docs/ops: python -m tests.web.ops.pictures docs/ops"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.web.browser import chromium
from tests.web.ops.morning import morning

#: Name of the file, page, width, colour scheme, height of what is shown.
PICTURES = (
    ("health-desktop-light", "", 1280, "light", 1000),
    ("health-phone-dark", "", 390, "dark", 1100),
    ("returns-desktop-dark", "/returns?span=30d", 1280, "dark", 1000),
    ("returns-phone-light", "/returns?span=7d", 390, "light", 1100),
    ("review-desktop-light", "/review", 1280, "light", 900),
    ("campaigns-phone-light", "/campaigns", 390, "light", 800),
    ("queue-desktop-dark", "/queue", 1280, "dark", 800),
)


def main(folder: Path) -> None:
    """Write PICTURES into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as root, morning(Path(root)) as served, chromium() as browser:
        for name, path, width, scheme, height in PICTURES:
            context = served.context(browser, width=width, scheme=scheme)
            page = context.new_page()
            page.set_viewport_size({"width": width, "height": height})
            page.goto(served.town.url(f"/ops{path}"))
            page.screenshot(path=folder / f"{name}.png")
            context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""What several commands are tried on."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.site import SiteFolder
from tests.cli.delivery_desk import DeliveryDesk


@pytest.fixture
def desk(site_folder: SiteFolder, _sqlite_template: Path) -> DeliveryDesk:
    """A site with a campaign, and no delivery yet."""
    return DeliveryDesk(site_folder, _sqlite_template)

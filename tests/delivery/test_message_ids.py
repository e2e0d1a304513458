"""The identifier of each copy: never twice, and telling nothing about whom it is for or where it was made (A26)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.running import RunningSite

COPIES = 100_000


@pytest.mark.rule("A26")
def test_a_hundred_thousand_copies_have_as_many_message_ids(tmp_path: Path) -> None:
    with RunningSite(tmp_path, 2525, people=1).build().open() as site:
        ids = [site.messages.message_id(delivery) for delivery in range(1, COPIES + 1)]
    assert len({id_.lower() for id_ in ids}) == COPIES
    assert all(re.fullmatch("[0-9a-f]{24}", id_) for id_ in ids)


@pytest.mark.rule("A26")
def test_a_message_id_follows_no_order_and_shares_no_part_with_another(tmp_path: Path) -> None:
    with RunningSite(tmp_path, 2525, people=1).build().open() as site:
        ids = [site.messages.message_id(delivery) for delivery in range(1, 1001)]
    assert ids != sorted(ids)
    assert len({half for id_ in ids for half in (id_[:12], id_[12:])}) == 2000, (
        "no half stands in two of them"
    )


@pytest.mark.rule("A26")
def test_two_sites_have_no_message_id_in_common(tmp_path: Path) -> None:
    """Restored from one backup or not: the identifiers come from the site's own secrets."""
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with RunningSite(tmp_path / name, 2525, people=1).build().open() as site:
            found.append({site.messages.message_id(delivery) for delivery in range(1, 1001)})
    assert not found[0] & found[1]

"""The check of a campaign names a key that receivers cannot find (A46)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mailer.dkim import create_key, record_text
from mailer.dkim.published import PublishedKeys
from mailer.settings.dkim import DkimSettings
from tests.campaigns.preflight.conftest import Drafting, findings

NAME = "s1._domainkey.shop.de"


@pytest.mark.rule("A46")
def test_a_record_that_is_missing_is_an_error_and_one_that_fits_is_none(
    drafting: Drafting, tmp_path: Path
) -> None:
    text = record_text(create_key(tmp_path, "s1"))
    known: dict[str, list[str]] = {}
    keys = PublishedKeys(DkimSettings(selector="s1"), lambda: tmp_path, ask=lambda name: known.get(name, []))
    draft = drafting()
    mailbox = draft.list_.from_mailbox
    there = replace(mailbox, address=replace(mailbox.address, domain="shop.de"))
    signed = replace(draft, published=keys, list_=replace(draft.list_, from_mailbox=there))
    assert findings(draft, "dkim-record") == []
    (found,) = findings(signed, "dkim-record")
    assert found == f"dkim-record mailer.toml {NAME}: There is no record for the key."
    known[NAME] = [text]
    assert findings(signed, "dkim-record") == []

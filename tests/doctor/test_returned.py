"""Our own mail, signed by us, through a real Postfix, stored as received: the doctor finds it sound (A14, A90)."""

from __future__ import annotations

import pytest

from mailer.dkim import KeyKind, create_key, record_name, record_text
from mailer.site import SiteFolder
from tests.doctor.name_server import Zone
from tests.doctor.practice import Practice, said
from tests.faults.running import RunningSite, stop
from tests.real.postfix import running_postfix

pytestmark = [pytest.mark.real, pytest.mark.rule("A14")]
DOMAIN = "shop.example"
SETTINGS = '\n[dkim]\nselector = "one"\ned25519_selector = "two"\n'


@pytest.fixture(scope="module")
def returned(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Zone]:
    """A message as it stands in a Maildir, trace fields before it, and the keys in DNS."""
    root = tmp_path_factory.mktemp("returned") / "site"
    root.mkdir()
    with running_postfix() as postfix:
        site = RunningSite(root, postfix.port, names=["ada"]).build()
        folder = SiteFolder(root)
        kinds = {"one": KeyKind.RSA, "two": KeyKind.ED25519}
        keys = [create_key(folder.dkim_keys, name, kind=kind) for name, kind in kinds.items()]
        with folder.settings_path.open("a") as file:
            file.write(SETTINGS)
        try:
            worker = site.start_worker()
            (stored,) = postfix.messages(1, seconds=60)
            assert stop(worker) == 0
        finally:
            site.end()
    return stored, {(record_name(key.selector, DOMAIN), "TXT"): [record_text(key)] for key in keys}


def test_both_of_our_signatures_hold_and_cover_the_one_click_fields(
    practice: Practice, returned: tuple[bytes, Zone]
) -> None:
    stored, zone = returned
    lines = practice.look("proof", zone=zone, proof=stored)
    assert lines[0].verdict.value == "ok", said(lines)
    assert f"d={DOMAIN} s=one and d={DOMAIN} s=two" in lines[0].reason


@pytest.mark.rule("A42", "A43")
@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw + b"One line more.\n",
        lambda raw: raw.replace(b"/u/", b"/x/", 1),
        lambda raw: raw.replace(b"\nSubject: ", b"\nSubject: [SPAM] ", 1),
        lambda raw: b"Reply-To: evil@evil.example\n" + raw,
    ],
)
def test_whatever_is_changed_or_added_on_the_way_is_found(
    practice: Practice, returned: tuple[bytes, Zone], change: object
) -> None:
    stored, zone = returned
    assert callable(change)
    changed = change(stored)
    assert changed != stored
    lines = practice.look("proof", zone=zone, proof=changed)
    assert lines[0].verdict.value == "failure", said(lines)
    assert "No signature holds" in lines[0].reason


def test_a_relay_that_takes_one_signature_away_leaves_the_other(
    practice: Practice, returned: tuple[bytes, Zone]
) -> None:
    stored, zone = returned
    without = {key: records for key, records in zone.items() if "two" not in key[0]}
    lines = practice.look("proof", zone=without, proof=stored)
    assert (lines[0].verdict.value, lines[1].verdict.value) == ("ok", "note"), said(lines)
    assert "its key is not in DNS" in lines[1].reason

"""Signed mail through a real Postfix, judged by dkimpy and by Debian's OpenDKIM (A40, A45, A15)."""

from __future__ import annotations

import re

import pytest

from mailer.dkim import DkimKey, KeyKind, create_key
from mailer.site import SiteFolder
from tests.dkim.opendkim import complaints
from tests.dkim.signing import verdicts, zone
from tests.faults.running import RunningSite, stop
from tests.real.postfix import running_postfix, untraced

pytestmark = pytest.mark.real
PEOPLE = ["ada", "öd.odd", "c" * 60, "d+tag"]
SETTINGS = '\n[dkim]\nselector = "one"\ned25519_selector = "two"\n'


@pytest.fixture(scope="module")
def arrived(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[bytes], list[DkimKey]]:
    """What Postfix stored of a campaign to odd people, trace fields and all, and the keys that signed it."""
    root = tmp_path_factory.mktemp("signed") / "site"
    root.mkdir()
    with running_postfix() as postfix:
        odd = {PEOPLE[0]: "Ada  B.\t\u00a0=?x?=", PEOPLE[2]: "." + "ü" * 50, PEOPLE[3]: "From  me "}
        site = RunningSite(root, postfix.port, names=PEOPLE, fields=odd).build()
        folder = SiteFolder(root)
        kinds = {"one": KeyKind.RSA, "two": KeyKind.ED25519}
        keys = [create_key(folder.dkim_keys, name, kind=kind) for name, kind in kinds.items()]
        with folder.settings_path.open("a") as file:
            file.write(SETTINGS)
        try:
            worker = site.start_worker()
            stored = postfix.messages(len(PEOPLE), seconds=60)
            site.wait(site.settled)
            assert stop(worker) == 0
        finally:
            site.end()
    return stored, keys


def domain_of(data: bytes) -> str:
    """The d= of the first signature."""
    found = re.search(rb" d=([^;]+);", data)
    assert found is not None
    return found[1].decode()


@pytest.mark.rule("A15", "A45", "A37", "A38")
def test_what_arrived_verifies_by_dkimpy_and_by_opendkim(arrived: tuple[list[bytes], list[DkimKey]]) -> None:
    stored, keys = arrived
    records = zone(*keys, domain=domain_of(stored[0]))
    for message in stored:
        assert verdicts(untraced(message), records) == [True, True]
    assert complaints(stored, records) == [""] * len(PEOPLE)


@pytest.mark.rule("A40")
def test_it_still_verifies_after_what_relays_do(arrived: tuple[list[bytes], list[DkimKey]]) -> None:
    """Fields unfolded or folded at every space, more white space at the ends of lines."""
    stored, keys = arrived
    records = zone(*keys, domain=domain_of(stored[0]))
    head, _, body = untraced(stored[0]).partition(b"\r\n\r\n")
    unfolded = re.sub(rb"\r\n[ \t]", b" ", head)
    folded = re.sub(rb"(?<=[;,>]) ", b"\r\n\t ", unfolded)
    trailing = body.replace(b">\r\n", b"> \t\r\n") + b"\r\n\r\n"
    changed = [fields + b"\r\n\r\n" + text for fields in (unfolded, folded) for text in (body, trailing)]
    assert len({*changed}) == 4
    assert [verdicts(message, records) for message in changed] == [[True, True]] * 4
    assert complaints(changed, records) == [""] * 4


@pytest.mark.rule("A42", "A43", "A14")
def test_opendkim_too_sees_what_was_added(arrived: tuple[list[bytes], list[DkimKey]]) -> None:
    stored, keys = arrived
    records = zone(*keys, domain=domain_of(stored[0]))
    good = untraced(stored[0])
    extra = [b"Subject: Won", b"From: <evil@evil.example>", b"List-Unsubscribe: <https://evil.example/>"]
    changed = [field + b"\r\n" + good for field in (*extra, b"Reply-To: <evil@evil.example>")]
    changed += [good + b"One line more.\r\n", good.replace(b"List-Unsubscribe-Post:", b"X-Post:")]
    assert all(complaints(changed, records))
    assert [any(verdicts(message, records)) for message in changed] == [False] * len(changed)


@pytest.mark.rule("A46")
def test_opendkim_does_not_take_another_key_or_none(arrived: tuple[list[bytes], list[DkimKey]]) -> None:
    stored, keys = arrived
    domain = domain_of(stored[0])
    records = zone(*keys, domain=domain)
    revoked = {name: re.sub(rb"p=.*", b"p=", text) for name, text in records.items()}
    assert all(complaints(stored[:1], revoked))
    assert all(complaints(stored[:1], {}))

"""The published key is the one that signs, in force, for mail (A46); keys in waiting may wait (A47)."""

from __future__ import annotations

import pytest

from mailer.dkim import KeyKind, create_key, record_text
from mailer.doctor.dkim_check import DkimFacts, judge
from tests.doctor.name_server import Zone, serving
from tests.doctor.practice import Practice, only_one, said, verdicts
from tests.doctor.zones import spoilt

pytestmark = pytest.mark.rule("A46")
NAME = "s1._domainkey.shop.test"


@pytest.fixture
def record(practice: Practice) -> str:
    """A key that signs, and the record that publishes it."""
    practice.more += '\n[dkim]\nselector = "s1"\n'
    return _made(practice, "s1")


def _made(practice: Practice, selector: str, kind: KeyKind = KeyKind.RSA) -> str:
    practice.root.mkdir(exist_ok=True)
    data = practice.root / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    return record_text(create_key(data / "dkim", selector, kind=kind))


def published(**records: str) -> Zone:
    """The good zone with keys: selector=text."""
    return spoilt({(f"{selector}._domainkey.shop.test", "TXT"): [text] for selector, text in records.items()})


def test_a_key_that_is_published_as_it_signs_is_fine(practice: Practice, record: str) -> None:
    line = only_one(practice.look("dkim", zone=published(s1=record)))
    assert (line.subject, line.verdict.value) == (NAME, "ok")
    assert "rsa-sha256" in line.reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: None, "no record"),
        (lambda text: "v=DKIM1; k=rsa; p=", "revoked"),
        (lambda text: text[:-20] + "A" * 18 + text[-2:], "another key"),
        (lambda text: text.replace("k=rsa;", "k=rsa; t=y;"), "test mode"),
        (lambda text: text.replace("k=rsa;", "k=rsa; s=tlsrpt;"), "not for mail"),
        (lambda text: "my dkim key will be here soon", "not one of DKIM"),
    ],
)
def test_what_makes_the_signature_worthless_is_a_failure(
    practice: Practice, record: str, change: object, words: str
) -> None:
    assert callable(change)
    text = change(record)
    line = only_one(practice.look("dkim", zone=spoilt() if text is None else published(s1=text)))
    assert line.verdict.value == "failure", line
    assert words in line.reason
    assert line.remedy


def test_several_records_under_one_name_are_a_failure(practice: Practice, record: str) -> None:
    line = only_one(
        practice.look("dkim", zone=spoilt({(NAME, "TXT"): [record, record.replace("k=rsa", "k=rsa ")]}))
    )
    assert line.verdict.value == "failure"
    assert "several records" in line.reason


def test_a_record_in_several_strings_is_one(practice: Practice, record: str) -> None:
    assert len(record) > 255
    assert verdicts(practice.look("dkim", zone=published(s1=record))) == ["ok"]


def test_every_key_that_signs_is_looked_at_for_every_domain(practice: Practice, record: str) -> None:
    practice.more = practice.more.replace('selector = "s1"', 'selector = "s1"\ned25519_selector = "ed"')
    practice.more += """
[lists.other]
title = "Other"
from = "Other <news@other.test>"
list_id = "other.lists.shop.test"
description = "Another."
frequency = "monthly"
"""
    ed = _made(practice, "ed", KeyKind.ED25519)
    lines = practice.look("dkim", zone=published(s1=record, ed=ed))
    assert [(line.subject, line.verdict.value) for line in lines] == [
        ("s1._domainkey.shop.test", "ok"),
        ("ed._domainkey.shop.test", "ok"),
        ("s1._domainkey.other.test", "failure"),
        ("ed._domainkey.other.test", "failure"),
    ]


@pytest.mark.rule("A47")
def test_a_key_in_waiting_is_told_how_to_come_into_force(practice: Practice) -> None:
    """The step of the guide: publish, wait for this line, then set the selector."""
    text = _made(practice, "next")
    lines = practice.look("dkim", zone=published(next=text))
    assert verdicts(lines) == ["skipped", "ok"]
    assert '[dkim] selector = "next"' in lines[1].remedy


@pytest.mark.rule("A47")
def test_a_key_in_waiting_that_is_not_published_is_only_noted(practice: Practice, record: str) -> None:
    _made(practice, "next")
    lines = practice.look("dkim", zone=published(s1=record))
    assert verdicts(lines) == ["ok", "note"]
    assert "signs nothing" in lines[1].reason


def test_a_site_that_does_not_sign_is_told_who_must(practice: Practice) -> None:
    line = only_one(practice.look("dkim"))
    assert line.verdict.value == "skipped"
    assert "your relay must" in line.reason


@pytest.mark.rule("A37")
def test_a_short_key_is_a_warning() -> None:
    (finding,) = judge(DkimFacts(NAME, algorithm="rsa-sha256", bits=1024))
    assert finding.verdict.value == "warning"
    assert "1024 bits" in finding.reason


@pytest.mark.rule("D29")
def test_a_key_that_others_can_read_is_a_failure_twice(practice: Practice, record: str) -> None:
    """It cannot be used, and the check of the files says so too."""
    (practice.root / "data" / "dkim" / "s1.pem").chmod(0o644)
    lines = practice.look("dkim", "files", zone=published(s1=record))
    assert verdicts(lines) == ["failure", "failure"], said(lines)
    assert "sign mail in your name" in lines[0].reason


def test_a_key_that_is_not_there_is_a_failure(practice: Practice, record: str) -> None:
    (practice.root / "data" / "dkim" / "s1.pem").unlink()
    line = only_one(practice.look("dkim", zone=published(s1=record)))
    assert line.verdict.value == "failure"
    assert "mailer dkim new" in f"{line.reason}{line.remedy}"


@pytest.mark.usefixtures("impatient")
def test_silence_is_no_verdict_on_the_key(practice: Practice, record: str) -> None:
    with serving(published(s1=record)) as names:
        names.silent.add(NAME)
        line = only_one(practice.look("dkim", names=names))
    assert line.verdict.value == "skipped"


@pytest.mark.rule("D36")
@pytest.mark.parametrize(
    "raw", [b"\x00" * 200, b"v=DKIM1; p=\xff\xfe", b"p=" + b"A" * 240, b";=;=;", b"v=DKIM1;k=;p=;;;"]
)
def test_a_hostile_record_is_only_a_wrong_one(practice: Practice, record: str, raw: bytes) -> None:
    with serving(spoilt()) as names:
        names.raw[NAME] = raw
        line = only_one(practice.look("dkim", names=names))
    assert line.verdict.value == "failure"


@pytest.mark.rule("B1", "A39")
def test_our_own_d_takes_part_in_alignment(practice: Practice, record: str) -> None:
    line = only_one(practice.look("alignment"))
    assert line.verdict.value == "ok"
    assert "From, d=shop.test and bounce domain bounce.shop.test belong together" in line.reason


@pytest.mark.rule("B1")
def test_a_foreign_bounce_domain_beside_our_signature_is_a_warning(practice: Practice, record: str) -> None:
    practice.return_path = "bounce@bounces.relay.test"
    line = only_one(practice.look("alignment"))
    assert line.verdict.value == "warning"
    assert (
        "From and d=shop.test belong together, the bounce domain bounces.relay.test does not" in line.reason
    )


@pytest.mark.rule("B1")
def test_strict_alignment_of_the_signature_wants_the_very_domain(practice: Practice, record: str) -> None:
    practice.author = "news@letters.shop.test"
    practice.more = practice.more.replace('selector = "s1"', 'selector = "s1"\ndomain = "shop.test"')
    zone = spoilt({("_dmarc.shop.test", "TXT"): ["v=DMARC1; p=none; adkim=s"]})
    line = only_one(practice.look("alignment", zone=zone))
    assert line.verdict.value == "warning"
    assert "d=shop.test does not belong to From" in line.reason


@pytest.mark.rule("B2")
def test_p_reject_is_fine_where_we_sign(practice: Practice, record: str) -> None:
    zone = spoilt({("_dmarc.shop.test", "TXT"): ["v=DMARC1; p=reject; rua=mailto:d@shop.test"]})
    assert only_one(practice.look("dmarc", zone=zone)).verdict.value == "ok"

"""What a person has to do is said where it applies, and never counted as a fault (A24, B22, B23)."""

from __future__ import annotations

import pytest

from tests.doctor.practice import Practice, only_one, said, verdicts
from tests.doctor.zones import spoilt

BIMI = ("default._bimi.shop.test", "TXT")


@pytest.mark.rule("A24")
def test_the_mailboxes_that_a_domain_must_have_are_named(practice: Practice) -> None:
    line = only_one(practice.look("roles"))
    assert line.verdict.value == "note"
    assert "postmaster@shop.test, abuse@shop.test" in line.reason
    assert "from outside" in line.remedy


@pytest.mark.rule("B22")
def test_the_programmes_of_the_providers_are_asked_for(practice: Practice) -> None:
    lines = practice.look("registrations")
    assert verdicts(lines) == ["note", "note", "note"]
    assert all(
        name in said(lines) for name in ("Google Postmaster Tools", "Complaint Feedback Loop", "SNDS", "JMRP")
    )


@pytest.mark.rule("B22")
def test_microsoft_goes_by_the_addresses_of_whoever_sends(practice: Practice) -> None:
    assert practice.look("registrations")[2].subject == "this machine"
    practice.relay, practice.tls, practice.more = "smtp.relay.test", "starttls", ""
    line = practice.look("registrations")[2]
    assert line.subject == "the relay"
    assert "Ask its operator" in line.remedy


def test_a_sample_site_is_spared(practice: Practice) -> None:
    practice.author, practice.base_url = "news@sample.example", "http://127.0.0.1:8025"
    assert verdicts(practice.look("roles", "registrations")) == ["skipped", "skipped"]


@pytest.mark.rule("B23")
@pytest.mark.parametrize(
    ("record", "verdict", "words"),
    [
        (None, "note", "none is needed"),
        ("v=BIMI1; l=https://shop.test/logo.svg; a=", "ok", "is published"),
        ("v=BIMI1; l=; a=", "note", "names no logo"),
        ("v=BIMI1; l=http://shop.test/logo.svg", "note", "names no logo"),
    ],
)
def test_a_logo_is_looked_for_where_dmarc_is_strict(
    practice: Practice, record: str | None, verdict: str, words: str
) -> None:
    line = only_one(practice.look("bimi", zone=spoilt({} if record is None else {BIMI: [record]})))
    assert (line.verdict.value, words in line.reason) == (verdict, True), line


@pytest.mark.rule("B23")
def test_before_enforcement_a_logo_is_no_matter(practice: Practice) -> None:
    zone = spoilt(
        {("_dmarc.shop.test", "TXT"): ["v=DMARC1; p=none"], BIMI: ["v=BIMI1; l=https://x.test/l.svg"]}
    )
    line = only_one(practice.look("bimi", zone=zone))
    assert line.verdict.value == "skipped"
    assert "quarantine or reject first" in line.reason

"""DMARC: tags, the walk up the tree, the organisational domain, alignment (RFC 9989)."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.doctor.dmarc import (
    Policy,
    is_aligned,
    organisational_domain,
    parse,
    policies_among,
    policy_for,
    walk_names,
)
from mailer.doctor.dmarc_reading import Walk, walk
from mailer.doctor.lookups import Dns
from tests.doctor.name_server import NameServer, Zone, serving

pytestmark = pytest.mark.rule("B2")
_DOMAINS = st.lists(st.sampled_from(["a", "b", "mail", "news", "shop", "test"]), min_size=1, max_size=14)


def policy(text: str) -> Policy:
    """A record that can be read."""
    read = parse(text)
    assert read is not None
    return read


def walked(zone: Zone, domain: str) -> tuple[Walk, list[str]]:
    """The walk, and the names that were asked."""

    async def story(names: NameServer) -> Walk:
        return await walk(Dns(names.resolver()), domain)

    with serving(zone) as names:
        return asyncio.run(story(names)), [name for name, _, _ in names.asked]


# --- a record ---------------------------------------------------------------------------------


def test_tags_are_read_whatever_the_spaces_and_the_case_of_their_names() -> None:
    read = policy("v=DMARC1 ;P= reject;  rua = mailto:a@shop.test ,mailto:b@shop.test;adkim=S;;")
    assert read.request(for_subdomain=False) == "reject"
    assert read.has_reports
    assert read.is_strict("adkim")
    assert not read.is_strict("aspf")


@pytest.mark.parametrize(
    "text", ["v=dmarc1; p=none", "p=none; v=DMARC1", "v=DMARC2; p=none", "", "v=spf1 -all"]
)
def test_a_record_that_does_not_begin_with_the_version_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("record", "own", "below"),
    [
        ("v=DMARC1; p=reject", "reject", "reject"),
        ("v=DMARC1; p=reject; sp=none", "reject", "none"),
        ("v=DMARC1; p=REJECT; sp=Quarantine", "reject", "quarantine"),
        ("v=DMARC1; rua=mailto:a@shop.test", "none", "none"),
        ("v=DMARC1; p=monitor; rua=mailto:a@shop.test", "none", "none"),
    ],
)
def test_the_policy_asked_for_depends_on_where_the_mail_is_from(record: str, own: str, below: str) -> None:
    read = policy(record)
    assert (read.request(for_subdomain=False), read.request(for_subdomain=True)) == (own, below)


@pytest.mark.parametrize(
    ("rua", "has"), [("mailto:a@shop.test", True), ("https://shop.test/in", False), ("a@shop.test", False)]
)
def test_reports_go_to_a_mailbox(rua: str, has: bool) -> None:
    assert policy(f"v=DMARC1; p=none; rua={rua}").has_reports is has


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading(text: str) -> None:
    read = parse(f"v=DMARC1;{text}")
    assert read is not None
    assert read.request(for_subdomain=True) in ("none", "quarantine", "reject")


def test_other_texts_beside_it_do_not_matter() -> None:
    found = policies_among(("verification=1", "v=DMARC1; p=none", "v=spf1 -all"))
    assert [each.text for each in found] == ["v=DMARC1; p=none"]


# --- the walk ---------------------------------------------------------------------------------


def test_the_walk_takes_one_label_at_a_time() -> None:
    assert walk_names("a.mail.shop.test") == ("a.mail.shop.test", "mail.shop.test", "shop.test", "test")


def test_a_long_name_is_cut_to_seven_labels_after_its_first_question() -> None:
    """RFC 9989 section 4.10, the example's arithmetic: eight questions for any name."""
    names = walk_names("a.b.c.d.e.f.g.h.i.j.mail.example.com")
    assert names[:2] == ("a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com")
    assert len(names) == 8
    assert names[-1] == "com"


@given(_DOMAINS)
def test_a_walk_never_asks_more_than_eight_questions(labels: list[str]) -> None:
    names = walk_names(".".join(labels))
    assert len(names) <= 8
    assert names[0] == ".".join(labels)
    assert all(names[0].endswith(name) for name in names)


def test_the_highest_record_stands_for_the_organisation() -> None:
    zone = {
        ("_dmarc.news.shop.test", "TXT"): ["v=DMARC1; p=none"],
        ("_dmarc.shop.test", "TXT"): ["v=DMARC1; p=reject"],
    }
    found, asked = walked(zone, "news.shop.test")
    assert found.organisation == "shop.test"
    assert asked == ["_dmarc.news.shop.test", "_dmarc.shop.test", "_dmarc.test"]


def test_psd_n_ends_the_walk_and_is_the_organisation() -> None:
    zone = {
        ("_dmarc.news.shop.test", "TXT"): ["v=DMARC1; p=none; psd=n"],
        ("_dmarc.shop.test", "TXT"): ["v=DMARC1; p=reject"],
    }
    found, asked = walked(zone, "news.shop.test")
    assert found.organisation == "news.shop.test"
    assert asked == ["_dmarc.news.shop.test"]


def test_below_a_public_suffix_the_organisation_is_one_label_more() -> None:
    zone = {("_dmarc.co.test", "TXT"): ["v=DMARC1; p=reject; psd=y"]}
    found, asked = walked(zone, "mail.shop.co.test")
    assert found.organisation == "shop.co.test"
    assert asked[-1] == "_dmarc.co.test"


def test_a_public_suffix_that_sends_mail_itself_stands_for_itself() -> None:
    zone = {("_dmarc.co.test", "TXT"): ["v=DMARC1; p=reject; psd=y"]}
    assert walked(zone, "co.test")[0].organisation == "co.test"


def test_without_any_record_the_domain_stands_for_itself() -> None:
    found, _ = walked({("shop.test", "A"): ["203.0.113.5"]}, "news.shop.test")
    assert found.organisation == "news.shop.test"
    assert policy_for("news.shop.test", found.policies) is None


def test_several_records_at_one_name_are_discarded() -> None:
    zone = {
        ("_dmarc.news.shop.test", "TXT"): ["v=DMARC1; p=none", "v=DMARC1; p=reject"],
        ("_dmarc.shop.test", "TXT"): ["v=DMARC1; p=quarantine"],
    }
    found, _ = walked(zone, "news.shop.test")
    assert found.repeated == ("news.shop.test",)
    assert list(found.policies) == ["shop.test"]


def test_the_own_record_counts_before_the_organisation_s() -> None:
    policies = {"news.shop.test": policy("v=DMARC1; p=none"), "shop.test": policy("v=DMARC1; p=reject")}
    name, effective = policy_for("news.shop.test", policies) or ("", None)
    assert name == "news.shop.test"
    assert effective is policies["news.shop.test"]


def test_the_record_of_a_public_suffix_counts_last() -> None:
    policies = {"co.test": policy("v=DMARC1; p=reject; psd=y")}
    assert (policy_for("shop.co.test", policies) or ("",))[0] == "co.test"


@pytest.mark.usefixtures("impatient")
def test_silence_is_not_taken_for_absence() -> None:
    async def story(names: NameServer) -> Walk:
        names.silent |= {"_dmarc.shop.test", "_dmarc.test"}
        return await walk(Dns(names.resolver()), "shop.test")

    with serving({("shop.test", "A"): ["203.0.113.5"]}) as names:
        assert asyncio.run(story(names)).is_silent


@given(_DOMAINS, st.sets(st.integers(0, 7)), st.sampled_from(["", "; psd=n", "; psd=y", "; psd=u"]))
def test_the_organisation_is_always_the_domain_or_above_it(
    labels: list[str], where: set[int], psd: str
) -> None:
    domain = ".".join(labels)
    names = walk_names(domain)
    policies = {names[at]: policy(f"v=DMARC1; p=none{psd}") for at in where if at < len(names)}
    organisation = organisational_domain(domain, policies)
    assert domain == organisation or domain.endswith(f".{organisation}")


# --- alignment --------------------------------------------------------------------------------

_ORGANISATIONS = {"news.shop.test": "shop.test", "bounce.shop.test": "shop.test", "relay.test": "relay.test"}


@pytest.mark.rule("B1")
@pytest.mark.parametrize(
    ("one", "other", "strict", "aligned"),
    [
        ("shop.test", "shop.test", True, True),
        ("news.shop.test", "bounce.shop.test", False, True),
        ("news.shop.test", "bounce.shop.test", True, False),
        ("news.shop.test", "shop.test", False, True),
        ("news.shop.test", "relay.test", False, False),
        ("unknown.test", "other.test", False, False),
    ],
)
def test_domains_are_aligned_by_organisation_unless_strictly_asked(
    one: str, other: str, strict: bool, aligned: bool
) -> None:
    assert is_aligned(one, other, strict=strict, organisations=_ORGANISATIONS) is aligned

"""SPF: records read and refused, lookups counted, an address held against a policy (RFC 7208)."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.doctor.lookups import Dns
from mailer.doctor.spf import (
    Node,
    SpfBroken,
    SpfResult,
    around,
    check_host,
    lookups,
    parse,
    policies_among,
    voids,
)
from mailer.doctor.spf_reading import read_policy
from tests.doctor.name_server import NameServer, Zone, serving
from tests.doctor.zones import ADDRESS

pytestmark = pytest.mark.rule("B3")


def read(zone: Zone, domain: str = "shop.test") -> tuple[Node, NameServer]:
    """The policy of a domain in a world with that zone."""

    async def story(names: NameServer) -> Node:
        return await read_policy(Dns(names.resolver()), domain)

    with serving(zone) as names:
        return asyncio.run(story(names)), names


def result(record: str, address: str = ADDRESS, **others: str) -> SpfResult:
    """What `check_host` says of an address, other records given as name=text with _ for dots."""
    zone: dict[tuple[str, str], list[str]] = {("shop.test", "TXT"): [record]}
    zone |= {(f"{name}.test", "TXT"): [text] for name, text in others.items()}
    zone |= {("mail.test", "A"): [ADDRESS], ("mail.test", "AAAA"): ["2001:db8::5"]}
    zone |= {("hub.test", "MX"): ["10 mail.test."], ("shop.test", "A"): ["198.51.100.1"]}
    return check_host(read(zone)[0], ip_address(address))


# --- reading ----------------------------------------------------------------------------------


def test_only_records_of_this_version_are_spf() -> None:
    texts = ("v=spf1", "V=SPF1 -all", "v=spf10 -all", "spf1 -all", "google-site-verification=x", " v=spf1")
    assert policies_among(texts) == ("v=spf1", "V=SPF1 -all")


def test_terms_are_read_with_qualifier_value_and_prefix() -> None:
    terms, redirect = parse(
        "v=spf1 ip4:192.0.2.0/24 ~a:mail.test/28//64 -include:other.test ?mx exp=why.test"
    )
    assert [(t.qualifier, t.name, t.value, t.prefix) for t in terms] == [
        ("", "ip4", "192.0.2.0", "/24"),
        ("~", "a", "mail.test", "/28//64"),
        ("-", "include", "other.test", ""),
        ("?", "mx", "", ""),
    ]
    assert redirect == ""


def test_a_redirect_counts_only_without_all() -> None:
    assert parse("v=spf1 a redirect=other.test")[1] == "other.test"
    assert parse("v=spf1 redirect=other.test -all")[1] == ""


def test_what_follows_all_is_never_reached() -> None:
    terms, _ = parse("v=spf1 a -all include:late.test")
    assert [term.name for term in terms] == ["a", "all"]


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 includ:other.test -all",
        "v=spf1 include: -all",
        "v=spf1 include -all",
        "v=spf1 ip4:203.0.113 -all",
        "v=spf1 ip4:2001:db8::1 -all",
        "v=spf1 ip6:203.0.113.5 -all",
        "v=spf1 ip4:203.0.113.0/33 -all",
        "v=spf1 a: -all",
        "v=spf1 -all; a",
        "v=spf1 203.0.113.5",
        "v=spf1 redirect=one.test redirect=two.test",
        "v=spf1 exists -all",
    ],
)
def test_a_record_that_receivers_refuse_is_refused(record: str) -> None:
    with pytest.raises(SpfBroken):
        parse(record)


@given(st.text(max_size=200))
def test_no_text_makes_the_reading_fail_in_another_way(text: str) -> None:
    try:
        terms, _ = parse(f"v=spf1 {text}")
    except SpfBroken:
        return
    assert all(term.name for term in terms)


@pytest.mark.parametrize(
    ("address", "prefix", "network"),
    [
        (ADDRESS, "", "203.0.113.5/32"),
        (ADDRESS, "/24", "203.0.113.0/24"),
        (ADDRESS, "/24//64", "203.0.113.0/24"),
        ("2001:db8::5", "/24//64", "2001:db8::/64"),
        ("2001:db8::5", "/24", "2001:db8::5/128"),
        (ADDRESS, "/99", "203.0.113.5/32"),
    ],
)
def test_prefixes_widen_an_address(address: str, prefix: str, network: str) -> None:
    assert str(around(ip_address(address), prefix)) == network


# --- evaluating -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (f"v=spf1 ip4:{ADDRESS} -all", SpfResult.PASS),
        ("v=spf1 ip4:203.0.113.0/24 -all", SpfResult.PASS),
        ("v=spf1 ip4:198.51.100.0/24 -all", SpfResult.FAIL),
        ("v=spf1 ip4:198.51.100.0/24 ~all", SpfResult.SOFTFAIL),
        ("v=spf1 ip4:198.51.100.0/24 ?all", SpfResult.NEUTRAL),
        ("v=spf1 ip4:198.51.100.0/24", SpfResult.NEUTRAL),
        ("v=spf1", SpfResult.NEUTRAL),
        ("v=spf1 a -all", SpfResult.FAIL),
        ("v=spf1 a:mail.test -all", SpfResult.PASS),
        ("v=spf1 mx:hub.test -all", SpfResult.PASS),
        ("v=spf1 mx:nobody.test -all", SpfResult.FAIL),
        ("v=spf1 ip6:2001:db8::/32 -all", SpfResult.FAIL),
        (f"v=spf1 -ip4:{ADDRESS} +all", SpfResult.FAIL),
        ("v=spf1 all", SpfResult.PASS),
        ("v=spf1 ptr -all", SpfResult.UNKNOWN),
        ("v=spf1 exists:%{i}.list.test -all", SpfResult.UNKNOWN),
        ("v=spf1 broken!", SpfResult.PERMERROR),
    ],
)
def test_an_address_is_judged_as_receivers_do(record: str, expected: SpfResult) -> None:
    assert result(record) is expected


def test_the_other_protocol_has_networks_of_its_own() -> None:
    record = "v=spf1 a:mail.test//64 -all"
    assert result(record, "2001:db8::77") is SpfResult.PASS
    assert result(record, "2001:db8:1::77") is SpfResult.FAIL


@pytest.mark.parametrize(
    ("included", "expected"),
    [
        (f"v=spf1 ip4:{ADDRESS} -all", SpfResult.PASS),
        ("v=spf1 -all", SpfResult.SOFTFAIL),
        ("v=spf1 ?all", SpfResult.SOFTFAIL),
        ("no policy here", SpfResult.PERMERROR),
        ("v=spf1 nonsense", SpfResult.PERMERROR),
    ],
)
def test_an_included_policy_matches_only_by_its_pass(included: str, expected: SpfResult) -> None:
    """RFC 7208 section 5.2."""
    assert result("v=spf1 include:other.test ~all", other=included) is expected


def test_a_redirect_hands_the_whole_answer_over() -> None:
    assert result("v=spf1 redirect=other.test", other="v=spf1 ~all") is SpfResult.SOFTFAIL
    assert result("v=spf1 redirect=nobody.test") is SpfResult.PERMERROR


def test_a_domain_without_a_record_has_no_opinion() -> None:
    node, _ = read({("shop.test", "A"): [ADDRESS]})
    assert check_host(node, ip_address(ADDRESS)) is SpfResult.NONE


def test_two_records_are_an_error() -> None:
    node, _ = read({("shop.test", "TXT"): ["v=spf1 -all", "v=spf1 +all"]})
    assert check_host(node, ip_address(ADDRESS)) is SpfResult.PERMERROR
    assert "2 SPF records" in node.fault


# --- counting ---------------------------------------------------------------------------------


def test_every_term_that_asks_dns_is_counted_to_the_bottom() -> None:
    zone = {
        ("shop.test", "TXT"): ["v=spf1 a mx include:one.test ip4:192.0.2.1 exists:%{i}.test -all"],
        ("one.test", "TXT"): ["v=spf1 include:two.test ptr ~all"],
        ("two.test", "TXT"): ["v=spf1 redirect=three.test"],
        ("three.test", "TXT"): ["v=spf1 ip4:192.0.2.2 -all"],
    }
    node, _ = read(zone)
    assert lookups(node) == 7


@pytest.mark.parametrize("count", [10, 11])
def test_the_limit_of_ten_is_counted_exactly(count: int) -> None:
    terms = " ".join(f"a:host{n}.test" for n in range(count))
    node, _ = read({("shop.test", "TXT"): [f"v=spf1 {terms} -all"]})
    assert lookups(node) == count


def test_names_that_do_not_exist_are_counted_as_void() -> None:
    zone = {
        ("shop.test", "TXT"): ["v=spf1 a:gone.test mx:gone.test a:here.test include:gone2.test -all"],
        ("here.test", "A"): [ADDRESS],
    }
    assert voids(read(zone)[0]) == 3


def test_policies_that_include_each_other_end() -> None:
    zone = {
        ("shop.test", "TXT"): ["v=spf1 include:other.test -all"],
        ("other.test", "TXT"): ["v=spf1 include:shop.test -all"],
    }
    node, names = read(zone)
    assert lookups(node) > 10
    assert len(names.asked) == 2


def test_a_tree_of_includes_is_not_followed_without_end() -> None:
    """Ten includes of ten includes would be ten thousand questions, four levels down."""
    terms = " ".join(f"include:{n}.%s.test" for n in range(10))
    zone = {("shop.test", "TXT"): ["v=spf1 " + terms.replace("%s", "a") + " -all"]}
    for n in range(10):
        zone[f"{n}.a.test", "TXT"] = ["v=spf1 " + terms.replace("%s", f"{n}.b") + " -all"]
        for m in range(10):
            zone[f"{m}.{n}.b.test", "TXT"] = ["v=spf1 " + terms.replace("%s", "c") + " -all"]
    node, names = read(zone)
    assert lookups(node) > 10
    assert len(names.asked) < 60


def test_a_crowd_of_exchangers_is_not_asked_about_one_by_one() -> None:
    zone = {
        ("shop.test", "TXT"): ["v=spf1 mx -all"],
        ("shop.test", "MX"): [f"{n} mx{n}.shop.test." for n in range(40)],
    }
    _, names = read(zone)
    assert len({name for name, kind, _ in names.asked if kind == "A"}) == 10


def test_silence_is_no_verdict(impatient: None) -> None:
    async def story(names: NameServer) -> Node:
        names.silent.add("other.test")
        return await read_policy(Dns(names.resolver()), "shop.test")

    with serving({("shop.test", "TXT"): ["v=spf1 include:other.test -all"]}) as names:
        node = asyncio.run(story(names))
    assert check_host(node, ip_address(ADDRESS)) is SpfResult.TEMPERROR

"""The checks of a sender's names against good and bad zones: verdict, reason, remedy."""

from __future__ import annotations

import pytest

from tests.doctor.name_server import NameServer, Zone, serving
from tests.doctor.practice import Practice, only_one, said, verdicts
from tests.doctor.zones import ADDRESS, GOOD, REVERSE, spoilt

BOUNCE = ("bounce.shop.test", "TXT")
DMARC = ("_dmarc.shop.test", "TXT")


def test_a_sender_whose_names_are_in_order_hears_nothing_bad(practice: Practice) -> None:
    lines = practice.look("ehlo", "ptr", "spf", "dmarc", "alignment", "bounce-mx", "answer-mx")
    assert set(verdicts(lines)) == {"ok"}, said(lines)


# --- SPF --------------------------------------------------------------------------------------


@pytest.mark.rule("B3")
@pytest.mark.parametrize(
    ("record", "verdict", "words"),
    [
        ("v=spf1 ip4:203.0.113.5 -all", "ok", "0 of 10 lookups, 0 of 2 void; it allows 203.0.113.5"),
        ("v=spf1 mx:shop.test ~all", "ok", "1 of 10 lookups"),
        ("v=spf1 ip4:198.51.100.7 -all", "failure", "203.0.113.5: fail"),
        ("v=spf1 ip4:198.51.100.7 ~all", "failure", "203.0.113.5: softfail"),
        ("v=spf1 ip4:203.0.113.5 -all oops", "failure", "oops"),
        ("v=spf1 ip4:203.0.113 -all", "failure", "is no IPv4 network"),
        ("v=spf1 include:nobody.shop.test -all", "failure", "nobody.shop.test, which has no SPF record"),
        ("v=spf1 redirect=nobody.shop.test", "failure", "no SPF record"),
        (
            "v=spf1 a:g1.test a:g2.test a:g3.test ip4:203.0.113.5 -all",
            "failure",
            "3 of its names do not exist",
        ),
        (f"v=spf1 {' '.join(['a:mx.shop.test'] * 11)} -all", "failure", "more than 10 lookups"),
        ("v=spf1 include:bounce.shop.test -all", "failure", "more than 10 lookups"),
    ],
)
def test_spf_of_the_bounce_domain(practice: Practice, record: str, verdict: str, words: str) -> None:
    line = practice.look("spf", zone=spoilt({BOUNCE: [record]}))[0]
    assert line.subject == "bounce.shop.test"
    assert line.verdict.value == verdict, said([line])
    assert words in line.reason


@pytest.mark.rule("B3")
def test_without_a_record_the_very_record_to_publish_is_shown(practice: Practice) -> None:
    line = practice.look("spf", zone=spoilt(without=[BOUNCE]))[0]
    assert line.verdict.value == "failure"
    assert line.remedy == f'Publish: bounce.shop.test. TXT "v=spf1 ip4:{ADDRESS} -all"'


@pytest.mark.rule("B3")
def test_two_records_are_a_failure(practice: Practice) -> None:
    line = practice.look("spf", zone=spoilt({BOUNCE: ["v=spf1 -all", "v=spf1 +all"]}))[0]
    assert line.verdict.value == "failure"
    assert "2 SPF records" in line.reason


@pytest.mark.rule("B3")
@pytest.mark.parametrize(
    ("record", "verdict", "words"),
    [
        ("v=spf1 ip4:203.0.113.5 +all", "failure", "+all lets everybody"),
        ("v=spf1 ip4:203.0.113.5 ?all", "warning", "?all says nothing"),
        ("v=spf1 ip4:203.0.113.5", "warning", "everybody else"),
        ("v=spf1 ip4:203.0.113.5 ptr -all", "warning", "uses ptr"),
        (f"v=spf1 ip4:203.0.113.5 {'a:mx.shop.test ' * 9}-all", "note", "9 lookups are close"),
    ],
)
def test_a_record_that_works_can_still_be_unwise(
    practice: Practice, record: str, verdict: str, words: str
) -> None:
    lines = [
        line
        for line in practice.look("spf", zone=spoilt({BOUNCE: [record]}))
        if line.subject == "bounce.shop.test"
    ]
    assert lines[0].verdict.value == "ok"
    assert (lines[1].verdict.value, words in lines[1].reason) == (verdict, True), said(lines)


@pytest.mark.rule("B3")
def test_the_greeting_name_of_a_server_of_ones_own_wants_a_record_too(practice: Practice) -> None:
    lines = practice.look("spf", zone=spoilt(without=[("mail.shop.test", "TXT")]))
    assert (lines[1].subject, lines[1].verdict.value) == ("mail.shop.test", "warning")


@pytest.mark.rule("B3")
def test_behind_a_foreign_relay_the_greeting_name_needs_none(practice: Practice) -> None:
    practice.relay, practice.tls, practice.more = "smtp.relay.test", "starttls", ""
    lines = practice.look("spf", zone=spoilt(without=[("mail.shop.test", "TXT")]))
    assert lines[1].verdict.value == "ok"
    assert "the relay greets with its own name" in lines[1].reason


@pytest.mark.rule("B3")
def test_a_foreign_relay_is_known_by_its_own_address_at_best(practice: Practice) -> None:
    practice.relay, practice.tls, practice.more = "smtp.relay.test", "starttls", ""
    zone: Zone = spoilt({("smtp.relay.test", "A"): ["198.51.100.9"]})
    line = practice.look("spf", zone=zone)[0]
    assert line.verdict.value == "note"
    assert "may send from other addresses" in line.reason
    assert "--proof" in line.remedy
    allowed = practice.look("spf", zone={**zone, BOUNCE: ["v=spf1 ip4:198.51.100.9 -all"]})[0]
    assert allowed.verdict.value == "ok"


@pytest.mark.rule("B3")
def test_where_nothing_is_known_of_the_sender_that_is_said(practice: Practice) -> None:
    practice.relay, practice.tls, practice.more = "smtp.relay.test", "starttls", ""
    line = practice.look("spf")[0]
    assert line.verdict.value == "note"
    assert "not known from here" in line.reason
    assert "outgoing_addresses" in line.remedy


@pytest.mark.rule("B3")
def test_what_only_a_receiver_can_know_is_no_fault(practice: Practice) -> None:
    line = practice.look("spf", zone=spoilt({BOUNCE: ["v=spf1 exists:%{i}.allowed.relay.test -all"]}))[0]
    assert line.verdict.value == "note"
    assert "cannot be told from here" in line.reason


@pytest.mark.rule("B3")
@pytest.mark.usefixtures("impatient")
def test_an_include_that_does_not_answer_is_no_refusal(practice: Practice) -> None:
    with serving(spoilt({BOUNCE: ["v=spf1 include:slow.relay.test -all"]})) as names:
        names.silent.add("slow.relay.test")
        line = practice.look("spf", names=names)[0]
    assert line.verdict.value == "note"
    assert "temperror" in line.reason


# --- DMARC ------------------------------------------------------------------------------------


@pytest.mark.rule("B2")
@pytest.mark.parametrize(
    ("record", "expected", "words"),
    [
        ("v=DMARC1; p=none; rua=mailto:d@shop.test", ["ok"], "reports only"),
        ("v=DMARC1; p=quarantine; rua=mailto:d@shop.test", ["ok"], "p=quarantine"),
        ("v=DMARC1; p=reject; rua=mailto:d@shop.test", ["warning"], "DKIM must pass"),
        ("v=DMARC1; p=none", ["ok", "warning"], "rua is missing"),
        (
            "v=DMARC1; p=none; pct=100; ri=3600; rf=afrf; rua=mailto:d@shop.test",
            ["ok", "warning"],
            "pct, rf, ri",
        ),
        ("v=DMARC1; p=quarantine; t=y; rua=mailto:d@shop.test", ["note"], "t=y"),
        ("v=DMARC1; p=noen; rua=mailto:d@shop.test", ["ok", "warning"], "p=noen is no policy"),
        ("v=DMARC1; p=none; ruaa=x; rua=mailto:d@shop.test", ["ok", "note"], "ruaa: no tag of DMARC"),
    ],
)
def test_dmarc_of_the_from_domain(practice: Practice, record: str, expected: list[str], words: str) -> None:
    lines = practice.look("dmarc", zone=spoilt({DMARC: [record]}))
    assert verdicts(lines) == expected, said(lines)
    assert words in said(lines)


@pytest.mark.rule("B2")
def test_obsolete_tags_are_explained_by_what_replaced_them(practice: Practice) -> None:
    lines = practice.look("dmarc", zone=spoilt({DMARC: ["v=DMARC1; p=none; pct=5; rua=mailto:d@shop.test"]}))
    assert "use t=y" in lines[1].remedy


@pytest.mark.rule("B2")
def test_a_missing_record_is_a_failure_and_the_record_is_shown(practice: Practice) -> None:
    line = only_one(practice.look("dmarc", zone=spoilt(without=[DMARC])))
    assert line.verdict.value == "failure"
    assert line.remedy.startswith('Publish: _dmarc.shop.test. TXT "v=DMARC1; p=none; rua=mailto:')


@pytest.mark.rule("B2")
def test_several_records_are_a_failure(practice: Practice) -> None:
    line = only_one(practice.look("dmarc", zone=spoilt({DMARC: ["v=DMARC1; p=none", "v=DMARC1; p=reject"]})))
    assert line.verdict.value == "failure"
    assert "discard all of them" in line.reason


@pytest.mark.rule("B2")
def test_a_subdomain_is_held_to_the_policy_for_subdomains(practice: Practice) -> None:
    practice.author = "news@letters.shop.test"
    record = "v=DMARC1; p=reject; sp=none; rua=mailto:d@shop.test"
    line = only_one(practice.look("dmarc", zone=spoilt({DMARC: [record]})))
    assert line.verdict.value == "ok"
    assert "p=none, by the record of shop.test" in line.reason


# --- alignment --------------------------------------------------------------------------------


@pytest.mark.rule("B1")
def test_from_and_bounces_of_one_organisation_belong_together(practice: Practice) -> None:
    line = only_one(practice.look("alignment"))
    assert line.verdict.value == "ok"
    assert line.subject == "shop.test (weekly)"


@pytest.mark.rule("B1")
def test_a_bounce_domain_of_somebody_else_leaves_everything_to_dkim(practice: Practice) -> None:
    practice.return_path = "bounce@bounces.relay.test"
    line = only_one(practice.look("alignment"))
    assert line.verdict.value == "warning"
    assert "bounce.shop.test" in line.remedy


@pytest.mark.rule("B1")
def test_without_dmarc_nobody_knows_that_two_names_belong_together(practice: Practice) -> None:
    line = only_one(practice.look("alignment", zone=spoilt(without=[DMARC])))
    assert line.verdict.value == "warning"
    assert "only once a DMARC record says so" in line.reason
    assert "see the check dmarc" in line.remedy


@pytest.mark.rule("B1")
def test_strict_alignment_wants_the_very_same_domain(practice: Practice) -> None:
    line = only_one(practice.look("alignment", zone=spoilt({DMARC: ["v=DMARC1; p=none; aspf=s"]})))
    assert line.verdict.value == "warning"
    assert "aspf=s" in line.reason


@pytest.mark.rule("B1")
def test_lists_with_one_from_are_looked_at_once(practice: Practice) -> None:
    practice.more += """
[lists.clearance]
title = "Clearance"
from = "Ohm & Volt <stock@shop.test>"
list_id = "clearance.lists.shop.test"
description = "Leftovers."
frequency = "now and then"

[lists.partners]
title = "Partners"
from = "Ohm & Volt <partners@other.test>"
list_id = "partners.lists.shop.test"
description = "Prices."
frequency = "monthly"
"""
    lines = practice.look("alignment")
    assert [line.subject for line in lines] == ["shop.test (weekly, clearance)", "other.test (partners)"]
    assert verdicts(lines) == ["ok", "warning"]


# --- where mail goes --------------------------------------------------------------------------


@pytest.mark.rule("A71")
@pytest.mark.parametrize(
    ("changes", "without", "verdict", "words"),
    [
        ({}, [("bounce.shop.test", "MX")], "failure", "Nobody takes mail for it"),
        ({("bounce.shop.test", "A"): [ADDRESS]}, [("bounce.shop.test", "MX")], "warning", "No MX"),
        ({("bounce.shop.test", "MX"): ["0 ."]}, [], "failure", "takes no mail at all"),
        ({("bounce.shop.test", "MX"): ["10 gone.shop.test."]}, [], "failure", "None of its exchangers"),
        (
            {("bounce.shop.test", "MX"): ["1 gone.shop.test.", "2 mx.shop.test."]},
            [],
            "warning",
            "gone.shop.test has no",
        ),
    ],
)
def test_bounces_need_somewhere_to_go(
    practice: Practice, changes: Zone, without: list[tuple[str, str]], verdict: str, words: str
) -> None:
    line = only_one(practice.look("bounce-mx", zone=spoilt(changes, without=without)))
    assert line.verdict.value == verdict, said([line])
    assert words in line.reason


@pytest.mark.rule("A71")
def test_a_bounce_domain_outside_of_every_zone_is_refused_by_yahoo(practice: Practice) -> None:
    lines = practice.look("bounce-mx", zone=spoilt(without=[("shop.test", "SOA")]))
    assert verdicts(lines) == ["ok", "failure"]
    assert "SOA" in lines[1].reason


@pytest.mark.rule("B16")
def test_answers_to_from_and_reply_to_must_arrive(practice: Practice) -> None:
    practice.author = 'news@shop.test>"\nreply_to = "Help <help@desk.test'
    lines = practice.look("answer-mx")
    assert [(line.subject, line.verdict.value) for line in lines] == [
        ("shop.test", "ok"),
        ("desk.test", "failure"),
    ]
    assert "the Reply-To of list weekly" in lines[1].reason


# --- the greeting and the address -------------------------------------------------------------


@pytest.mark.rule("B4")
@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({REVERSE: []}, "failure", "no reverse name"),
        ({REVERSE: ["mail.elsewhere.test."]}, "failure", "does not lead back"),
        ({REVERSE: ["mail.shop.test."]}, "ok", "leads to it and back"),
    ],
)
def test_the_reverse_name_leads_back(
    practice: Practice, changes: dict[str, list[str]], verdict: str, words: str
) -> None:
    zone = spoilt({(name, "PTR"): records for name, records in changes.items()})
    line = only_one(practice.look("ptr", zone=zone))
    assert (line.subject, line.verdict.value) == (ADDRESS, verdict)
    assert words in line.reason


@pytest.mark.rule("B4")
def test_a_reverse_name_as_networks_give_it_is_warned_of(practice: Practice) -> None:
    generic = "203-0-113-5.pool.network.test"
    zone = spoilt({(REVERSE, "PTR"): [f"{generic}."], (generic, "A"): [ADDRESS]})
    line = only_one(practice.look("ptr", zone=zone))
    assert line.verdict.value == "warning"
    assert "dial-in" in line.reason


@pytest.mark.rule("B4")
def test_the_addresses_of_a_relay_are_its_operator_s(practice: Practice) -> None:
    practice.relay, practice.tls, practice.more = "smtp.relay.test", "starttls", ""
    line = only_one(practice.look("ptr"))
    assert line.verdict.value == "skipped"
    assert "its operator's" in line.reason


@pytest.mark.rule("A48")
@pytest.mark.parametrize(
    ("changes", "without", "verdict", "words"),
    [
        ({}, [], "ok", "and back"),
        ({}, [("mail.shop.test", "A"), ("mail.shop.test", "TXT")], "warning", "no address in DNS"),
        ({("mail.shop.test", "A"): ["198.51.100.1"]}, [], "warning", "our mail leaves from: 203.0.113.5"),
        ({(REVERSE, "PTR"): ["other.shop.test."]}, [], "warning", "no reverse name leads back"),
    ],
)
def test_the_greeting_name_leads_here_and_back(
    practice: Practice, changes: Zone, without: list[tuple[str, str]], verdict: str, words: str
) -> None:
    line = only_one(practice.look("ehlo", zone=spoilt(changes, without=without)))
    assert (line.subject, line.verdict.value) == ("mail.shop.test", verdict), said([line])
    assert words in line.reason


@pytest.mark.rule("A48")
def test_each_relay_is_greeted_by_a_name_that_is_looked_at(practice: Practice) -> None:
    practice.smtp = """
[smtp.second]
host = "127.0.0.1"
port = 2526
tls = "none"
ehlo_name = "second.shop.test"
"""
    lines = practice.look("ehlo")
    assert [line.subject for line in lines] == ["mail.shop.test", "second.shop.test"]
    assert verdicts(lines) == ["ok", "warning"]


# --- a world that does not answer -------------------------------------------------------------

_ALL = ("spf", "dmarc", "alignment", "bounce-mx", "answer-mx", "ehlo", "ptr", "bimi")


@pytest.mark.rule("D36")
@pytest.mark.usefixtures("impatient")
def test_silence_of_dns_is_never_a_fault_of_the_records(practice: Practice) -> None:
    with serving(GOOD) as names:
        names.silent |= {name for name, _ in GOOD} | {"_dmarc.test", "_dmarc.bounce.shop.test", "test"}
        lines = practice.look("spf", "dmarc", "bounce-mx", "answer-mx", "ehlo", "ptr", names=names)
    assert set(verdicts(lines)) == {"skipped"}, said(lines)


@pytest.mark.rule("D36")
def test_hostile_answers_everywhere_change_nothing_but_the_verdict(practice: Practice) -> None:
    """Escape sequences, endless texts, what is no UTF-8: each check still ends with a sentence."""
    hostile = b"v=spf1 \x1b]0;owned\x07 \xff\xfe" + b"A" * 100 + b"\r\n-all"
    with serving({key: records for key, records in GOOD.items() if key[1] != "TXT"}) as names:
        for name in ("shop.test", "bounce.shop.test", "mail.shop.test", "default._bimi.shop.test"):
            names.raw[name] = hostile
        names.raw["_dmarc.shop.test"] = b"v=DMARC1; p=\x1b[31mnone; \x9b=x; rua=mailto:\x00"
        lines = practice.look(*_ALL, names=names)
    assert {line.check for line in lines} == set(_ALL)
    assert "failure" in verdicts(lines)


@pytest.mark.rule("D36")
@pytest.mark.usefixtures("impatient")
def test_garbled_and_failing_servers_are_survived(practice: Practice) -> None:
    with serving(GOOD) as names:
        names.garbled |= {"bounce.shop.test", "mail.shop.test"}
        names.failing |= {"_dmarc.shop.test", "mx.shop.test", REVERSE}
        lines = practice.look(*_ALL, names=names)
    assert {line.check for line in lines} == set(_ALL)


def test_answers_of_a_truncating_server_are_asked_for_by_tcp(practice: Practice) -> None:
    with serving(GOOD) as names:
        names.truncated |= {name for name, _ in GOOD}
        lines = practice.look("spf", "dmarc", names=names)
    assert set(verdicts(lines)) == {"ok"}
    assert {protocol for _, _, protocol in names.asked} == {"udp", "tcp"}


@pytest.mark.parametrize(
    ("author", "words"),
    [
        ("news@sample.example", "sample value"),
        ("news@example.com", "name for examples"),
        ("a@x.invalid", "no DNS"),
    ],
)
def test_nobody_is_asked_about_names_that_cannot_be(practice: Practice, author: str, words: str) -> None:
    practice.author, practice.base_url = author, "http://127.0.0.1:8025"
    with serving(GOOD) as names:
        lines = practice.look("dmarc", "alignment", "answer-mx", "bimi", names=names)
    assert set(verdicts(lines)) == {"skipped"}
    assert all(words in line.reason and "of your own" in line.remedy for line in lines), said(lines)
    assert names.asked == []


def test_a_server_that_knows_nobody(practice: Practice) -> None:
    lines = practice.look(*_ALL, names=_empty())
    assert "failure" not in verdicts([line for line in lines if line.check == "alignment"])


def _empty() -> NameServer:
    return NameServer({})

"""DNS is not to be trusted: answers are bounded in time and size, and silence is told from absence (D36)."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import dns.asyncresolver
import pytest

from mailer.doctor import lookups
from mailer.doctor.lookups import MAX_RECORDS, MAX_TEXT, Answer, Dns, Found
from tests.doctor.name_server import NameServer, free_port, serving
from tests.doctor.zones import ADDRESS, GOOD

pytestmark = pytest.mark.rule("D36")


def ask(names: NameServer, kind: str, name: str) -> Answer:
    """One question of one resolver."""

    async def story() -> Answer:
        answer: Answer = await getattr(Dns(names.resolver()), kind)(name)
        return answer

    return asyncio.run(story())


def test_a_text_record_comes_back_as_it_was_published() -> None:
    with serving(GOOD) as names:
        answer = ask(names, "txt", "_dmarc.shop.test")
    assert answer.found is Found.RECORDS
    assert answer.records == ("v=DMARC1; p=quarantine; rua=mailto:dmarc@shop.test",)


def test_the_strings_of_one_record_are_joined_without_a_space() -> None:
    long = "v=spf1 " + " ".join(f"ip4:203.0.113.{n}" for n in range(60)) + " -all"
    with serving({("shop.test", "TXT"): [long]}) as names:
        assert ask(names, "txt", "shop.test").records == (long,)


@pytest.mark.parametrize(
    ("name", "found"), [("shop.test", Found.NO_RECORD), ("nobody.shop.test", Found.NO_NAME)]
)
def test_a_name_without_the_record_is_told_from_a_name_that_is_not_there(name: str, found: Found) -> None:
    with serving({("shop.test", "A"): [ADDRESS]}) as names:
        answer = ask(names, "txt", name)
    assert answer.found is found
    assert answer.is_void
    assert not answer.is_unknown


def test_the_exchangers_come_best_first() -> None:
    zone = {("shop.test", "MX"): ["20 second.shop.test.", "5 First.shop.test.", "30 third.shop.test."]}
    with serving(zone) as names:
        answer = ask(names, "mx", "shop.test")
    assert answer.records == ("first.shop.test", "second.shop.test", "third.shop.test")


def test_a_null_mx_is_an_empty_name() -> None:
    with serving({("shop.test", "MX"): ["0 ."]}) as names:
        assert ask(names, "mx", "shop.test").records == ("",)


def test_both_kinds_of_addresses_are_found() -> None:
    zone = {("mx.shop.test", "A"): [ADDRESS], ("mx.shop.test", "AAAA"): ["2001:db8::5"]}

    async def story(names: NameServer) -> None:
        answer, addresses = await Dns(names.resolver()).addresses("mx.shop.test")
        assert answer.found is Found.RECORDS
        assert addresses == (ip_address(ADDRESS), ip_address("2001:db8::5"))

    with serving(zone) as names:
        asyncio.run(story(names))


def test_an_alias_is_followed() -> None:
    zone = {("www.shop.test", "CNAME"): ["mx.shop.test."], ("mx.shop.test", "A"): [ADDRESS]}

    async def story(names: NameServer) -> None:
        _, addresses = await Dns(names.resolver()).addresses("www.shop.test")
        assert addresses == (ip_address(ADDRESS),)

    with serving(zone) as names:
        asyncio.run(story(names))


def test_an_answer_cut_off_is_asked_for_again_by_tcp() -> None:
    with serving(GOOD) as names:
        names.truncated.add("bounce.shop.test")
        answer = ask(names, "txt", "bounce.shop.test")
    assert answer.records == (f"v=spf1 ip4:{ADDRESS} -all",)
    assert ("bounce.shop.test", "TXT", "tcp") in names.asked


@pytest.mark.usefixtures("impatient")
def test_silence_ends_after_the_time_for_one_question() -> None:
    with serving(GOOD) as names:
        names.silent.add("shop.test")
        answer = ask(names, "txt", "shop.test")
    assert answer.found is Found.SILENCE
    assert answer.is_unknown
    assert not answer.is_void


@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_broken_is_told_from_one_that_is_silent() -> None:
    with serving(GOOD) as names:
        names.failing.add("shop.test")
        assert ask(names, "txt", "shop.test").found is Found.TROUBLE


@pytest.mark.usefixtures("impatient")
def test_bytes_that_are_no_message_are_no_answer() -> None:
    with serving(GOOD) as names:
        names.garbled.add("shop.test")
        answer = ask(names, "txt", "shop.test")
    assert answer.is_unknown
    assert answer.records == ()


@pytest.mark.usefixtures("impatient")
def test_nobody_at_home_is_unknown_and_not_absent() -> None:
    answer = ask(NameServer({}, port=free_port()), "txt", "shop.test")
    assert answer.is_unknown


def test_a_machine_without_a_resolver_is_told_that_dns_is_silent() -> None:
    async def story() -> None:
        answer = await Dns(dns.asyncresolver.Resolver(configure=False)).txt("shop.test")
        assert answer.found is Found.SILENCE

    asyncio.run(story())


def test_an_endless_text_is_cut() -> None:
    with serving({("shop.test", "TXT"): ["x" * 20_000]}) as names:
        (text,) = ask(names, "txt", "shop.test").records
    assert len(text) == MAX_TEXT


def test_a_flood_of_records_is_cut() -> None:
    with serving({("shop.test", "TXT"): [f"record {n}" for n in range(200)]}) as names:
        assert len(ask(names, "txt", "shop.test").records) == MAX_RECORDS


def test_bytes_that_are_no_text_are_spelt_out() -> None:
    with serving(GOOD) as names:
        names.raw["evil.test"] = b"\x1b[2J\xff\xfe"
        (text,) = ask(names, "txt", "evil.test").records
    assert text == "\x1b[2J\\xff\\xfe"


@pytest.mark.parametrize("name", ["", "a" * 300, "x..y", "a" * 70 + ".test", ".test"])
def test_a_name_that_cannot_be_is_not_asked_for(name: str) -> None:
    with serving(GOOD) as names:
        answer = ask(names, "txt", name)
    assert answer.records == ()
    assert names.asked == []


def test_a_question_is_asked_once_however_many_want_to_know() -> None:
    async def story(names: NameServer) -> None:
        dns = Dns(names.resolver())
        answers = await asyncio.gather(*(dns.txt(name) for name in ("shop.test", "SHOP.test", "shop.test.")))
        assert len(set(answers)) == 1

    with serving(GOOD) as names:
        asyncio.run(story(names))
    assert [kind for name, kind, _ in names.asked if name == "shop.test"] == ["TXT"]


@pytest.mark.usefixtures("impatient")
def test_who_gives_up_waiting_takes_the_answer_from_nobody() -> None:
    async def story(names: NameServer) -> None:
        dns = Dns(names.resolver())
        hurried = asyncio.create_task(dns.txt("shop.test"))
        await asyncio.sleep(0)
        hurried.cancel()
        assert (await dns.txt("shop.test")).found is Found.RECORDS

    with serving(GOOD) as names:
        asyncio.run(story(names))


def test_the_time_for_a_question_is_short() -> None:
    assert lookups.QUESTION_SECONDS <= 5

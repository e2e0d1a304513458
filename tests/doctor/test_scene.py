"""What is looked at: who sends, which names are real, what went wrong in words."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.doctor import scene as scenes
from mailer.doctor.host_names import is_generic
from mailer.doctor.http import Reply, request
from mailer.doctor.lookups import Dns
from mailer.doctor.scene import Senders, database_file, nowhere
from mailer.doctor.words import words_of
from tests.doctor.front import bytes_only
from tests.doctor.name_server import serving
from tests.doctor.practice import Practice
from tests.doctor.zones import ADDRESS, GOOD


def senders(practice: Practice) -> Senders:
    """From where this site's mail leaves, in the good world with a relay in it."""
    zone = {**GOOD, ("smtp.relay.test", "A"): ["198.51.100.9"]}

    async def story() -> Senders:
        return await replace(practice.scene(), dns=Dns(names.resolver())).senders()

    with serving(zone) as names:
        return asyncio.run(story())


@pytest.mark.rule("B4")
def test_what_the_operator_says_of_the_addresses_counts_before_all(practice: Practice) -> None:
    found = senders(practice)
    assert (found.addresses, found.is_certain) == ((ip_address(ADDRESS),), True)


@pytest.mark.rule("B4")
def test_a_server_on_this_machine_sends_from_its_public_addresses_only(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice.more = ""
    mine = (ip_address("192.168.1.7"), ip_address("9.9.9.9"), ip_address("fe80::1"))
    monkeypatch.setattr(scenes, "own_addresses", lambda: mine)
    found = senders(practice)
    assert (found.addresses, found.is_certain) == ((ip_address("9.9.9.9"),), True)


@pytest.mark.rule("B4")
def test_a_relay_is_known_by_its_name_and_not_for_certain(practice: Practice) -> None:
    practice.relay, practice.tls, practice.more = "smtp.relay.test", "starttls", ""
    found = senders(practice)
    assert (found.addresses, found.is_certain) == ((ip_address("198.51.100.9"),), False)


@pytest.mark.parametrize("value", ['["203.0.113.5", "2001:db8::5"]', '"203.0.113.5, 2001:DB8:0::5"'])
def test_the_addresses_may_be_a_list_or_one_line(practice: Practice, value: str) -> None:
    practice.more = f"[doctor]\noutgoing_addresses = {value}\n"
    assert practice.scene().settings.doctor.outgoing_addresses == ("203.0.113.5", "2001:db8::5")


def test_what_is_no_address_is_refused_with_an_example(practice: Practice) -> None:
    practice.more = '[doctor]\noutgoing_addresses = ["mail.shop.test"]\n'
    with pytest.raises(Exception, match='not an IP address such as "203.0.113.5"'):
        practice.scene()


@pytest.mark.parametrize(
    ("name", "is_nowhere"),
    [
        ("shop.example", True),
        ("bounce.sample.example", True),
        ("example.org", True),
        ("news.example.com", True),
        ("x.invalid", True),
        ("box.localhost", True),
        ("shop.test", False),
        ("example.shop", False),
        ("myexample.net", False),
    ],
)
def test_names_that_cannot_be_are_known(name: str, is_nowhere: bool) -> None:
    assert (nowhere(name) is not None) is is_nowhere


def test_the_file_of_the_database_is_known_without_opening_it(practice: Practice) -> None:
    scene = practice.scene()
    assert database_file(scene.settings, practice.root) == practice.root / "data/mailer.db"
    assert scene.store is None


@pytest.mark.rule("B4")
@pytest.mark.parametrize(
    ("name", "address", "generic"),
    [
        ("203-0-113-5.pool.network.test", ADDRESS, True),
        ("host5.113.0.203.dyn.network.test", ADDRESS, True),
        ("ip-203.000.113.005.network.test", ADDRESS, True),
        ("mail.shop.test", ADDRESS, False),
        ("mx5.shop.test", ADDRESS, False),
        ("2001-db8-0-0-0-0-0-5.network.test", "2001:db8::5", False),
        ("0000.0000.0005.network.test", "2001:db8::5", True),
        ("mail6.shop.test", "2001:db8::5", False),
    ],
)
def test_names_that_networks_give_out_are_known(name: str, address: str, generic: bool) -> None:
    assert is_generic(name, ip_address(address)) is generic


@given(st.ip_addresses(v=4))
def test_any_address_spelt_out_is_generic_and_a_plain_name_never(address: object) -> None:
    one = ip_address(str(address))
    assert is_generic(f"{str(one).replace('.', '-')}.network.test", one)
    assert not is_generic("mail.shop.test", one)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1025)"), "nothing listens there"),
        (socket.gaierror(-2, "Name or service not known"), "its name is not known"),
        (ConnectionResetError(104, "reset"), "the connection was closed"),
        (asyncio.IncompleteReadError(b"", 4), "the connection was closed before the answer"),
        (ssl.SSLError(1, "wrong version number"), "TLS cannot be agreed on"),
        (TimeoutError(), "no answer in time"),
        (ValueError("It is odd."), "It is odd"),
        (OSError(), "OSError"),
    ],
)
def test_errors_become_words(error: BaseException, words: str) -> None:
    assert words_of(error) == words


def test_the_cause_of_an_error_speaks_where_it_has_words() -> None:
    outer = ValueError("Error connecting to 127.0.0.1")
    outer.__cause__ = ConnectionRefusedError(111, "no")
    assert words_of(outer) == "nothing listens there"


def test_words_are_never_a_page() -> None:
    assert len(words_of(ValueError("x" * 5000))) <= 200


@pytest.mark.parametrize("seed", range(6))
def test_no_bytes_of_a_web_server_break_the_request(seed: int) -> None:
    """An answer is read as bytes of a stranger."""
    import random

    noise = random.Random(seed)
    answer = b"HTTP/1.1 200 " + noise.randbytes(noise.randrange(400)) + b"\r\n\r\n" + noise.randbytes(100)
    with bytes_only(answer) as port:
        reply = asyncio.run(request("GET", f"http://127.0.0.1:{port}/"))
    assert isinstance(reply, Reply)

"""What a site takes mail for: genuine tags in any case, its own plain addresses, nobody else's (A71, A20)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.addresses import parse_address
from mailer.bounces.intake.ours import OurAddresses
from mailer.keyring import Secrets, create_secrets
from mailer.return_path import encode_return_path
from mailer.settings import Settings
from tests.ground.settings_text import read

BASE = parse_address("bounce@bounce.shop.example")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    """The keys of the site."""
    return create_secrets(tmp_path_factory.mktemp("keys") / "secrets.toml")


@pytest.fixture(scope="module")
def ours(keys: Secrets) -> OurAddresses:
    """The addresses of a site that says what else is its own."""
    settings: Settings = read(
        bounces={"unsubscribe_address": "leave@shop.example"},
        listener={"addresses": ["returns@other.example"]},
    )
    return OurAddresses(settings, keys)


@pytest.mark.rule("A20", "A71")
@given(number=st.integers(0, 2**48 - 1), upper=st.booleans())
def test_every_tag_that_we_made_is_ours_in_any_case(
    ours: OurAddresses, keys: Secrets, number: int, upper: bool
) -> None:
    address = encode_return_path(keys, number, BASE)
    address = address.upper() if upper else address
    assert ours.takes(address)
    assert ours.delivery_of(address) == number


@pytest.mark.rule("A71")
@given(tag=st.text("0123456789abcdef", min_size=32, max_size=32))
def test_a_tag_that_we_did_not_make_is_not(ours: OurAddresses, tag: str) -> None:
    assert not ours.takes(f"bounce+{tag}@bounce.shop.example")


def test_a_genuine_tag_at_another_domain_or_name_is_not_ours(ours: OurAddresses, keys: Secrets) -> None:
    local = encode_return_path(keys, 7, BASE).rpartition("@")[0]
    assert not ours.takes(f"{local}@elsewhere.example")
    assert not ours.takes(f"{local.replace('bounce', 'other')}@bounce.shop.example")


@given(address=st.text(max_size=100))
def test_no_text_breaks_it(ours: OurAddresses, address: str) -> None:
    assert ours.takes(address) in (True, False)


@pytest.mark.parametrize(
    "address",
    [
        "bounce@bounce.shop.example",
        "LEAVE@shop.example",
        "returns@other.example",
        "news@shop.example",
        "postmaster@bounce.shop.example",
    ],
)
def test_what_the_settings_name_is_ours(ours: OurAddresses, address: str) -> None:
    assert ours.takes(address)

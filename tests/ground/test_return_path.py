"""Return paths: one per delivery, tagged, case-proof, within 64 octets (A20, A71)."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mailer.addresses import EmailAddress, parse_address
from mailer.keyring import Secrets
from mailer.return_path import MAX_BASE_OCTETS, ReturnPathTooLong, decode_return_path, encode_return_path

SECRETS = Secrets((), hmac.digest(b"address", b"", "sha256"), b"")
OTHER = Secrets((), hmac.digest(b"other", b"", "sha256"), b"")
BASE = EmailAddress("bounce", "bounce.shop.example")
ids = st.integers(0, 2**48 - 1)
HEX = "0123456789abcdef"


@given(ids)
def test_a_return_path_names_its_delivery(delivery_id: int) -> None:
    assert decode_return_path(SECRETS, encode_return_path(SECRETS, delivery_id, BASE)) == delivery_id


@pytest.mark.rule("A71")
@given(ids)
def test_a_return_path_is_a_valid_address_within_the_limit(delivery_id: int) -> None:
    address = parse_address(encode_return_path(SECRETS, delivery_id, BASE))
    assert len(address.local) <= 64
    assert address.domain == BASE.domain


@pytest.mark.rule("A20")
@given(ids)
def test_any_change_of_case_still_resolves(delivery_id: int) -> None:
    path = encode_return_path(SECRETS, delivery_id, BASE)
    assert decode_return_path(SECRETS, path.upper()) == delivery_id
    assert decode_return_path(SECRETS, path.title()) == delivery_id


@pytest.mark.rule("A71")
@pytest.mark.parametrize(
    ("delivery_id", "tag"),
    [
        (0, "e524167046bbf73b0b7d3bd2159ff050"),
        (1, "1eadf9b108b9038268e375407921facc"),
        (2**48 - 1, "0472e6a5a73a22a10a6bb6c0c0a3fb42"),
    ],
)
def test_a_return_path_of_an_older_version_is_the_same_to_this_one(delivery_id: int, tag: str) -> None:
    """A bounce may come back weeks after an upgrade."""
    assert encode_return_path(SECRETS, delivery_id, BASE) == f"bounce+{tag}@bounce.shop.example"


def test_the_local_part_alone_is_enough() -> None:
    path = encode_return_path(SECRETS, 7, BASE)
    assert decode_return_path(SECRETS, path.partition("@")[0]) == 7


@pytest.mark.rule("A71")
@given(ids, st.integers(0, 31), st.sampled_from(HEX))
def test_a_forged_tag_is_ignored(delivery_id: int, place: int, digit: str) -> None:
    path = encode_return_path(SECRETS, delivery_id, BASE)
    start = len("bounce+") + place
    assume(path[start] != digit)
    assert decode_return_path(SECRETS, path[:start] + digit + path[start + 1 :]) is None


def test_another_sites_return_path_is_ignored() -> None:
    assert decode_return_path(SECRETS, encode_return_path(OTHER, 7, BASE)) is None


@given(st.text(max_size=80) | st.from_regex(r"[a-z]{0,6}\+[0-9a-f]{30,34}(@x\.example)?", fullmatch=True))
def test_foreign_text_is_never_a_return_path(text: str) -> None:
    assert decode_return_path(SECRETS, text) is None


@pytest.mark.rule("A12")
def test_neighbouring_deliveries_share_nothing_to_count_by() -> None:
    first, second = (encode_return_path(SECRETS, number, BASE).partition("@")[0] for number in (1, 2))
    same = sum(a == b for a, b in zip(first, second, strict=True)) - len("bounce+")
    assert same < 16


def test_the_same_delivery_keeps_its_return_path() -> None:
    assert encode_return_path(SECRETS, 5, BASE) == encode_return_path(SECRETS, 5, BASE)


def test_a_base_that_leaves_no_room_is_refused() -> None:
    longest = EmailAddress("b" * MAX_BASE_OCTETS, "shop.example")
    assert len(encode_return_path(SECRETS, 1, longest).partition("@")[0]) == 64
    with pytest.raises(ReturnPathTooLong, match="31 bytes"):
        encode_return_path(SECRETS, 1, EmailAddress("b" * (MAX_BASE_OCTETS + 1), "shop.example"))


@pytest.mark.parametrize("delivery_id", [-1, 2**48])
def test_an_id_out_of_range_is_a_programming_error(delivery_id: int) -> None:
    with pytest.raises(OverflowError):
        encode_return_path(SECRETS, delivery_id, BASE)

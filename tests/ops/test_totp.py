"""Codes as RFC 6238 and RFC 4226 print them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailer.ops.totp import code_at, otpauth_uri, step_of

#: RFC 4226 appendix D and RFC 6238 appendix B share it.
SECRET = b"12345678901234567890"
#: RFC 4226 appendix D, by counter.
HOTP = ("755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489")
#: RFC 6238 appendix B: seconds since 1970, the last six of its eight digits.
TOTP = (
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
)


def test_the_codes_are_those_of_rfc_4226() -> None:
    assert tuple(code_at(SECRET, step) for step in range(10)) == HOTP


@pytest.mark.parametrize(("seconds", "code"), TOTP)
def test_the_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert step_of(SECRET, code, at=at) == seconds // 30


def test_a_code_may_be_typed_in_two_halves() -> None:
    assert step_of(SECRET, " 287 082 ", at=datetime.fromtimestamp(59, UTC)) == 1


@pytest.mark.parametrize("code", ["", "28708", "2870822", "-87082", "２８７０８２", "\x00"])
def test_anything_else_is_no_code(code: str) -> None:
    assert step_of(SECRET, code, at=datetime.fromtimestamp(59, UTC)) is None


def test_the_app_is_told_everything_once() -> None:
    uri = otpauth_uri(SECRET, name="ada", issuer="Ohm & Volt: Berlin")
    assert uri == (
        "otpauth://totp/Ohm%20%26%20Volt%20%20Berlin%3Aada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=Ohm%20%26%20Volt%3A%20Berlin&algorithm=SHA1&digits=6&period=30"
    )

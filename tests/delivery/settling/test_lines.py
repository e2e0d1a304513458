"""One line of a mail log: its time in both forms, and the five things that matter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.settling.lines import Fact, Kind, fact, instant_of, stamp_of

NEAR = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OLD = b"Nov 22 10:00:00 mx "
TAG = "0" * 31 + "a"


@pytest.mark.parametrize(
    ("said", "kind", "queue_id", "value"),
    [
        (b"postfix/smtpd[7]: E9CCAA2C3F9: client=localhost[127.0.0.1]", Kind.CLIENT, b"E9CCAA2C3F9", b""),
        (
            b"postfix/submission/smtpd[7]: 4Wq1Lk0xYzz9S: client=a[10.0.0.1], sasl_method=PLAIN",
            Kind.CLIENT,
            b"4Wq1Lk0xYzz9S",
            b"",
        ),
        (b"postfix/cleanup[9]: E9CCAA2C3F9: message-id=<a@b.example>", Kind.MESSAGE_ID, b"E9CCAA2C3F9", b"a@b.example"),
        # With a filter before the queue: what smtpd receives then is not what it received before.
        (b"postfix/smtpd[7]: NOQUEUE: client=localhost[127.0.0.1]", Kind.CLIENT, b"NOQUEUE", b""),
        (
            b"postfix-out/qmgr[8]: E9CCAA2C3F9: from=<bounce+0a@b.example>, size=2892, nrcpt=1 (queue active)",
            Kind.ACTIVE,
            b"E9CCAA2C3F9",
            b"bounce+0a@b.example",
        ),
        (b"postfix/smtpd[7]: lost connection after DATA (899 bytes) from localhost[::1]", Kind.CUT, b"", b""),
        (b"postfix/smtpd[7]: timeout after DATA (0 bytes) from localhost[::1]", Kind.CUT, b"", b""),
        (b"postfix/smtpd[7]: disconnect from localhost[::1] ehlo=1 commands=1", Kind.DISCONNECT, b"", b""),
    ],
)  # fmt: skip
def test_what_postfix_says_is_understood(said: bytes, kind: Kind, queue_id: bytes, value: bytes) -> None:
    found = fact(OLD + said)
    process = said.partition(b"[")[2].partition(b"]")[0]
    assert found == Fact(kind, b"mx", process, queue_id, value, b"Nov 22 10:00:00")


@pytest.mark.parametrize(
    "said",
    [
        b"postfix/smtpd[7]: lost connection after END-OF-MESSAGE from localhost[127.0.0.1]",
        b"postfix/smtpd[7]: lost connection after RCPT from localhost[127.0.0.1]",
        b"postfix/cleanup[9]: E9CCAA2C3F9: resent-message-id=<a@b.example>",
        b"postfix/cleanup[9]: E9CCAA2C3F9: warning: header Subject: x: message-id=<a@b.example>",
        b"postfix/qmgr[8]: E9CCAA2C3F9: removed",
        b"postfix/smtp[8]: E9CCAA2C3F9: to=<a@b.example>, status=sent (250 ok (queue active))",
        b"postfix/pickup[8]: E9CCAA2C3F9: uid=0 from=<root>",
        b"sshd[8]: E9CCAA2C3F9: from=<a@b.example>, size=1, nrcpt=1 (queue active)",
        b"",
    ],
)
def test_whatever_else_is_logged_proves_nothing(said: bytes) -> None:
    """Not even when a stranger has put such words into a header or a reply."""
    assert fact(OLD + said) is None


def test_a_line_without_a_time_tells_nothing() -> None:
    assert fact(b"postfix/smtpd[7]: E9CCAA2C3F9: client=localhost[127.0.0.1]") is None
    assert stamp_of(b"postfix/smtpd[7]: E9CCAA2C3F9: client=localhost[127.0.0.1]") is None
    assert stamp_of(b'{"time": "2026-11-22T10:00:00"}') is None


@pytest.mark.parametrize(
    ("stamp", "zone", "instant"),
    [
        (b"2026-11-22T10:00:00.123456+01:00", None, datetime(2026, 11, 22, 9, 0, 0, 123456, UTC)),
        (b"2026-11-22T10:00:00+0100", None, datetime(2026, 11, 22, 9, tzinfo=UTC)),
        (b"2026-11-22T10:00:00Z", ZoneInfo("Europe/Berlin"), datetime(2026, 11, 22, 10, tzinfo=UTC)),
        (b"2026-11-22T10:00:00", ZoneInfo("Europe/Berlin"), datetime(2026, 11, 22, 9, tzinfo=UTC)),
        (b"Nov 22 10:00:00", UTC, datetime(2026, 11, 22, 10, tzinfo=UTC)),
        (b"Nov  2 10:00:00", ZoneInfo("Europe/Berlin"), datetime(2026, 11, 2, 9, tzinfo=UTC)),
        (b"Jan  2 10:00:00", UTC, datetime(2027, 1, 2, 10, tzinfo=UTC)),
        (b"Feb 29 10:00:00", UTC, None),
        (b"Nov 31 10:00:00", UTC, None),
        (b"Foo 22 10:00:00", UTC, None),
        (b"2026-13-22T10:00:00Z", UTC, None),
    ],
)
def test_a_time_without_a_year_is_the_one_nearest_to_the_attempts(
    stamp: bytes, zone: timezone | ZoneInfo | None, instant: datetime | None
) -> None:
    assert instant_of(stamp, near=NEAR, zone=zone) == instant


def test_a_leap_day_is_found_in_its_year() -> None:
    near = datetime(2028, 3, 1, tzinfo=UTC)
    assert instant_of(b"Feb 29 10:00:00", near=near, zone=UTC) == datetime(2028, 2, 29, 10, tzinfo=UTC)


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2098, 12, 31)),
    st.timedeltas(timedelta(days=-180), timedelta(days=180)),
)
def test_any_time_within_half_a_year_is_read_back(moment: datetime, apart: timedelta) -> None:
    instant = moment.replace(tzinfo=UTC, microsecond=0)
    stamp = f"{instant:%b} {instant.day:2d} {instant:%H:%M:%S}".encode()
    assert instant_of(stamp, near=instant + apart, zone=UTC) == instant


@given(st.binary(max_size=200))
def test_no_line_whatever_is_an_error(line: bytes) -> None:
    stamp = stamp_of(line)
    assert fact(line) is None or stamp is not None


@given(st.binary(max_size=60))
def test_no_text_behind_a_time_is_an_error(rest: bytes) -> None:
    found = fact(OLD + b"postfix/qmgr[8]: " + rest + b" (queue active)")
    assert found is None or found.kind is Kind.ACTIVE

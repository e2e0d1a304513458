"""Whatever is posted: bounded in size and time, never a crash, never a change (A7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.web import forms
from tests.web.conftest import Desk

TYPES = st.sampled_from(
    [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-16",
        "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=",
        "multipart/form-data; charset=nonsense; boundary=x",
        "application/json",
        "text/plain",
        "",
        ";;;",
    ]
)
PART = b'--x\r\nContent-Disposition: form-data; name="choice"\r\n\r\n'
BODIES = st.one_of(
    st.binary(max_size=300),
    st.sampled_from([PART, PART + b"list", PART * 70, b"--x--", b"choice=%ff%fe", b"&" * 3000, b"=" * 3000]),
)


@pytest.mark.rule("A7", "D34")
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, content_type=TYPES)
def test_no_body_crashes_a_page_or_changes_anybody(desk: Desk, body: bytes, content_type: str) -> None:
    row = desk.row("ada@example.net")
    tag = row.tag if row else desk.join("ada@example.net")
    token = desk.leave_token(tag)
    for path in (f"/u/{token}", f"/confirm/{token}", f"/not-me/{token}", "/subscribe/weekly"):
        answer = desk.client.post(path, content=body, headers={"content-type": content_type})
        assert 400 <= answer.status_code < 500
    assert desk.state("ada@example.net") == "confirmed"


@pytest.mark.rule("A7")
def test_more_fields_than_any_form_of_ours_are_refused(desk: Desk) -> None:
    body = "&".join(f"f{number}=1" for number in range(forms.MAX_FIELDS + 1))
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert desk.client.post("/subscribe/weekly", content=body, headers=headers).status_code == 400


def test_a_body_that_never_ends_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "BODY_SECONDS", 0.05)

    async def stalled() -> AsyncIterator[bytes]:
        yield b"choice="
        await asyncio.sleep(5)

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(desk.client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.post("/u/x", content=stalled())

    answer = asyncio.run(send())
    assert answer.status_code == 408
    assert "Nothing was changed" in answer.text

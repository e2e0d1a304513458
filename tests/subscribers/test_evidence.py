"""The evidence of a consent: complete, provable, and read back as it was."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.subscribers.evidence import Evidence

some_text = st.text(max_size=40)
evidence = st.builds(
    Evidence,
    ip=st.none() | st.ip_addresses().map(str),
    user_agent=st.none() | some_text,
    form_url=some_text,
    wording=some_text,
    policy_version=some_text,
    language=some_text,
)


@given(evidence)
def test_evidence_survives_the_ledger(given_evidence: Evidence) -> None:
    assert Evidence.from_payload(given_evidence.as_payload()) == given_evidence


@pytest.mark.rule("C3")
def test_the_hash_is_of_the_exact_words() -> None:
    words = "Ja, schickt mir „Ohm & Volt Weekly“."
    payload = Evidence(None, None, "https://x.example/s", words, "2026-11-01", "de").as_payload()
    assert payload["wording"] == words
    assert payload["wording_sha256"] == hashlib.sha256(words.encode("utf-8")).hexdigest()


def test_what_a_later_version_adds_is_ignored() -> None:
    read = Evidence.from_payload({"ip": "192.0.2.7", "source": "form", "asked_back": False})
    assert (read.ip, read.wording) == ("192.0.2.7", "")

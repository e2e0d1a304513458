"""docs/importing.md says what the tables of the importer say."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.store.vocabulary import SuppressionReason
from mailer.subscribers.importing.columns import MAX_COLUMNS
from mailer.subscribers.importing.decisions import SUPPRESSED_AS
from mailer.subscribers.importing.dialects import PLAIN, STATUS_WORDS
from mailer.subscribers.importing.source import MAX_BYTES, MAX_LINE_CHARACTERS, MAX_LINES

TEXT = (Path(__file__).parents[2] / "docs" / "importing.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("|")
]


def refusals() -> list[tuple[str, str, str]]:
    """The rows of the table of refusals: words, reason, scope."""
    reasons = {f"`{reason.value}`" for reason in SuppressionReason}
    return [(row[0], row[1].strip("`"), row[2]) for row in ROWS if len(row) == 3 and row[1] in reasons]


@pytest.mark.rule("B20")
def test_each_word_for_a_no_becomes_what_the_table_says() -> None:
    for words, reason, scope in refusals():
        for word in words.split(", "):
            expected = (SuppressionReason(reason), scope == "every list")
            assert SUPPRESSED_AS[STATUS_WORDS[word]] == expected, word


def test_the_table_covers_every_kind_of_no() -> None:
    described = {STATUS_WORDS[words.split(", ")[0]] for words, _, _ in refusals()}
    assert described == set(SUPPRESSED_AS)


def test_the_limits_are_the_ones_in_force() -> None:
    for number in (f"{MAX_BYTES >> 20} MiB", f"{MAX_LINES:,} lines", f"{MAX_COLUMNS} columns"):
        assert number in TEXT
    assert f"{MAX_LINE_CHARACTERS:,} characters" in TEXT


def test_the_headings_named_are_understood() -> None:
    understood = PLAIN.consent_date + PLAIN.consent_ip + PLAIN.consent_note + PLAIN.left_date + PLAIN.status
    for heading in ("status", "consent date", "consent ip", "consent evidence", "unsubscribed at"):
        assert f"`{heading}`" in TEXT
        assert heading in understood

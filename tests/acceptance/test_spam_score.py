"""What a real spam filter says of real mail: the example campaign and every newsletter at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.spam_score import REACH, Score, example_and, has_spamassassin, judged
from tests.newsletters import newsletters
from tests.real import require_real
from tests.rendering.scan.odd import confirmation
from tests.rendering.wire.cast import recipient

#: What a message of a template may be told for the template's own sake: white letters on a picture, which
#: a filter takes for white on white, and hidden text. Everything else would be of our making.
_AUTHORS_OWN = {"HTML_FONT_LOW_CONTRAST"}


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Score]:
    """Every message judged, by name."""
    require_real("SpamAssassin", found=has_spamassassin())
    folder = tmp_path_factory.mktemp("spam")
    return {score.name: score for score in judged(example_and(newsletters(), folder), folder)}


@pytest.mark.real
@pytest.mark.rule("B14", "B15")
def test_the_example_campaign_gets_no_point_from_spamassassin(scores: dict[str, Score]) -> None:
    counted = {rule: points for rule, points in scores["week-47"].rules.items() if points >= 0.01}
    assert counted == {}
    assert scores["week-47"].points <= REACH


@pytest.mark.real
@pytest.mark.rule("B15")
def test_what_we_add_to_a_newsletter_costs_it_no_point(scores: dict[str, Score]) -> None:
    for score in scores.values():
        counted = {rule for rule, points in score.rules.items() if points >= 0.01}
        assert counted <= _AUTHORS_OWN, score.name
        assert score.against <= REACH, score.name


@pytest.mark.real
@pytest.mark.rule("C6")
def test_a_confirmation_gets_no_point_either(tmp_path: Path) -> None:
    """Who signs up and never sees the mail has not signed up."""
    require_real("SpamAssassin", found=has_spamassassin())
    asked = {language: confirmation(language=language).fill(recipient()).data for language in ("en", "de")}
    for score in judged(asked, tmp_path):
        assert score.against < 0.01, score


@pytest.mark.real
def test_the_filter_reads_what_it_is_given(tmp_path: Path, scores: dict[str, Score]) -> None:
    """Else a filter that reads nothing would praise everything: GTUBE is every filter's test."""
    (good,) = example_and([], tmp_path).values()
    spam = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    (bad,) = judged({"bad": good.replace(b"Rail-to-rail", spam)}, tmp_path)
    assert bad.points > 900
    assert set(bad.rules) >= set(scores["week-47"].rules)

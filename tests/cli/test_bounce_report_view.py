"""How the report looks in a terminal: words, figures with a line over time, lines; nothing that paints it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailer.bounces.reporting.model import Figures, Finding, Line, Overview, Period, Sent, Waiting
from mailer.cli.bounce_report_view import print_overview
from tests.bounces.reporting.month import NOW

FINDING = Finding(
    name="listing",
    key="gmx",
    title="gmx refuses us",
    count=60,
    of=200,
    since=NOW - timedelta(hours=3),
    last=NOW - timedelta(hours=1),
    reasons=("blocked",),
    providers=("gmx",),
    fault="The fault is ours.",
    remedy="Ask them.",
    example=7,
)


def line(
    key: str, *, answered: int = 1000, hard: int = 0, policy: int = 0, complaint: int = 0, before: int = 0
) -> Line:
    current = Figures(Sent(answered), hard=hard, policy=policy, complaint=complaint)
    return Line(key, current, Figures(Sent(1000), hard=before))


def shown(
    capsys: pytest.CaptureFixture[str],
    *lines: Line,
    by: str = "provider",
    findings: tuple[Finding, ...] = (),
    over_time: tuple[Line, ...] = (),
    waiting: Waiting | None = None,
    total: Line | None = None,
    limit: int = 15,
) -> str:
    """What is printed; without a terminal it is text alone."""
    overview = Overview(
        period=Period(NOW - timedelta(days=1), NOW),
        zone="Europe/Berlin",
        total=total or line(""),
        by=by,
        lines=lines,
        findings=findings,
        over_time=over_time,
        waiting=waiting or Waiting(),
    )
    print_overview(overview, limit=limit)
    return capsys.readouterr().out


def row(text: str, name: str) -> list[str]:
    """The words of the line that begins so."""
    return next(each.split() for each in text.splitlines() if each.strip().startswith(name))


def test_a_finding_has_its_number_and_its_four_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(shown(capsys, findings=(FINDING,)).split())
    assert (
        "One thing is wrong. 1 gmx refuses us. 60 of 200 messages (30 %), since 23 Nov, 04:00, "
        "and it goes on. The fault is ours. → Ask them." in text
    )


def test_the_total_has_counts_rates_and_the_change(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, line("x"), total=line("", hard=30, before=10))
    assert row(text, "hard bounces") == ["hard", "bounces", "30", "3.0", "%", "1.0", "%", "3.0×"]
    assert row(text, "complaints") == ["complaints", "0", "0", "%", "0", "%", "same"]


def test_a_line_over_time_shows_where_it_happened(capsys: pytest.CaptureFixture[str]) -> None:
    hours = tuple(line(str(place), hard=count) for place, count in enumerate((0, 1, 0, 70, 35)))
    text = shown(capsys, line("x", hard=1), over_time=hours)
    assert row(text, "hard bounces")[-1] == "·▂·█▅"


def test_a_long_time_is_drawn_together(capsys: pytest.CaptureFixture[str]) -> None:
    hours = tuple(line(str(place), hard=1) for place in range(90))
    text = shown(capsys, line("x", hard=1), over_time=hours)
    assert row(text, "hard bounces")[-1] == "█" * 22 + "▅"


def test_a_line_of_the_table_has_its_counts_and_both_rates(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, line("gmx", hard=2, policy=40, complaint=3, before=5))
    assert row(text, "gmx") == [
        *("gmx", "1,000", "2", "·", "40", "3"),
        *("4.2", "%", "0.50", "%", "0.30", "%"),
    ]


def test_of_times_the_last_are_shown_and_of_all_else_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    days = [line(f"2026-11-2{day}", hard=1) for day in range(3)]
    text = shown(capsys, *days, by="day", limit=2)
    assert "2026-11-20" not in text
    assert "2026-11-22" in text
    text = shown(capsys, *days, by="campaign", limit=2)
    assert "2026-11-20" in text
    assert "1 more: --limit, --csv" in text


def test_a_line_with_nothing_in_this_period_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, line("gone", answered=0, before=9), line("here"))
    assert "gone" not in text
    assert "here" in text


def test_a_site_on_which_nothing_happened_has_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = Figures(Sent())
    text = shown(capsys, total=Line("", nothing, nothing))
    assert "Nothing was sent and nothing came back in these 24 hours." in text
    assert "hard bounces" not in text


def test_what_waits_for_a_person_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = Waiting(review=1, unreadable=1200, frozen=("3 (provider gmx)",))
    text = " ".join(shown(capsys, line("x"), waiting=waiting).split())
    assert "wait for you (`mailer bounce release` or `discard`): 3 (provider gmx)." in text
    assert "One message came back that nobody could place" in text
    assert "1,200 messages came back that could not be read." in text


def test_delays_have_a_line_of_their_own_only_when_there_are_some(capsys: pytest.CaptureFixture[str]) -> None:
    assert "delayed" not in shown(capsys, line("x"))
    delayed = Line("", Figures(Sent(1000), delayed=12), Figures(Sent(1000)))
    assert row(shown(capsys, line("x"), total=delayed), "delayed")[-1] == "12"


@pytest.mark.rule("D26")
def test_names_that_others_chose_paint_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, line("\x1b[31mred\n", hard=1))
    assert "\x1b" not in text
    assert "\\x1b[31mred\\n" in text


@pytest.mark.parametrize("width", [80, 120])
def test_everything_fits_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    wide = line("a-provider.example", answered=1_234_567, hard=12_345, policy=12_345, complaint=1_234)
    text = shown(capsys, wide, total=line("", hard=12_345), findings=(FINDING,))
    assert max(map(len, text.splitlines())) <= width

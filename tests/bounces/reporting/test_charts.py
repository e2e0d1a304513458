"""Charts: numbers become drawings that can be read without seeing colours, on a phone, and as a table."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.bounces.reporting.chart_parts import nice_ceiling, number
from mailer.bounces.reporting.charts import CHART_CSS, Bar, Series, bars, columns

DAYS = ("1 Nov", "2 Nov", "3 Nov")
HOSTILE = '<script>alert("x")</script>'


def of_days(*series: Series) -> str:
    return columns("days", title="Bounces by day", desc="Two kinds of bounces.", labels=DAYS, series=series)


def parsed(html: str) -> ET.Element:
    """The figure; it is well-formed, so that it also stands in a file of its own."""
    return ET.fromstring(html)


def drawn(html: str) -> list[ET.Element]:
    """The rectangles that stand for numbers."""
    return [each for each in parsed(html).iterfind("./svg/g/rect") if each.get("fill")]


def test_a_chart_has_a_title_and_a_description_for_those_who_do_not_see_it() -> None:
    svg = parsed(of_days(Series("hard", (1, 2, 3)))).find("svg")
    assert svg is not None
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "days-t days-d"
    assert svg.findtext("title") == "Bounces by day"
    assert svg.findtext("desc") == "Two kinds of bounces."


def test_a_table_under_the_chart_has_the_same_numbers() -> None:
    figure = parsed(of_days(Series("hard", (1, 2, 3)), Series("soft", (1234, 0, 5))))
    rows = [[cell.text for cell in row] for row in figure.iterfind(".//tbody/tr")]
    assert rows == [["1 Nov", "1", "1,234"], ["2 Nov", "2", "0"], ["3 Nov", "3", "5"]]
    assert [cell.text for cell in figure.iterfind(".//thead/tr/th")] == [None, "hard", "soft"]


def test_a_short_table_is_open_and_a_long_one_is_folded() -> None:
    assert parsed(of_days(Series("hard", (1, 2, 3)))).find("details[@open]") is not None
    many = [f"{hour}:00" for hour in range(24)]
    long = columns("h", title="Hours", desc="", labels=many, series=[Series("hard", [1] * 24)])
    assert parsed(long).find("details[@open]") is None


def test_columns_stand_on_each_other_and_none_is_higher_than_the_scale() -> None:
    first, second = drawn(
        columns(
            "c", title="", desc="", labels=["now"], series=[Series("hard", (100,)), Series("soft", (100,))]
        )
    )
    assert float(first.get("y", "")) == float(second.get("y", "")) + float(second.get("height", ""))
    assert float(second.get("y", "")) == 18.0


def test_what_happened_once_is_seen_beside_what_happened_a_thousand_times() -> None:
    heights = [float(each.get("height", "")) for each in drawn(of_days(Series("hard", (1, 0, 9999))))]
    assert len(heights) == 2, "nothing is drawn of nothing"
    assert min(heights) >= 1


def test_every_series_has_a_pattern_beside_its_colour() -> None:
    names = ("hard", "soft", "policy", "complaints")
    html = of_days(*(Series(name, (1, 1, 1)) for name in names))
    fills = {each.get("fill") for each in drawn(html)}
    assert fills == {f"url(#days-p{place})" for place in range(4)}
    patterns = {ET.tostring(each).split(b">", 1)[1] for each in parsed(html).iterfind(".//pattern")}
    assert len(patterns) == 4
    legend = [each.get("fill") for each in parsed(html).iterfind("./ul/li/svg/rect")]
    assert legend == [f"url(#days-p{place})" for place in range(4)]


def test_a_series_may_keep_its_look_when_others_are_missing() -> None:
    assert drawn(of_days(Series("policy", (1, 0, 0), style=2)))[0].get("fill") == "url(#days-p2)"


def test_widths_are_shares_of_the_page_so_that_letters_keep_their_size() -> None:
    html = of_days(Series("hard", (1, 2, 3)))
    assert "viewBox" not in html
    assert all((each.get("width") or "").endswith("%") for each in drawn(html))


def test_a_chart_brings_no_style_and_no_script_so_that_a_strict_page_shows_it() -> None:
    html = of_days(Series("hard", (1, 2, 3))) + bars("b", title="", desc="", rows=[Bar("google", 1)])
    assert "style=" not in html
    assert "<style" not in html
    assert "<script" not in html


def test_what_subscribers_or_servers_named_is_only_text() -> None:
    chart = columns(
        "c", title=HOSTILE, desc=HOSTILE, labels=[HOSTILE], series=[Series(HOSTILE, (1,))]
    ) + bars("b", title=HOSTILE, desc=HOSTILE, rows=[Bar(HOSTILE, 1, HOSTILE)], columns=(HOSTILE, HOSTILE))
    assert "<script" not in chart
    assert 'alert("x")' not in chart


def test_bars_are_as_long_as_their_share_of_the_longest() -> None:
    html = bars("b", title="Rates", desc="", rows=[Bar("gmx", 4.0, "4 %"), Bar("google", 1.0)])
    widths = [each.get("width") for each in parsed(html).iterfind("./svg/g/rect[@class='c1 solid']")]
    assert widths == ["100.00%", "25.00%"]
    assert [row[1].text for row in parsed(html).iterfind(".//tbody/tr")] == ["4 %", "1"]


def test_a_long_name_is_cut_in_the_drawing_and_whole_in_the_table() -> None:
    name = "mail.protection.of-a-very-long-company.example"
    figure = parsed(bars("b", title="", desc="", rows=[Bar(name, 1)]))
    assert (figure.findtext("./svg/g/text") or "").endswith("…")
    assert figure.findtext(".//tbody/tr/th") == name


@pytest.mark.parametrize("labels", [(), ("now",), DAYS, [str(place) for place in range(744)]])
def test_a_chart_of_any_length_has_few_labels_below(labels: list[str]) -> None:
    series = [Series("hard", [1.0] * len(labels))]
    figure = parsed(columns("c", title="", desc="", labels=labels, series=series))
    below = [each for each in figure.iterfind("./svg/text") if "axis " in (each.get("class") or "")]
    assert len(below) == min(len(labels), len(below))
    assert len(below) <= 9
    if len(labels) > 1:
        assert (below[0].text, below[-1].text) == (labels[0], labels[-1])


def test_a_chart_of_nothing_is_empty_and_still_one() -> None:
    assert drawn(of_days(Series("hard", (0, 0, 0)))) == []
    assert parsed(bars("b", title="", desc="", rows=[])).find("svg") is not None


@pytest.mark.parametrize(
    ("most", "end"),
    [(0, 2), (2, 2), (3, 4), (9, 10), (10, 10), (11, 20), (232, 300), (401, 500), (9001, 10_000)],
)
def test_an_axis_ends_at_the_next_round_number(most: float, end: float) -> None:
    assert nice_ceiling(most) == end


@given(st.floats(min_value=0, max_value=1e12))
def test_an_axis_holds_what_is_drawn_on_it_and_is_not_empty_for_the_most_part(most: float) -> None:
    assert nice_ceiling(most) >= most
    assert nice_ceiling(most) <= max(2 * most, 2) * 1.0001


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1234, "1,234"), (0.516, "0.52"), (100.4, "100"), (3.0, "3")]
)
def test_numbers_read_as_people_write_them(value: float, text: str) -> None:
    assert number(value) == text


def test_there_are_colours_for_day_night_and_high_contrast() -> None:
    for scheme in ("prefers-color-scheme: dark", "forced-colors: active"):
        assert scheme in CHART_CSS
    assert len(re.findall(r"--c[0-3]: #", CHART_CSS)) == 8


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_colour_stands_out_from_its_page() -> None:
    """WCAG 2.2, 1.4.11: three to one for what has to be seen."""
    colours = re.findall(r"--c[0-3]: (#[0-9a-f]{6})", CHART_CSS)
    for place, colour in enumerate(colours):
        page = _luminance("#fbfaf6" if place < 4 else "#131716")
        lighter, darker = sorted((page, _luminance(colour)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 3, colour

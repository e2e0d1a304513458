"""The pieces that charts are made of: figure, legend, grid, patterns, ticks and the table below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

TOP, BASE = 18, 188  #: pixels: where the highest column may end, where all of them stand
_MOST_OPEN_ROWS = 10  #: a longer table is folded up
_FEW_TICKS, _MANY_TICKS = 3, 7
#: Ends of an axis below ten, and above.
_STEPS = ((2, 4, 6, 8, 10), (1, 2, 3, 4, 5, 6, 8, 10))
#: Beside its colour each series has a look: solid, stripes, dots, bars.
_LOOKS = (
    '<rect class="c0" width="8" height="8"/>',
    '<rect class="c1 thin" width="6" height="6"/><rect class="c1" width="3" height="6"/>',
    '<rect class="c2 thin" width="6" height="6"/><circle class="c2" cx="3" cy="3" r="1.7"/>',
    '<rect class="c3 thin" width="4" height="4"/><rect class="c3" width="4" height="1.6"/>',
)
_SIZES = ((8, ""), (6, ' patternTransform="rotate(45)"'), (6, ""), (4, ""))


def figure(
    key: str, *, title: str, desc: str, body: str, height: int, legend: str = "", table: str = ""
) -> str:
    """The drawing with its title, its description for those who do not see it, and its table."""
    return (
        f'<figure class="chart" id="{key}"><figcaption>{escape(title)}</figcaption>{legend}'
        f'<svg role="img" width="100%" height="{height}" aria-labelledby="{key}-t {key}-d">'
        f'<title id="{key}-t">{escape(title)}</title><desc id="{key}-d">{escape(desc)}</desc>{body}</svg>'
        f"{table}</figure>"
    )


def patterns(key: str) -> str:
    """The fills that series are drawn in."""
    made = "".join(
        f'<pattern id="{key}-p{place}" width="{size}" height="{size}" patternUnits="userSpaceOnUse"{turned}>'
        f"{look}</pattern>"
        for place, (look, (size, turned)) in enumerate(zip(_LOOKS, _SIZES, strict=True))
    )
    return f"<defs>{made}</defs>"


def legend(key: str, names: Sequence[tuple[str, int]]) -> str:
    """Which look is which series."""
    return "".join(
        (
            '<ul class="legend">',
            *(
                f'<li><svg width="18" height="12" aria-hidden="true"><rect class="c{style}" width="18"'
                f' height="12" fill="url(#{key}-p{style})"/></svg> {escape(name)}</li>'
                for name, style in names
            ),
            "</ul>",
        )
    )


def gridlines(ceiling: float) -> str:
    """Lines at nothing, half and all of the scale, each with its number."""
    drawn = []
    for share in (1.0, 0.5, 0.0):
        height = BASE - (BASE - TOP) * share
        drawn.append(f'<line class="grid" x1="0" x2="100%" y1="{height:.1f}" y2="{height:.1f}"/>')
        if share and float(ceiling * share).is_integer():
            drawn.append(f'<text class="axis" x="0" y="{height - 4:.1f}">{number(ceiling * share)}</text>')
    return "".join(drawn)


def ticks(labels: Sequence[str]) -> str:
    """Some of the labels below the columns: as many as fit a wide page; those marked `few` fit a phone."""
    if not labels:
        return ""
    chosen = dict.fromkeys(_spread(len(labels), _MANY_TICKS), "many")
    chosen |= dict.fromkeys(_spread(len(labels), _FEW_TICKS), "few")
    step = 100 / len(labels)
    drawn = []
    for place, which in sorted(chosen.items()):
        anchor = "start" if place == 0 else "end" if place == len(labels) - 1 else "middle"
        left = {"start": 0.0, "end": 100.0}.get(anchor, (place + 0.5) * step)
        if len(labels) == 1:
            anchor, left = "middle", 50.0
        drawn.append(
            f'<text class="axis {which}" x="{left:.2f}%" y="{BASE + 18}" text-anchor="{anchor}">'
            f"{escape(labels[place])}</text>"
        )
    return "".join(drawn)


def table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The same numbers to read; long ones are folded up."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in headings)
    body = "".join(
        f'<tr><th scope="row">{escape(str(first))}</th>'
        + "".join(f"<td>{escape(_cell(value))}</td>" for value in rest)
        + "</tr>"
        for first, *rest in rows
    )
    opened = ' open=""' if len(rows) <= _MOST_OPEN_ROWS else ""
    return (
        f'<details{opened}><summary>The numbers</summary><div class="wide" tabindex="0" role="region"'
        f' aria-label="{escape(caption)}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></details>"
    )


def nice_ceiling(most: float) -> float:
    """The next round number: the end of an axis whose half is round too; 2 at least."""
    power: float = 10.0 ** math.floor(math.log10(max(most, 2)))
    return next(power * step for step in _STEPS[power > 1] if most <= power * step)


def number(value: float) -> str:
    """As people read it: 1,234 or 0.52."""
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.2f}"


def _cell(value: object) -> str:
    return number(value) if isinstance(value, int | float) else str(value)


def _spread(length: int, most: int) -> list[int]:
    """Places spread evenly over a row, its ends among them."""
    if length <= most:
        return list(range(length))
    return sorted({round(each * (length - 1) / (most - 1)) for each in range(most)})

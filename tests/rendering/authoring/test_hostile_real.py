"""The hostile corpus in a real browser: the unsubscribe link is painted on top, readable, and can be clicked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from mailer.rendering.errors import RenderError
from tests.real import require_real
from tests.rendering.authoring.hostile import CORPUS
from tests.rendering.authoring.world import html, make

pytestmark = pytest.mark.real

#: What is at the middle of the link, and how the link and the panel behind it look.
_LOOK = """() => {
  const block = document.querySelector('.mailer-way-out');
  const link = [...block.querySelectorAll('a')].find(each => each.href.includes('/u/'));
  link.scrollIntoView({block: 'center'});
  const box = link.getBoundingClientRect(), style = getComputedStyle(link);
  const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  const behind = [];
  for (let each = link; each; each = each.parentElement) behind.push(getComputedStyle(each).backgroundColor);
  return {top: top === link, width: box.width, height: box.height, color: style.color, behind,
          size: parseFloat(style.fontSize), line: style.textDecorationLine, family: behind.length,
          left: box.left + scrollX, upper: box.top + scrollY, page: innerWidth};
}"""
#: Gives the link's letters the colour of the panel: if nothing changes, nobody saw them before.
_FADE = """() => {
  const links = [...document.querySelectorAll('.mailer-way-out a')];
  links.find(each => each.href.includes('/u/')).style.setProperty('color', '#262b33', 'important');
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    chromium = shutil.which("chromium")
    require_real("Chromium", found=chromium is not None)
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


def _luminance(color: str) -> float:
    parts = [float(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _behind(seen: dict[str, Any]) -> str:
    return next(str(color) for color in seen["behind"] if not str(color).endswith(", 0)"))


@pytest.mark.rule("E3", "E4", "E8")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_link_is_seen_and_can_be_clicked_whatever_the_author_tried(browser: Any, scheme: str) -> None:
    faults: dict[str, object] = {}
    for name, (kind, source) in CORPUS.items():
        try:
            made = make(source, kind)
        except RenderError:
            continue
        page = browser.new_page(
            viewport={"width": 700, "height": 500}, color_scheme=scheme, java_script_enabled=True
        )
        page.route("**/*", lambda route: route.abort())
        page.set_content(html(made))
        seen = page.evaluate(_LOOK)
        painted = page.screenshot()
        page.evaluate(_FADE)
        seen["read"] = painted != page.screenshot()
        page.close()
        good = seen["top"] and seen["width"] > 100 and seen["height"] > 12 and seen["size"] >= 12
        good = good and seen["read"] and seen["upper"] >= 0 and 0 <= seen["left"] < seen["page"]
        if not (good and "underline" in seen["line"] and _contrast(seen["color"], _behind(seen)) >= 4.5):
            faults[name] = seen
    assert faults == {}


@pytest.mark.rule("E10")
@pytest.mark.parametrize("layout", ["default", "plain"])
def test_the_bundled_layouts_do_not_scroll_sideways_at_320_pixels(browser: Any, layout: str) -> None:
    made = make("# A heading\n\nWords and a [link](https://shop.example/).", layout=layout)
    page = browser.new_page(viewport={"width": 320, "height": 600})
    page.set_content(html(made))
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.close()


@pytest.mark.rule("E8", "E9")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("layout", ["default", "plain"])
def test_every_text_of_the_bundled_layouts_is_readable_in_both_schemes(
    browser: Any, layout: str, scheme: str
) -> None:
    body = "# One\n\n## Two\n\nWords, `code`, [a link](https://shop.example/).\n\n> said\n\n- item\n\n"
    body += "|a|b|\n|-|-|\n|1|2|\n"
    page = browser.new_page(viewport={"width": 700, "height": 600}, color_scheme=scheme)
    page.set_content(html(make(body, layout=layout)))
    texts = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
          .filter(each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
          .map(each => { const behind = [];
            for (let one = each; one; one = one.parentElement) behind.push(getComputedStyle(one).backgroundColor);
            return {words: each.textContent.trim().slice(0, 30), color: getComputedStyle(each).color, behind}; })"""
    )
    page.close()
    assert len(texts) > 10
    faint = {each["words"]: round(_contrast(each["color"], _behind(each)), 1) for each in texts}
    assert {words: ratio for words, ratio in faint.items() if ratio < 4.5} == {}

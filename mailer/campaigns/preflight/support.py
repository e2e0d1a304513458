"""What mail programs do not show: a table of HTML and CSS with poor support, and images that move (E13).

The shares are rough, from the public test results of caniemail.com in 2026: of the mail programs
tested, how many show the feature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailer.campaigns.draft import Draft
from mailer.campaigns.preflight.gif import measure
from mailer.campaigns.preflight.places import problem, specimens
from mailer.campaigns.recipients import SAMPLE
from mailer.rendering.identity import Problem


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that is badly supported, where it is looked for, and what to do instead."""

    name: str
    pattern: re.Pattern[str]
    share: int  #: percent of mail programs that show it
    instead: str
    in_css: bool = True  #: looked for in styles only


def _css(name: str, pattern: str, share: int, instead: str) -> Feature:
    return Feature(name, re.compile(pattern, re.IGNORECASE), share, instead)


def _html(name: str, pattern: str, share: int, instead: str) -> Feature:
    return Feature(name, re.compile(pattern, re.IGNORECASE), share, instead, in_css=False)


#: Looked for in the authors' files, so that a finding is about something they wrote.
SUPPORT: tuple[Feature, ...] = (
    _css("display: flex", r"display\s*:\s*(?:inline-)?flex", 63, "Use columns (mj-column) or a table."),
    _css("display: grid", r"display\s*:\s*(?:inline-)?grid", 45, "Use columns (mj-column) or a table."),
    _css("gap", r"(?<![\w-])(?:row-|column-)?gap\s*:", 50, "Use padding."),
    _css("object-fit", r"object-fit\s*:", 55, "Cut the image to its size."),
    _css("aspect-ratio", r"aspect-ratio\s*:", 45, "Give width and height."),
    _css("calc()", r":[^;}]*\bcalc\(", 60, "Write the length itself."),
    _css("var()", r":[^;}]*\bvar\(--", 35, "Write the value itself."),
    _css("clamp(), min(), max()", r":[^;}]*(?<!-)\b(?:clamp|min|max)\(", 40, "Write the length itself."),
    _css("CSS nesting", r"&\s*[:.>+~][^{;]*\{", 30, "Write each rule by itself."),
    _css("linear-gradient()", r"(?:linear|radial|conic)-gradient\(", 65, "Give a background-color as well."),
    _css("text-shadow", r"text-shadow\s*:", 65, "Do without."),
    _css("box-shadow", r"box-shadow\s*:", 65, "Use a border."),
    _css("columns", r"(?<![\w-])column-(?:count|width)\s*:", 45, "Use mj-column."),
    _css("@container", r"@container\b", 25, "Use a fluid column."),
    _css(":has()", r":has\(", 30, "Give the element a class."),
    _html("<picture>", r"<picture\b", 60, "Use one <img>."),
    _html("<details>", r"<details\b", 40, "Show the text."),
    _html("<dialog>", r"<dialog\b", 20, "Show the text."),
    _html("srcset", r"<img[^>]*\bsrcset\s*=", 60, "Use one image of twice the shown width."),
    _html("WebP or AVIF image", r"src\s*=\s*[\"'][^\"']+\.(?:webp|avif)[\"']", 80, "Use PNG or JPEG."),
    _html("SVG image", r"src\s*=\s*[\"'][^\"']+\.svg[\"']", 40, "Use PNG."),
    _css("CSS unit vw or vh", r":[^;}]*\b\d+v[wh]\b", 60, "Use percent or px."),
    _css("light-dark()", r"light-dark\(", 20, "Use @media (prefers-color-scheme: dark)."),
    _css("oklch() or color-mix()", r"\b(?:oklch|oklab|lch|lab|color-mix)\(", 30, "Write #rrggbb."),
)  # fmt: skip
#: `style` attributes and style sheets.
_STYLES = re.compile(
    r"""style\s*=\s*"([^"]*)"|<(?:mj-)?style\b[^>]*>(.*?)</(?:mj-)?style""", re.IGNORECASE | re.DOTALL
)
#: What moves must come to rest, and must not flash (WCAG 2.2.2, 2.3.1).
_LONGEST_SECONDS, _FLASHES_PER_SECOND = 5.0, 3.0


def poor_support(draft: Draft) -> Iterator[Problem]:
    """HTML and CSS that many mail programs do not show."""
    written = draft.source.body.text
    styles = "\n".join(found[1] or found[2] or "" for found in _STYLES.finditer(written))
    for feature in SUPPORT:
        found = feature.pattern.search(styles if feature.in_css else written)
        if found:
            yield problem(
                draft, "support", f"{feature.name} is shown by about {feature.share} % of mail programs",
                feature.instead, at=(found[0],),
            )  # fmt: skip


def background_only(draft: Draft) -> Iterator[Problem]:
    """A background image without a colour to stand in for it."""
    for specimen in specimens(draft, SAMPLE):
        for style in re.findall(r'style="([^"]*url\([^"]*)"', specimen.html):
            if not re.search(
                r"background(?:-color)?\s*:\s*(?:#|rgb|[a-z]+(?=[\s;]))(?!url)", style, re.IGNORECASE
            ):
                yield problem(
                    draft, "background-image", "a background image has no colour behind it",
                    "Give background-color as well; many mail programs drop the image.", at=("background",),
                )  # fmt: skip
                return


def moving_images(draft: Draft) -> Iterator[Problem]:
    """Animated GIFs that do not stop within five seconds, or that flash."""
    for image in draft.source.images:
        motion = measure(image.content)
        if motion is None:
            continue
        at = (image.path,)
        if motion.endless or motion.seconds > _LONGEST_SECONDS:
            lasts = "for ever" if motion.endless else f"for {motion.seconds:.0f} s"
            yield problem(
                draft, "image-moves", f"{image.path} moves {lasts}",
                f"Let it stop within {_LONGEST_SECONDS:.0f} s: set a loop count.", at=at,
            )  # fmt: skip
        if motion.frames_per_second > _FLASHES_PER_SECOND * 2:
            yield problem(
                draft, "image-flashes", f"{image.path} changes {motion.frames_per_second:.0f} times a second",
                "Make sure that it does not flash: more than three flashes a second can cause seizures.", at=at,
            )  # fmt: skip

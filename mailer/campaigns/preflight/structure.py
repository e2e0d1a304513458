"""The skeleton of the HTML part, as a screen reader walks it (E1, E2, E5, E6, E7)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from mailer.campaigns.draft import Draft
from mailer.campaigns.preflight.places import problem, shortened, specimens, tree
from mailer.campaigns.recipients import SAMPLE
from mailer.rendering.identity import Problem

_FILE_NAME = re.compile(
    r"\S+\.(png|jpe?g|gif|webp|bmp)|(img|dsc|image|screenshot|bild)[-_ ]?\d*", re.IGNORECASE
)
_NO_ZOOM = re.compile(r"user-scalable\s*=\s*(no|0)|maximum-scale\s*=\s*(0|1)(\.\d+)?\b", re.IGNORECASE)


def _elements(draft: Draft, *names: str) -> Iterator[Any]:
    """Elements of the sample's HTML by name, in document order."""
    for specimen in specimens(draft, SAMPLE):
        yield from (
            each for each in tree(specimen.html).root.etree_element.iter() if not names or each.tag in names
        )


def _text(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def language(draft: Draft) -> Iterator[Problem]:
    """A part that does not say its language and direction, outside and inside (clients strip the outside)."""
    for body in _elements(draft, "html", "body"):
        for element in [body] if body.tag == "html" else list(body):
            if not element.get("lang") or element.get("dir") not in ("ltr", "rtl"):
                yield problem(
                    draft, "language", f"<{element.tag}> does not say its language and direction",
                    'Set `language` in the front matter; write lang="…" dir="…" on your own blocks.',
                )  # fmt: skip
                return


def document_head(draft: Draft) -> Iterator[Problem]:
    """No title, no charset, or a viewport that forbids to zoom."""
    if not any(specimens(draft, SAMPLE)):
        return
    titles = [_text(title) for title in _elements(draft, "title")]
    if not any(titles):
        yield problem(
            draft, "title", "the HTML has no title", "Write <mj-title>{{ subject }}</mj-title> in the layout."
        )
    metas = list(_elements(draft, "meta"))
    charset = [
        meta
        for meta in metas
        if meta.get("charset") or "charset=utf-8" in (meta.get("content") or "").lower()
    ]
    if not charset:
        yield problem(
            draft, "charset", "the HTML does not say that it is UTF-8", 'Add <meta charset="utf-8">.'
        )
    for meta in metas:
        if (meta.get("name") or "").lower() == "viewport" and _NO_ZOOM.search(meta.get("content") or ""):
            yield problem(
                draft, "zoom", "the viewport forbids to zoom", "Leave out user-scalable and maximum-scale.",
                at=("user-scalable", "maximum-scale"),
            )  # fmt: skip


def layout_tables(draft: Draft) -> Iterator[Problem]:
    """A table that is neither plain layout nor plain data."""
    for table in _elements(draft, "table"):
        layout = (table.get("role") or "").lower() in ("presentation", "none")
        own = [cell.tag for cell in _own_cells(table)]
        if layout and (table.get("summary") or {"th", "caption"} & set(own)):
            yield problem(
                draft, "table-layout", "a layout table has headers, a caption or a summary",
                'Remove them, or remove role="presentation" if it holds data.', at=("<th", "<caption", "summary="),
            )  # fmt: skip
        elif not layout and "th" not in own:
            yield problem(
                draft, "table-headers", f"a table says neither layout nor data: `{shortened(_text(table))}`",
                'Add role="presentation" to a layout table, <th> cells to a data table.', at=("<table",),
            )  # fmt: skip


def _own_cells(table: Any) -> Iterator[Any]:
    for child in table:
        if child.tag != "table":
            yield child
            yield from _own_cells(child)


def image_sizes(draft: Draft) -> Iterator[Problem]:
    """An image that does not reserve its room."""
    for image in _elements(draft, "img"):
        if not image.get("width") or not (image.get("height") or "height" in (image.get("style") or "")):
            name = _as_written(draft, image.get("src") or "")
            yield problem(
                draft, "image-size", f"the image `{shortened(name)}` has no width and height",
                "Give both, so that the mail does not jump while images load.", at=(name, name.rsplit("/", 1)[-1]),
            )  # fmt: skip


def _as_written(draft: Draft, address: str) -> str:
    """The author's file behind an address of the site; any other address as it is."""
    names = {each.hash: each.path for each in draft.source.images}
    return names.get(address.rsplit("/", 1)[-1], address)


def image_words(draft: Draft) -> Iterator[Problem]:
    """An alt text that is a file name, or none on the only content of a link."""
    for image in _elements(draft, "img"):
        alt = (image.get("alt") or "").strip()
        if _FILE_NAME.fullmatch(alt):
            yield problem(
                draft, "image-alt-name", f"the alt text `{shortened(alt)}` is a file name", "Say what the image shows.",
                at=(alt,),
            )  # fmt: skip
    for link in _elements(draft, "a"):
        images = [each for each in link.iter() if each.tag == "img"]
        if images and not _text(link) and not any((image.get("alt") or "").strip() for image in images):
            href = link.get("href") or ""
            yield problem(
                draft, "image-link-alt", f"the link `{shortened(href)}` holds only an image without alt text",
                "Say in alt where the link leads.", at=(href,),
            )  # fmt: skip


def only_images(draft: Draft) -> Iterator[Problem]:
    """A mail whose message is in its images alone."""
    for body in _elements(draft, "body"):
        own = list(body)[:-1]  # the last is the unsubscribe block
        images = any(each.tag == "img" for part in own for each in part.iter())
        if images and not " ".join(_text(part) for part in own).strip():
            yield problem(
                draft, "only-images", "with images blocked, nothing of the message is left",
                "Write its text as text; many mail programs load no images at first.",
            )  # fmt: skip


def headings(draft: Draft) -> Iterator[Problem]:
    """No main heading or several, or a level left out."""
    found = [(int(each.tag[1]), _text(each)) for each in _elements(draft, "h1", "h2", "h3", "h4", "h5", "h6")]
    mains = [text for level, text in found if level == 1]
    if len(mains) != 1 and any(specimens(draft, SAMPLE)):
        count = "no main heading" if not mains else f"{len(mains)} main headings"
        yield problem(
            draft, "heading-main", f"the mail has {count}", "Write one: `# …` or <h1>.", at=mains[1:2]
        )
    for (before, _), (level, text) in pairwise(found):
        if level > before + 1:
            yield problem(
                draft, "heading-order", f"`{shortened(text)}` is a heading of level {level} after level {before}",
                f"Make it level {before + 1}.", at=(text,),
            )  # fmt: skip


def justified(draft: Draft) -> Iterator[Problem]:
    """Text set to both edges, which is hard to read for many."""
    for element in _elements(draft):
        style = (element.get("style") or "").lower().replace(" ", "")
        if "text-align:justify" in style or (element.get("align") or "").lower() == "justify":
            yield problem(
                draft,
                "justified",
                f"`{shortened(_text(element))}` is justified",
                "Align it left.",
                at=("justify",),
            )
            return

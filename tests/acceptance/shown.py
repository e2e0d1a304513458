"""What the HTML part of a mail shows, one thing per line: words, links, pictures; no markup and no style."""

from __future__ import annotations

from html.parser import HTMLParser

#: These end a line of text.
BLOCKS = frozenset("div p h1 h2 h3 h4 ul ol li table tr td tbody blockquote hr body html head".split())
SILENT = frozenset({"style", "script"})


class Shown(HTMLParser):
    """Reads a page and writes what is in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._words: list[str] = []
        self._silent = 0

    @classmethod
    def of(cls, html: str) -> str:
        """The lines of a page."""
        shown = cls()
        shown.feed(html)
        shown.close()
        shown._end_line()
        return "\n".join(shown._lines) + "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Links and pictures are told with where they lead; a heading with its level."""
        values = {name: value or "" for name, value in attrs}
        self._silent += tag in SILENT
        if tag in BLOCKS:
            self._end_line()
        if tag == "html":
            self._lines.append(f"(language {values.get('lang', '-')}, {values.get('dir', '-')})")
        elif tag in ("h1", "h2", "h3", "li"):
            self._words.append(f"({tag})")
        elif tag == "a":
            self._words.append(f"[to {values.get('href', '-')}:")
        elif tag == "img":
            size = f"{values.get('width', '?')} x {values.get('height', '?')}"
            self._words.append(f"[picture {values.get('src')}, {size}: {values.get('alt')!r}]")

    def handle_endtag(self, tag: str) -> None:
        """The end of a link, or of a line."""
        self._silent -= tag in SILENT
        if tag == "a":
            self._words.append("]")
        elif tag in BLOCKS:
            self._end_line()

    def handle_data(self, data: str) -> None:
        """Words, with the white space of a page."""
        if not self._silent:
            self._words.append(data)

    def _end_line(self) -> None:
        line = " ".join(" ".join(self._words).split())
        self._words.clear()
        if line:
            self._lines.append(line)

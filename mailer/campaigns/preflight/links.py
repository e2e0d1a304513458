"""Where links lead and what they say, judged without asking anybody (E18, B14, D19)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from mailer.campaigns.draft import Draft
from mailer.campaigns.preflight.lookalike import lookalike_host
from mailer.campaigns.preflight.places import everything, problem, shortened, specimens
from mailer.campaigns.recipients import EMPTY, SAMPLE
from mailer.rendering.identity import Problem

#: Services that hide where a link leads; spam filters know them too.
SHORTENERS = frozenset(
    ("bit.ly", "t.co", "goo.gl", "tinyurl.com", "ow.ly", "buff.ly", "is.gd", "v.gd", "rebrand.ly", "cutt.ly")
    + ("lnkd.in", "rb.gy", "t.ly", "shorturl.at", "bl.ink", "tiny.cc", "dub.sh", "short.io", "s.id", "kurzelinks.de")
    + ("adf.ly", "soo.gd", "mcaf.ee", "qr.ae", "fb.me", "amzn.to", "youtu.be", "tiny.one", "snip.ly", "clck.ru")
)  # fmt: skip
#: Words of a link that say nothing outside their sentence (WCAG 2.4.4).
_VAGUE = frozenset(
    ("click here", "here", "read more", "more", "link", "this link", "learn more", "click")
    + ("hier", "hier klicken", "klicken sie hier", "mehr", "weiterlesen", "mehr lesen", "mehr erfahren")
)
_URL = re.compile(r"https?://[^\s<>\"')\]]+")


def links_of(draft: Draft) -> dict[str, str]:
    """Every web link of both parts with its words; the site's own links for the reader are left out."""
    found: dict[str, str] = {}
    for specimen in specimens(draft, SAMPLE, EMPTY):
        own = {specimen.values.unsubscribe_url, specimen.values.view_url}
        written = [(url.rstrip(".,;:!?"), "") for url in _URL.findall(specimen.text)]
        for url, words in [*everything(specimen.html).links, *written]:
            if url not in own and url.lower().startswith(("http:", "https:")):
                found[url] = found.get(url) or words
    return found


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def http_link(draft: Draft) -> Iterator[Problem]:
    """A link in clear text in the text part; those of the HTML are told when it is compiled."""
    base = draft.settings.site.base_url.rstrip("/") + "/"
    for specimen in specimens(draft, SAMPLE):
        in_html = {url for url, _ in everything(specimen.html).links}
        for url in dict.fromkeys(_URL.findall(specimen.text)):
            clear = url.lower().startswith("http:") and not f"{url}/".startswith(base)
            if clear and url not in in_html and url.rstrip(".,;:!?") not in in_html:
                yield problem(
                    draft, "link-http", f"`{shortened(url)}` is not encrypted", "Link to https://.", at=(url,)
                )


def shortened_link(draft: Draft) -> Iterator[Problem]:
    """A link through a shortening service."""
    for url in links_of(draft):
        if _host(url) in SHORTENERS:
            yield problem(
                draft, "link-shortener", f"`{shortened(url)}` hides where it leads",
                "Link to the page itself; filters block shorteners.", at=(url,),
            )  # fmt: skip


def lookalike_link(draft: Draft) -> Iterator[Problem]:
    """A host whose letters pass for others."""
    for url in links_of(draft):
        if lookalike_host(_host(url)):
            yield problem(
                draft, "link-lookalike", f"the host of `{shortened(url)}` mixes letters of several alphabets",
                "Check the address: such hosts imitate others.", at=(url,),
            )  # fmt: skip


def says_another_host(draft: Draft) -> Iterator[Problem]:
    """A link whose words are an address, of another host than it leads to."""
    for url, words in links_of(draft).items():
        said = _URL.fullmatch(words) or re.fullmatch(
            r"(?:www\.)?(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/\S*)?", words.lower()
        )
        host = _host(words if words.startswith("http") else f"https://{words.lower()}") if said else ""
        if host and host != _host(url):
            yield problem(
                draft, "link-disguised", f"a link says `{shortened(words)}` and leads to {_host(url)}",
                "Let it say where it leads.", at=(url, words),
            )  # fmt: skip


def vague_link(draft: Draft) -> Iterator[Problem]:
    """A link that says nothing by itself."""
    told: set[str] = set()
    for specimen in specimens(draft, SAMPLE):
        for url, words in everything(specimen.html).links:
            plain = words.lower().strip(" .…›»>→!")
            if plain in _VAGUE and plain not in told:
                told.add(plain)
                yield problem(
                    draft, "link-words", f"a link only says `{shortened(words)}`",
                    "Say what is behind it; screen readers list links without their sentences.", at=(url,),
                )  # fmt: skip

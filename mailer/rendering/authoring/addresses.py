"""Where a message may load from and link to: own hosts, declared hosts, safe schemes (F4, D15)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from mailer.rendering.authoring.tags import Placeholders
from mailer.rendering.identity import SiteIdentity

#: What a link may begin with.
SCHEMES: Final = ("https", "mailto", "tel")
_SCHEME: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
#: What would end a quoted `url()` in a style, and let the rest of an address become CSS.
_STYLE_ENDS: Final = re.compile(r"""[\s"'()<>\\;]""")
#: Browsers drop these inside a scheme, so `java\tscript:` is one.
_DROPPED: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of an address; `url` is what to write instead of it."""

    url: str
    rule: str = ""
    message: str = ""
    remedy: str = ""
    warning: bool = False


class Addresses:
    """Judges the addresses of one message."""

    def __init__(self, site: SiteIdentity, images: Mapping[str, str], placeholders: Placeholders) -> None:
        self._base = site.base_url.rstrip("/") + "/"
        own = urlsplit(site.base_url).hostname or ""
        self._hosts = {own.lower(), *(host.lower().strip(".") for host in site.asset_hosts)}
        self._images = images
        self._placeholders = placeholders

    def asset(self, url: str) -> Verdict:
        """The verdict on something loaded: an image, a background, a font, a style sheet."""
        verdict = self._asset(url.strip())
        return replace(verdict, url=_STYLE_ENDS.sub(lambda found: f"%{ord(found[0]):02X}", verdict.url))

    def _asset(self, url: str) -> Verdict:
        if not url:
            return Verdict(url, "image.empty", "An image has no address.", "Name a file below images/.")
        if url in self._images or url.removeprefix("./") in self._images:
            return Verdict(self._images.get(url) or self._images[url.removeprefix("./")])
        own = {_STYLE_ENDS.sub(lambda found: f"%{ord(found[0]):02X}", each) for each in self._images.values()}
        if url.startswith(self._base) or url in own:
            return Verdict(url)
        scheme = _scheme(url)
        if scheme in ("http", "https") or url.startswith("//"):
            return self._loaded(url, scheme)
        if scheme:
            return Verdict(
                url, "image.scheme", f"An image is loaded by `{scheme}:`.",
                "Put the file into images/; most mail programs refuse anything else.",
            )  # fmt: skip
        close = difflib.get_close_matches(url, list(self._images), n=1)
        guess = f"Did you mean {close[0]}?" if close else "Put the file into the campaign's images/ folder."
        return Verdict(url, "image.missing", f"There is no file `{url[:120]}` beside the message.", guess)

    def _loaded(self, url: str, scheme: str) -> Verdict:
        try:
            # As browsers read it: a backslash is a slash, and tabs and line ends are not there.
            host = (urlsplit(_DROPPED.sub("", url).replace("\\", "/")).hostname or "").lower().rstrip(".")
        except ValueError:
            return Verdict(url, "image.address", f"`{url[:120]}` is not a complete address.", "Correct it.")
        if host not in self._hosts:
            return Verdict(
                url, "image.foreign-host", f"`{url[:120]}` is loaded from {host}, a host that is not yours (F4).",
                f'Put the file into images/, or add "{host}" to [privacy] asset_hosts if you operate it.',
            )  # fmt: skip
        if scheme != "https":
            secure = "https://" + url.split("//", 1)[1]
            return Verdict(
                secure, "image.http", f"`{url[:120]}` is not https; it is loaded by https instead.",
                "Write https://.", warning=True,
            )  # fmt: skip
        return Verdict(url)

    def link(self, url: str) -> Verdict:
        """The verdict on an `href`; placeholders may be in it."""
        found = self._placeholders.pattern.search(url)
        if found and not url[: found.start()].strip():
            return Verdict(url)
        shown = self._placeholders.readable(url)[:120]
        scheme = _scheme(url)
        if not url.strip() or url.strip().startswith("#"):
            return Verdict(
                url, "link.empty", f"A link leads nowhere: `{shown}`.", "Give it an address.", warning=True
            )
        if scheme == "http" and not url.startswith(self._base):
            return Verdict(
                url,
                "link.http",
                f"`{shown}` is not encrypted.",
                "Write https:// if the site offers it.",
                warning=True,
            )
        if not scheme:
            return Verdict(
                url, "link.relative", f"The link `{shown}` has no scheme and host.",
                "Write the whole address, beginning with https://.", warning=True,
            )  # fmt: skip
        if scheme not in SCHEMES and not (scheme == "http" and url.startswith(self._base)):
            return Verdict(
                url, "link.scheme", f"The link `{shown}` begins with `{scheme}:`.",
                "A link begins with https:, mailto: or tel:.",
            )  # fmt: skip
        return self._host(url, shown, scheme)

    def _host(self, url: str, shown: str, scheme: str) -> Verdict:
        try:
            complete = scheme not in ("http", "https") or bool(urlsplit(url.strip()).hostname)
        except ValueError:
            complete = False
        if complete:
            return Verdict(url)
        return Verdict(url, "link.address", f"The link `{shown}` is not a complete address.", "Correct it.")


def _scheme(url: str) -> str:
    found = _SCHEME.match(_DROPPED.sub("", url))
    return found[1].lower() if found else ""

"""Ask whether links work, only when staff want it (D19): https, public addresses, no redirects.

The name is resolved once, every address is judged, and the connection goes to the judged address,
so that a second answer of the name server cannot lead inside (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from mailer.campaigns.draft import Draft
from mailer.campaigns.preflight.links import links_of
from mailer.campaigns.preflight.places import problem, shortened
from mailer.errors import MailerError
from mailer.rendering.identity import Problem

TIMEOUT_SECONDS = 8
_AT_ONCE = 8
_MOST = 200
#: Hosts that refuse HEAD, or robots; such an answer says nothing about the page.
_SAYS_NOTHING = frozenset({401, 403, 405, 429, 501, 503, 999})
Resolve = Callable[[str, int], list[str]]


class NotAsked(MailerError):
    """The address is none that may be asked."""


def dead_links(draft: Draft) -> Iterator[Problem]:
    """Links that do not answer with a page; nothing at all unless the draft says to ask."""
    if not draft.ask_links:
        return
    urls = [url for url in links_of(draft) if url.lower().startswith("https:")][:_MOST]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for url, fault in zip(urls, pool.map(fault_of, urls), strict=True):
            if fault:
                yield problem(
                    draft,
                    "link-dead",
                    f"`{shortened(url)}` {fault}",
                    "Open it yourself, and correct it.",
                    at=(url,),
                )


def fault_of(url: str) -> str:
    """What is wrong with a link in words that follow it; empty when it works."""
    try:
        status = head(url)
    except NotAsked as error:
        return f"was not asked: {error}"
    except ssl.SSLError:
        return "has no valid certificate"
    except TimeoutError:
        return f"did not answer within {TIMEOUT_SECONDS} s"
    except (OSError, HTTPException, ValueError):
        return "cannot be reached"
    if status < 400 or status in _SAYS_NOTHING:
        return ""
    return f"answers {status}"


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def head(
    url: str,
    *,
    resolve: Resolve = _resolve,
    judge: Callable[[str], bool] | None = None,
    context: ssl.SSLContext | None = None,
) -> int:
    """The status of a HEAD request, redirects not followed.

    `judge` says which addresses may be asked (default: public ones). Raises NotAsked for anything
    but https to such an address, OSError when nobody answers.
    """
    parts = urlsplit(url)
    address = _judged_address(parts, resolve, judge or is_public)
    connection = _Pinned(
        parts.hostname or "", parts.port or 443, address, context or ssl.create_default_context()
    )
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("HEAD", path, headers={"User-Agent": "mailer link check", "Accept": "*/*"})
        response: HTTPResponse = connection.getresponse()
        return response.status
    finally:
        connection.close()


def _judged_address(parts: SplitResult, resolve: Resolve, judge: Callable[[str], bool]) -> str:
    if parts.scheme != "https" or not parts.hostname:
        raise NotAsked("only https links are")
    if parts.username is not None:
        raise NotAsked("it holds a user name")
    addresses = resolve(parts.hostname, parts.port or 443)
    if not addresses or not all(judge(address) for address in addresses):
        raise NotAsked("its host has an address that is not public")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public network, its embedded IPv4 address included."""
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        nat64 = ip in ipaddress.ip_network("64:ff9b::/96")
        if nat64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


class _Pinned(HTTPSConnection):
    """A TLS connection to one address, with the certificate checked for the host's name."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=TIMEOUT_SECONDS, context=context)
        self._address = address
        self._tls = context

    def connect(self) -> None:
        """Connect to the judged address, never to what the name says now."""
        plain = socket.create_connection((self._address, self.port), timeout=TIMEOUT_SECONDS)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

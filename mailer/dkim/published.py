"""Ask DNS whether the keys that sign are published as they must be (A46)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias

from mailer.dkim.keys import DkimKeyInvalid
from mailer.dkim.records import EXPLAINED, Standing, compare, record_name
from mailer.dkim.site import load_signing
from mailer.settings.dkim import DkimSettings

#: Seconds for one question, its retries included.
QUESTION_SECONDS = 4.0
_MOST_RECORDS, _MOST_OCTETS = 20, 4096
# RFC 2606 2: names that the world's DNS never knows, so there is nobody to ask.
_NOWHERE = (".example", ".invalid", ".localhost")

#: The TXT records under a name, the strings of each joined; None: DNS did not tell.
AskTxt: TypeAlias = Callable[[str], Sequence[str] | None]


def ask_txt(name: str) -> Sequence[str] | None:
    """The records as the resolver of this machine has them. What they hold is believed in nothing (D36)."""
    # Imported here: only a check of a campaign asks, and the library takes long to load.
    import dns.exception
    import dns.resolver

    try:
        answer = dns.resolver.resolve(f"{name}.", "TXT", lifetime=QUESTION_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return ()
    except (dns.exception.DNSException, OSError):
        return None
    texts = (b"".join(record.strings)[:_MOST_OCTETS] for record in list(answer)[:_MOST_RECORDS])
    return [text.decode("utf-8", "backslashreplace") for text in texts]


class PublishedKeys:
    """The keys of a site against their records."""

    def __init__(self, settings: DkimSettings, folder: Callable[[], Path], *, ask: AskTxt = ask_txt) -> None:
        self._settings = settings
        self._folder = folder
        self._ask = ask

    def troubles(self, from_domain: str) -> Iterator[tuple[str, str]]:
        """What is wrong with signatures on mail from that domain, and what to do.

        Nothing where nothing is signed here, and nothing of what DNS did not tell.
        """
        if not self._settings.signs:
            return
        try:
            campaign, system = load_signing(self._settings, self._folder())
        except DkimKeyInvalid as error:
            yield str(error), ""
            return
        domain = self._settings.signing_domain(from_domain)
        if f".{domain}".endswith(_NOWHERE):
            return
        ask = cache(self._ask)
        for key in dict.fromkeys((*campaign, *system)):
            name = record_name(key.selector, domain)
            texts = ask(name)
            standing = Standing.FITS if texts is None else compare(key, texts)
            if standing is not Standing.FITS:
                reason, remedy = EXPLAINED[standing]
                yield f"{name}: {reason}", remedy

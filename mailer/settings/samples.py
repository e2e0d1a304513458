"""The values `mailer init` fills in when it is told none, and where they stop being good enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from mailer.settings.values import is_loopback

SAMPLE_DOMAIN = "sample.example"  #: below a name that can never exist (RFC 2606 2)
SAMPLE_LEGAL_NAME = "Sample Company Ltd"
SAMPLE_POSTAL_ADDRESS = "1 Sample Street, 12345 Sampletown, Samplecountry"
_SAMPLES = (SAMPLE_DOMAIN, SAMPLE_LEGAL_NAME, SAMPLE_POSTAL_ADDRESS)


def is_trial(raw: Mapping[str, Any]) -> bool:
    """Whether a site with these settings reaches nobody: its pages and its relays are on this machine."""
    relays = [relay.get("host") for relay in _section(raw, "smtp").values() if isinstance(relay, Mapping)]
    return has_local_pages(raw) and all(isinstance(host, str) and is_loopback(host) for host in relays)


def has_local_pages(raw: Mapping[str, Any]) -> bool:
    """Whether base_url is an address of this machine, which nobody else can open."""
    return _is_loopback_url(_section(raw, "site").get("base_url"))


def relay_hosts(raw: Mapping[str, Any]) -> list[str]:
    """The hosts of the relays in use: the one that [sending] route names, else all."""
    relays = _section(raw, "smtp")
    route = _section(raw, "sending").get("route")
    names = relays if route is None else [str(route)]
    hosts = [_section(relays, name).get("host") for name in names]
    return [host for host in hosts if isinstance(host, str)]


def sample_settings(raw: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The paths of the settings that still hold a sample value."""
    for key, value in raw.items():
        if isinstance(value, Mapping):
            yield from ((key, *rest) for rest in sample_settings(value))
        elif isinstance(value, str) and any(sample in value for sample in _SAMPLES):
            yield (key,)


def _section(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    section = raw.get(key)
    return section if isinstance(section, Mapping) else {}


def _is_loopback_url(url: object) -> bool:
    if not isinstance(url, str):
        return False
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False

"""DNS as the doctor asks it: every answer is bounded in time and size, and believed in nothing (D36)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
import dns.reversename

from mailer.addresses import MAX_DOMAIN_OCTETS

Address: TypeAlias = IPv4Address | IPv6Address
#: Seconds for one question, its retries and its second try over TCP included.
QUESTION_SECONDS = 4.0
#: What no honest record set exceeds; the rest is cut off and said to be.
MAX_RECORDS, MAX_TEXT = 50, 4096
_AT_ONCE = 20


class Found(StrEnum):
    """How a question ended."""

    RECORDS = "records"
    NO_RECORD = "no record"  #: the name is there, this type is not
    NO_NAME = "no such name"
    TROUBLE = "trouble"  #: the name's servers answered with an error
    SILENCE = "silence"  #: nobody answered


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of one name and type as text, as DNS has them: hostile until shown otherwise."""

    name: str
    found: Found
    records: tuple[str, ...] = ()

    @property
    def is_void(self) -> bool:
        """Whether DNS says that there is nothing (RFC 7208 section 4.6.4 counts these)."""
        return self.found in (Found.NO_RECORD, Found.NO_NAME)

    @property
    def is_unknown(self) -> bool:
        """Whether nothing was learned."""
        return self.found in (Found.TROUBLE, Found.SILENCE)


class Dns:
    """Asks each question once in a run, few at a time."""

    def __init__(self, resolver: dns.asyncresolver.Resolver | None = None) -> None:
        self._resolver = resolver or system_resolver()
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._asked: dict[tuple[str, str], asyncio.Task[Answer]] = {}

    async def txt(self, name: str) -> Answer:
        """The TXT records, the strings of each joined (RFC 7208 section 3.3)."""
        return await self._once(name, "TXT")

    async def mx(self, name: str) -> Answer:
        """The MX hosts, best first; a null MX is the empty name (RFC 7505)."""
        return await self._once(name, "MX")

    async def soa(self, name: str) -> Answer:
        """Whether the name is the top of a zone."""
        return await self._once(name, "SOA")

    async def addresses(self, name: str) -> tuple[Answer, tuple[Address, ...]]:
        """A and AAAA together; the answer tells how it went when there are none."""
        four, six = await asyncio.gather(self._once(name, "A"), self._once(name, "AAAA"))
        both = tuple(ip_address(text) for answer in (four, six) for text in answer.records)
        unlucky = next((answer for answer in (four, six) if answer.is_unknown), four)
        return (unlucky if not both else four), both

    async def names_of(self, address: Address) -> Answer:
        """The names an address claims to have (PTR)."""
        return await self._once(dns.reversename.from_address(str(address)).to_text(), "PTR")

    async def _once(self, name: str, kind: str) -> Answer:
        key = (name.lower().rstrip("."), kind)
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._ask(*key))
        # Shielded: a check that runs out of time must not take the answer away from the others.
        return await asyncio.shield(self._asked[key])

    async def _ask(self, name: str, kind: str) -> Answer:
        if not name or len(name) > MAX_DOMAIN_OCTETS:
            return Answer(name, Found.NO_NAME)
        try:
            async with self._gate:
                answer = await self._resolver.resolve(f"{name}.", kind, lifetime=QUESTION_SECONDS)
        except dns.resolver.NXDOMAIN:
            return Answer(name, Found.NO_NAME)
        except dns.resolver.NoAnswer:
            return Answer(name, Found.NO_RECORD)
        except dns.exception.Timeout:
            return Answer(name, Found.SILENCE)
        except (dns.exception.DNSException, OSError, ValueError):
            return Answer(name, Found.TROUBLE if self._resolver.nameservers else Found.SILENCE)
        records = sorted(answer, key=lambda record: getattr(record, "preference", 0))
        return Answer(name, Found.RECORDS, tuple(_text(record) for record in records[:MAX_RECORDS]))


def system_resolver() -> dns.asyncresolver.Resolver:
    """The resolver this machine is set up with; one that knows nobody where there is none."""
    try:
        return dns.asyncresolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        return dns.asyncresolver.Resolver(configure=False)


def _text(record: object) -> str:
    if isinstance(strings := getattr(record, "strings", None), tuple):
        return b"".join(strings)[:MAX_TEXT].decode("utf-8", "backslashreplace")
    target = getattr(record, "exchange", None) or getattr(record, "target", None)
    if isinstance(target, dns.name.Name):
        return target.to_text(omit_final_dot=True).lower().removeprefix(".")
    return str(record)[:MAX_TEXT]

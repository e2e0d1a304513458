"""`[doctor]`: what `mailer doctor` cannot find out by itself."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from mailer.settings.section import Section
from mailer.settings.values import split_list


def _ip(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(f'"{value}" is not an IP address such as "203.0.113.5".') from None


IpAddresses = Annotated[tuple[Annotated[str, AfterValidator(_ip)], ...], BeforeValidator(split_list)]


class DoctorSettings(Section):
    """What `mailer doctor` cannot find out by itself."""

    outgoing_addresses: IpAddresses = Field(
        (),
        description="IP addresses from which your mail reaches the world; the relay's operator knows them. "
        "SPF is then held against exactly these, and their reverse names when the relay is your own.",
    )

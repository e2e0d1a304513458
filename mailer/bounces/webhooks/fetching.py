"""One GET to Amazon SNS over verified TLS, bounded in time and size; nothing else is ever fetched (F4, D19)."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Callable

from mailer.alerts.webhook import ending
from mailer.bounces.webhooks.model import NotNow

TIMEOUT_SECONDS = 5.0  #: for all of it
MAX_BYTES = 32 * 1024  #: a certificate has 2 KiB
HOST = re.compile(r"sns\.[a-z]{2}(?:-[a-z]{2,12}){1,2}-\d\.amazonaws\.com", re.ASCII)

#: Host and path to what stands there. Raises NotNow.
Fetch = Callable[[str, str], bytes]


def fetch(
    host: str,
    path: str,
    *,
    timeout: float = TIMEOUT_SECONDS,
    tls: ssl.SSLContext | None = None,
    port: int = 443,
) -> bytes:
    """The answer of an SNS host; a redirect is an error, and so is a host of any other name. Raises NotNow."""
    if not HOST.fullmatch(host):
        raise NotNow("host", "Only hosts of Amazon SNS are asked for certificates.")
    connection = http.client.HTTPSConnection(
        host, port, timeout=timeout, context=tls or ssl.create_default_context()
    )
    try:
        with ending(connection, after=timeout):
            connection.request("GET", path, headers={"User-Agent": "mailer"})
            response = connection.getresponse()
            body = response.read(MAX_BYTES + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotNow("fetch", f"Amazon SNS cannot be reached: {type(error).__name__}.") from error
    finally:
        connection.close()
    if response.status != 200 or len(body) > MAX_BYTES:
        raise NotNow("fetch", f"Amazon SNS answered {response.status} with {len(body)} octets.")
    return body

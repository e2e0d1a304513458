"""The keys that Amazon SNS signs with: from its own hosts only, kept for a day, asked for rarely (D31)."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from mailer import clock
from mailer.bounces.webhooks.fetching import HOST, Fetch, fetch
from mailer.bounces.webhooks.model import Forged, NotNow

KEPT = timedelta(days=1)
MOST = 16  #: keys that are kept
#: Asked for in a minute at most: a certificate's name is made up easily.
PER_MINUTE = 6
_LEAST_BITS = 2048
_URL = re.compile(rf"https://({HOST.pattern})(/SimpleNotificationService-[0-9a-f]{{32}}\.pem)", re.ASCII)
_NAME = re.compile(r"sns(?:\.[a-z0-9-]+)?\.amazonaws\.com", re.ASCII)


class Certificates:
    """Signing keys by the address that a message names; only addresses of the allowed form are asked."""

    def __init__(self, get: Fetch = fetch) -> None:
        self._get = get
        self._kept: OrderedDict[str, tuple[RSAPublicKey, datetime]] = OrderedDict()
        self._asked: deque[float] = deque(maxlen=PER_MINUTE)
        self._one = threading.Lock()

    def key(self, url: str, *, region: str) -> RSAPublicKey:
        """The key of the certificate at `url`, which must be of the topic's own region.

        Raises Forged for an address of another form, NotNow when it cannot be had.
        """
        match = _URL.fullmatch(url)
        if match is None or match[1] != f"sns.{region}.amazonaws.com":
            raise Forged("certificate", "The certificate of the call is not one of Amazon SNS.")
        with self._one:
            now = clock.now()
            kept = self._kept.get(url)
            if kept is None or now >= kept[1]:
                self._not_too_often()
                kept = self._kept[url] = (signing_key(self._get(match[1], match[2]), now), now + KEPT)
                while len(self._kept) > MOST:
                    self._kept.popitem(last=False)
            return kept[0]

    def _not_too_often(self) -> None:
        now = clock.monotonic()
        if len(self._asked) == PER_MINUTE and now - self._asked[0] < 60:
            raise NotNow("often", "Certificates of Amazon SNS were asked for too often; later.")
        self._asked.append(now)


def signing_key(pem: bytes, now: datetime) -> RSAPublicKey:
    """The key of a certificate in PEM that is valid now and SNS' own. Raises Forged."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = {
            str(one.value) for one in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        }
        key = certificate.public_key()
    except ValueError:
        raise Forged("certificate", "The certificate of the call cannot be read.") from None
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Forged("certificate", "The certificate of the call is not valid now.")
    if not any(_NAME.fullmatch(name) for name in names):
        raise Forged("certificate", "The certificate of the call is another's.")
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_BITS:
        raise Forged("certificate", "The key of the certificate is too weak.")
    return key

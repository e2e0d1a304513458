"""Proofs that were used: a call made of one again is a replay (D31)."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from mailer import clock

#: More are forgotten, oldest first; every one was signed by the provider.
MOST = 100_000


class Seen:
    """The proofs of the last minutes. Events themselves count once by the database, for ever."""

    def __init__(self, window: timedelta) -> None:
        # A stamp may be as far in the future as in the past.
        self._kept = 2 * window
        self._until: OrderedDict[bytes, datetime] = OrderedDict()
        self._one = threading.Lock()

    def claim(self, proof: str) -> bool:
        """Whether this proof is new; it is not from now on."""
        now, short = clock.now(), _short(proof)
        with self._one:
            if self._until.get(short, now) > now:
                return False
            self._until[short] = now + self._kept
            self._until.move_to_end(short)
            while len(self._until) > MOST or next(iter(self._until.values())) <= now:
                self._until.popitem(last=False)
            return True

    def release(self, proof: str) -> None:
        """Its call was not taken after all: it may come again."""
        with self._one:
            self._until.pop(_short(proof), None)


def _short(proof: str) -> bytes:
    return hashlib.sha256(proof.encode("utf-8", "replace")).digest()

"""The version of the reader, stored with every verdict so that a later reader's can be compared with it."""

from __future__ import annotations

from typing import Final

#: Raised by one with every change that gives some message another verdict: a row of `rules/`, the order
#: of the rows, how addresses or texts are found. `mailer bounce reclassify` reads older verdicts anew.
READER_VERSION: Final = 8

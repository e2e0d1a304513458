"""`python -m tests.bounces.fuzz SECONDS`: damage reports at random and classify them; stops at a crash or a slow one.

Starts from the reports of the tests, and from the labelled set where MAILER_BOUNCE_CORPUS names it. The
message that broke the reader is written to `fuzz-crash.eml`.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from mailer.bounces import classify
from tests.bounces import corpus
from tests.bounces.messages import dsn, group, report
from tests.bounces.test_kinds import NOTES, OTHERS

SLOW_SECONDS = 2.0
_TOKENS = [
    b"\n", b"\n\n", b"--cut\n", b"@", b"<", b">", b"\x00", b"\xff", b"=?utf-8?B?", b"?=", b"\x1b$B", b"{", b'"', b";",
    b"Content-Type: ", b"multipart/mixed; boundary=cut", b"message/rfc822", b"base64", b"550 5.1.1 ", b"a@b.example",
    b"Final-Recipient: rfc822; ", b"Action: failed\n", b"Feedback-Type: abuse\n", b" " * 500, b"<" * 500, b"=41" * 300,
]  # fmt: skip


def _seeds() -> list[bytes]:
    seeds = [
        dsn(group("550 user unknown")),
        report("<a@b.example>: 550 no\n"),
        *NOTES.values(),
        *OTHERS.values(),
    ]
    if where := corpus.folder():
        seeds += [path.read_bytes() for path in sorted((where / "messages").iterdir())]
    return seeds


def _damaged(seeds: list[bytes], chance: random.Random) -> bytes:
    raw = chance.choice(seeds)
    for _ in range(chance.randint(1, 12)):
        start = chance.randint(0, len(raw))
        end = min(len(raw), start + int(chance.expovariate(0.02)))
        other = chance.choice(seeds)
        cut = chance.randint(0, len(other))
        new = chance.choice(
            (
                b"",
                chance.choice(_TOKENS) * chance.randint(1, 50),
                chance.randbytes(8),
                other[cut : cut + 400],
                raw[start:end] * 3,
            )
        )
        raw = (raw[:start] + new + raw[chance.choice((start, end)) :])[:200_000]
    return raw


def main(seconds: float, *, seed: int) -> int:
    """Run for that long; 0: nothing found. Prints how many were tried, and the slowest."""
    chance, seeds, tried, slowest = random.Random(seed), _seeds(), 0, 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        raw = _damaged(seeds, chance)
        began = time.process_time()
        try:
            classify(raw)
        except Exception:
            Path("fuzz-crash.eml").write_bytes(raw)
            raise
        took = time.process_time() - began
        slowest, tried = max(slowest, took), tried + 1
        if took > SLOW_SECONDS:
            Path("fuzz-crash.eml").write_bytes(raw)
            print(f"One message took {took:.1f} s: fuzz-crash.eml", file=sys.stderr)
            return 1
    print(f"{tried} messages, no crash, slowest {slowest * 1000:.0f} ms, seed {seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 60, seed=int(time.time())))

"""The message that `make bench` measures is the one it says it measures."""

from __future__ import annotations

from benchmarks.fill import example, recipients
from mailer.rendering import Gate


def test_the_example_is_what_the_benchmark_says() -> None:
    compiled, who = example(), next(recipients())
    filled = compiled.fill(who)
    Gate().check(filled, compiled.message_class, expected=compiled.expected(who))
    assert 9_000 < len(filled.data) < 12_000
    assert filled.data.count(b"https://") >= 4

"""The labelled development set, and how a parser's answers are counted against it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mailer.bounces import Bounce, Reading, classify

#: Names the folder that has `messages/` and `expected.jsonl`.
VARIABLE = "MAILER_BOUNCE_CORPUS"


def folder() -> Path | None:
    """The folder of the set; None where it is not."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def counted(where: Path) -> dict[str, Counter[str]]:
    """The counts of each family."""
    families: dict[str, Counter[str]] = {}
    for expected, reading in _pairs(where):
        counts = families.setdefault(expected["family"], Counter())
        _count(expected, reading, counts)
    return families


def _pairs(where: Path) -> Iterator[tuple[dict[str, Any], Reading]]:
    for line in (where / "expected.jsonl").read_text("utf-8").splitlines():
        expected = json.loads(line)
        yield expected, classify((where / "messages" / expected["file"]).read_bytes())


def _count(expected: dict[str, Any], reading: Reading, counts: Counter[str]) -> None:
    left = list(reading.bounces)
    if expected["cls"] in {"none", "autoreply", "authreport"}:
        counts["others"] += 1
        counts["false bounces"] += bool(left)
        return
    counts["complaints"] += expected["cls"] == "complaint"
    counts["complaints found"] += expected["cls"] == "complaint" and reading.kind == "complaint"
    for wanted in expected["bounces"]:
        counts["wanted"] += 1
        if found := _taken(wanted, left):
            counts["found"] += 1
            _judge(wanted, found, counts)
    counts["false recipients"] += len(left)


def _taken(wanted: dict[str, Any], left: list[Bounce]) -> Bounce | None:
    right = {address.lower() for address in wanted["accept"]}
    for one in left:
        if wanted["recipient"] is None or (one.recipient or "").lower() in right:
            left.remove(one)
            return one
    return None


def _judge(wanted: dict[str, Any], found: Bounce, counts: Counter[str]) -> None:
    if wanted["kind_sure"]:
        counts["kinds"] += 1
        counts["kinds right"] += found.kind == wanted["kind"]
        counts["soft called hard"] += (wanted["kind"], found.kind) == ("soft", "hard")
    if wanted["reason_group"]:
        counts["groups"] += 1
        counts["groups right"] += (
            found.group == wanted["reason_group"] or found.reason in wanted["also_reasons"]
        )

"""The run as a whole: at once, within seconds, in the order of the table, pure where it judges."""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from mailer.doctor import run
from mailer.doctor.model import Check, Finding, Unasked, Verdict, line_of
from mailer.doctor.run import examine
from mailer.doctor.scene import Scene, own_addresses
from mailer.doctor.table import CHECKS
from tests.doctor.practice import Practice, verdicts

NAMES = [check.name for check in CHECKS]


def test_every_check_has_a_name_of_its_own_and_a_title() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(check.title and check.group for check in CHECKS)


def test_the_page_follows_the_table(practice: Practice) -> None:
    lines = practice.look()
    order = [NAMES.index(line.check) for line in lines]
    assert order == sorted(order)
    assert {line.check for line in lines} == set(NAMES)


def test_every_finding_that_is_not_well_says_what_to_do(practice: Practice) -> None:
    """A verdict without a remedy is a shrug."""
    practice.return_path = "bounce@bounces.relay.test"
    lines = practice.look(zone={("shop.test", "TXT"): ["x"]})
    for line in lines:
        assert line.reason.endswith("."), line
        if line.verdict in (Verdict.FAILURE, Verdict.WARNING):
            assert line.remedy, line


def test_only_what_was_named_is_looked_at(practice: Practice) -> None:
    assert {line.check for line in practice.look("spf", "dmarc")} == {"spf", "dmarc"}


def test_offline_asks_nobody(practice: Practice) -> None:
    scene = practice.scene()
    lines = asyncio.run(examine(scene, offline=True))
    asked = {check.name for check in CHECKS if check.asks_network}
    assert {line.check for line in lines if line.reason.startswith("It asks the network")} == asked


def test_a_check_that_is_kept_waiting_ends_and_the_others_do_not_wait_for_it(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: Scene) -> Sequence[Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def at_once(_: Scene) -> Sequence[str | Unasked]:
        return ["fact"]

    def judge(fact: str) -> list[Finding]:
        return [Finding(fact, Verdict.OK, "Fine.")]

    table = (Check("slow", "t", "g", never, judge), Check("quick", "t", "g", at_once, judge))
    monkeypatch.setattr(run, "CHECKS", table)
    monkeypatch.setattr(run, "CHECK_SECONDS", 0.05)
    lines = asyncio.run(examine(practice.scene()))
    assert verdicts(lines) == ["warning", "ok"]
    assert "--only slow" in lines[0].remedy


def test_checks_wait_side_by_side(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them waits for the other: one after the other would never end."""
    first, second = asyncio.Event(), asyncio.Event()

    def meeting(mine: asyncio.Event, other: asyncio.Event) -> Any:
        async def gather(_: Scene) -> Sequence[Any]:
            mine.set()
            await other.wait()
            return []

        return gather

    table = tuple(
        Check(n, "t", "g", meeting(*each), list)
        for n, each in (("a", (first, second)), ("b", (second, first)))
    )
    monkeypatch.setattr(run, "CHECKS", table)
    assert asyncio.run(examine(practice.scene())) == []


def test_what_could_not_be_asked_becomes_a_skipped_line() -> None:
    check: Check[Any] = CHECKS[0]
    line = line_of(check, Unasked("x", "Why.", "What.").finding)
    assert (line.verdict, line.reason, line.remedy) == (Verdict.SKIPPED, "Why.", "What.")


@pytest.mark.parametrize("check", CHECKS, ids=NAMES)
def test_a_judge_decides_from_frozen_facts_and_touches_nothing(check: Check[Any]) -> None:
    """No judge awaits, opens, connects or asks for the time: the facts are all it has."""
    parameter = next(iter(inspect.signature(check.judge, eval_str=True).parameters.values()))
    facts: Any = parameter.annotation
    assert is_dataclass(facts)
    assert vars(facts)["__dataclass_params__"].frozen
    assert fields(facts)
    tree = ast.parse(inspect.getsource(check.judge))
    assert not any(isinstance(node, ast.Await) for node in ast.walk(tree))
    called = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not called & {"now", "monotonic", "open", "connect", "read", "write", "resolve"}


def test_finding_out_the_own_address_sends_nothing() -> None:
    assert all(address.version in (4, 6) for address in own_addresses())


async def _breaks(_scene: Scene) -> Sequence[Any]:
    raise ValueError("hostile \x1b[2J text")


def test_a_check_that_breaks_is_a_line_and_hides_no_other(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {check.name: check for check in CHECKS}
    monkeypatch.setattr(run, "CHECKS", [replace(table["spf"], gather=_breaks), table["files"]])
    spf, *others = practice.look("spf", "files")
    assert spf.verdict is Verdict.WARNING
    assert "failed (ValueError)" in spf.reason
    assert "hostile" not in spf.reason
    assert {line.check for line in others} == {"files"}


def test_facts_that_a_judge_cannot_read_are_a_line_as_well(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(fact: str) -> list[Finding]:
        raise ValueError(f"hostile {fact}")

    async def gather(_: Scene) -> Sequence[str | Unasked]:
        return ["text"]

    monkeypatch.setattr(run, "CHECKS", (Check("odd", "t", "g", gather, judge),))
    (line,) = asyncio.run(examine(practice.scene()))
    assert (line.check, line.verdict) == ("odd", Verdict.WARNING)
    assert "hostile" not in line.reason

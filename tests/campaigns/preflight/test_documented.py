"""Every rule can be looked up under the name that a finding prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailer.campaigns import preflight
from mailer.campaigns.preflight import RULES, STRICTER, Rule

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "preflight.md").read_text(encoding="utf-8")
ROWS = {row.split("|")[1].strip(): row for row in PAGE.splitlines() if row.startswith("| ")}
#: What `problem`, `in_head` and `in_settings` are given as the name of a rule.
_NAMED = re.compile(
    r"(?:problem\(\s*draft,|in_head\(\s*draft, \"\w+\",|in_settings\()\s*\"([a-z]+(?:-[a-z]+)*)\"", re.DOTALL
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_stands_in_the_documentation(rule: Rule) -> None:
    row = ROWS[rule.id]
    assert f"{rule.severity.value}*" in row
    assert rule.title in row
    assert all(requirement in row for requirement in rule.requirement.split())


def test_every_name_a_finding_can_have_is_documented() -> None:
    folder = Path(preflight.__file__).parent
    names = {
        name for path in folder.glob("*.py") for name in _NAMED.findall(path.read_text(encoding="utf-8"))
    }
    assert len(names) > 30
    assert [name for name in sorted(names) if f"`{name}`" not in PAGE] == []


def test_what_is_stricter_here_is_said() -> None:
    assert all(f"`{name}`" in PAGE for name in STRICTER)

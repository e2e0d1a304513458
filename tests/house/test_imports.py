"""A room imports only rooms below it; a library has one home (contracts in pyproject.toml)."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.house.tree import ROOT, python_sources

GROUND = frozenset(
    {"starter", "keyring", "tokens", "return_path", "settings", "site", "wording"}
    | {"addresses", "clock", "errors", "bundled"}
)


def _imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_module_has_a_floor() -> None:
    """The contract is exhaustive; this names what is missing in one line."""
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    placed = {name.strip() for layer in layers["contracts"][0]["layers"] for name in layer.split(":")}
    present = {path.stem for path in (ROOT / "mailer").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert present - {"__init__", "__pycache__", "_bundled"} == placed


def test_the_ground_floor_stands_on_nothing() -> None:
    for source in python_sources("mailer"):
        room = source.path.relative_to(ROOT / "mailer").parts[0].removesuffix(".py")
        if room not in GROUND:
            continue
        ours = {name.split(".")[1] for name in _imported(source.tree) if name.startswith("mailer.")}
        assert ours <= GROUND, f"{source.name} imports {sorted(ours - GROUND)}"


def test_time_comes_from_the_clock_alone() -> None:
    """What reads the time elsewhere cannot be tested with a frozen one."""
    forbidden = {"now", "utcnow", "today", "monotonic", "perf_counter"}
    for source in python_sources("mailer"):
        if source.name == "mailer/clock.py":
            continue
        for node in ast.walk(source.tree):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in forbidden
                and isinstance(node.value, ast.Name)
            ):
                assert node.value.id == "clock", f"{source.name}:{node.lineno} {node.value.id}.{node.attr}"
            if isinstance(node, ast.Attribute) and node.attr == "time" and isinstance(node.value, ast.Name):
                assert node.value.id != "time", f"{source.name}:{node.lineno} time.time"


def test_nothing_is_unpickled_evaluated_or_given_to_a_shell() -> None:
    for source in python_sources("mailer"):
        imported = _imported(source.tree)
        assert imported.isdisjoint({"pickle", "marshal", "shelve", "dill"}), source.name
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec"}, f"{source.name}:{node.lineno}"
            if isinstance(node, ast.keyword) and node.arg == "shell":
                assert isinstance(node.value, ast.Constant) and node.value.value is False, source.name

"""What is shipped: locks of versions and hashes, a wheel that needs nothing beside it, units that parse."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from mailer import __version__
from tests.house.tree import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
_PIN = re.compile(r"^([a-z0-9._-]+)==([^ ;]+)( ; [^\\]+)? \\$")
_HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
# Building and installing from the folder beside us: nothing is looked up anywhere.
_OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _pins(lock: str) -> dict[str, str]:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    return {match[1]: match[2] for line in lines if (match := _PIN.match(line))}


@pytest.mark.rule("D35")
@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_versions_and_hashes_and_nothing_else(lock: str) -> None:
    """No address stands in it: whoever installs decides where from, the hashes decide what."""
    for line in (ROOT / lock).read_text(encoding="utf-8").splitlines():
        assert _PIN.match(line) or _HASH.match(line), line


@pytest.mark.rule("D35")
@pytest.mark.parametrize("lock", LOCKS)
def test_every_version_in_a_lock_has_a_hash(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    assert all("--hash=sha256:" in block for block in blocks if block)


def test_what_is_tested_is_what_is_shipped() -> None:
    shipped, tested = (_pins(lock) for lock in LOCKS)
    assert shipped
    assert shipped.items() <= tested.items()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--no-build-isolation"]
    _run([*command, "--quiet", "--wheel-dir", str(folder)], cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an empty environment that holds the wheel.

    The libraries it needs are borrowed from this environment; the source tree is out of its sight.
    """
    venv = tmp_path_factory.mktemp("venv")
    _run([sys.executable, "-m", "venv", "--without-pip", str(venv)], cwd=venv)
    python = venv / "bin" / "python"
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--quiet",
        str(wheel),
    ]
    _run(command, cwd=venv)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return venv / "bin"


def test_the_wheel_carries_templates_and_migrations(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("templates", "alembic"):
        here = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        carried = {name.removeprefix("mailer/_bundled/") for name in names if "/_bundled/" in name}
        assert here <= carried
    assert any(name.endswith("wording/de/page.toml") for name in names)


def test_the_wheel_carries_no_secret_no_person_and_no_test(wheel: Path) -> None:
    for name in zipfile.ZipFile(wheel).namelist():
        assert name.startswith(("mailer/", f"mailer-{__version__}.dist-info/")), name
        assert not name.endswith(("secrets.toml", ".secret", ".db", ".pyc")), name


def test_the_installed_command_works_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    """Nothing of the source tree is on the way; the site it makes has a database it can open."""
    mailer = str(installed / "mailer")
    assert "Usage: mailer" in _run([mailer, "--help"], cwd=tmp_path)
    assert f"version {__version__}" in _run([mailer, "--version"], cwd=tmp_path)
    assert "Next: mailer up" in _run([mailer, "init", "."], cwd=tmp_path)
    assert "schema" in _run([mailer, "db", "upgrade"], cwd=tmp_path)
    assert (tmp_path / "data" / "mailer.db").exists()
    where = _run([str(installed / "python"), "-c", "import mailer; print(mailer.__file__)"], cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)


def test_the_installed_command_checks_the_example_campaign(installed: Path, tmp_path: Path) -> None:
    """What `mailer init` writes is clean: layout, wording and migrations are all found."""
    mailer = str(installed / "mailer")
    _run([mailer, "init", "shop"], cwd=tmp_path)
    _run([mailer, "campaign", "check", "first-issue"], cwd=tmp_path / "shop")


@pytest.mark.parametrize("unit", sorted((ROOT / "deploy").glob("*.service")), ids=lambda path: path.name)
def test_units_restart_stop_in_time_and_keep_secrets_from_others(unit: Path) -> None:
    """D6, D28: a stop waits longer than the senders need; keys come as credentials."""
    parser = configparser.RawConfigParser(strict=False, comment_prefixes=("#",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # unit files mind their capitals
    parser.read(unit, encoding="utf-8")
    service = parser["Service"]
    assert service["Restart"] == "always"
    assert int(service["TimeoutStopSec"]) >= (20 if "web" in unit.name else 45)
    assert service["LoadCredential"].startswith("secrets.toml:")
    assert service["User"] != "root" and service["UMask"] == "0077"
    assert service["ProtectSystem"] == "strict"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("unit", sorted((ROOT / "deploy").glob("*.service")), ids=lambda path: path.name)
def test_systemd_understands_every_line_of_the_units(unit: Path, tmp_path: Path) -> None:
    """What it does not know it skips, with a warning; only the program's place differs here."""
    here = tmp_path / unit.name
    here.write_text(
        unit.read_text(encoding="utf-8").replace("/opt/mailer/bin/mailer", "/bin/true"), encoding="utf-8"
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(here)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_program_of_every_unit_is_a_command() -> None:
    for unit in (ROOT / "deploy").glob("*.service"):
        (command,) = re.findall(
            r"^ExecStart=/\S+/mailer (\w+)$", unit.read_text(encoding="utf-8"), re.MULTILINE
        )
        assert command in {"up", "serve", "work"}


def test_ci_needs_every_real_part_and_never_skips_one() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "MAILER_REAL_PARTS=required" in script
    for target in ("make check", "make test", "make demo"):
        assert target in script
    _run(["bash", "-n", str(ROOT / ".ci" / "run")], cwd=ROOT)


def _run(command: list[str], *, cwd: Path) -> str:
    environ = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "MAILER_", "PIP_"))
    }
    done = subprocess.run(
        command, cwd=cwd, env=environ | _OFFLINE, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

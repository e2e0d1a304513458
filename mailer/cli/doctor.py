"""`mailer doctor`: one page of advice before mail goes out, as a good postmaster would give it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

import click

from mailer.cli.output import folded, json_option, print_json, printable
from mailer.cli.site_option import pass_folder
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.doctor.model import Line
    from mailer.doctor.scene import Scene
    from mailer.site import SiteFolder

#: A proof is a newsletter; what is larger is something else.
_MAX_PROOF_BYTES = 10_000_000
_COLOURS = {"ok": "green", "note": "cyan", "warning": "yellow", "failure": "red"}


class ProofTooLarge(MailerError):
    """The file given with --proof is larger than any mail of this program; save one single message."""


@click.command()
@json_option
@click.option("--only", multiple=True, metavar="NAME", help="Run this check alone; may be repeated.")
@click.option(
    "--proof",
    type=click.File("rb"),
    help="A proof of a campaign, as it was received; its signature is verified.",
)
@click.option("--offline", is_flag=True, help="Ask nobody: look at files and the database only.")
@pass_folder
def doctor(
    folder: SiteFolder, *, as_json: bool, only: tuple[str, ...], proof: BinaryIO | None, offline: bool
) -> None:
    """Look at everything that makes mail arrive, and say what is left to do.

    DNS, relay, site, this machine: each line has a verdict, a reason and a remedy. Nothing is sent,
    nothing is changed. The exit code is 1 when a check fails.
    """
    # Imported here: `mailer --help` loads none of it.
    from mailer.doctor.table import CHECKS

    known = [check.name for check in CHECKS]
    if wrong := [name for name in only if name not in known]:
        raise click.BadParameter(f"no check {wrong[0]!r}; there is: {', '.join(known)}.", param_hint="--only")
    lines, scene = asyncio.run(_examine(folder, _read(proof), only=only, offline=offline))
    if as_json:
        print_json({"checks": lines, "verdicts": Counter(line.verdict for line in lines)})
    else:
        _print_page(lines, scene)
    if any(line.verdict == "failure" for line in lines):
        raise SystemExit(1)


async def _examine(
    folder: SiteFolder, proof: bytes | None, *, only: tuple[str, ...], offline: bool
) -> tuple[list[Line], Scene]:
    from mailer.doctor.lookups import Dns
    from mailer.doctor.run import examine
    from mailer.doctor.scene import open_scene

    scene = open_scene(folder, Dns(), proof=proof)
    try:
        return await examine(scene, only=only, offline=offline), scene
    finally:
        if scene.store is not None:
            scene.store.dispose()


def _read(proof: BinaryIO | None) -> bytes | None:
    if proof is None:
        return None
    if len(raw := proof.read(_MAX_PROOF_BYTES + 1)) > _MAX_PROOF_BYTES:
        raise ProofTooLarge()
    return raw


def _print_page(lines: Sequence[Line], scene: Scene) -> None:
    group = ""
    for line in _together(lines):
        if line.group != group:
            group = line.group
            click.echo(f"\n{group}")
        _print_line(line)
    counted = Counter(line.verdict.value for line in lines)
    click.echo(f"\n{', '.join(_count(counted[each], each) for each in _ORDER if counted[each])}.")
    if scene.is_local:
        click.echo(
            "\nThis site has no public address yet. What is skipped above looks at your own domain and a public\n"
            "https address: set [site] base_url, [smtp.NAME], [lists.NAME] from and [sending] return_path.\n"
            "docs/deliverability.md goes through it step by step."
        )


_ORDER = ("failure", "warning", "note", "ok", "skipped")


def _count(number: int, verdict: str) -> str:
    return f"{number} {verdict}{'s' if number > 1 and verdict not in ('ok', 'skipped') else ''}"


def _print_line(line: Line) -> None:
    verdict = click.style(line.verdict.value.ljust(8), fg=_COLOURS.get(line.verdict.value))
    subject = f"{printable(line.subject)}: " if line.subject else ""
    text = folded(f"  {' ' * 8}{line.check.ljust(13)} {subject}{printable(line.reason)}", indent=" " * 24)
    click.echo(f"  {verdict}{text[10:]}")
    if line.remedy:
        click.echo(folded(f"{' ' * 24}→ {printable(line.remedy)}", indent=" " * 26))


def _together(lines: Iterable[Line]) -> list[Line]:
    """The lines of the page: what is skipped for one and the same reason is said once in a group."""
    from mailer.doctor.model import Verdict

    shown: list[Line] = []
    places: dict[tuple[str, str, str], int] = {}
    for line in lines:
        key = (line.group, line.reason, line.remedy)
        if line.verdict is Verdict.SKIPPED and key in places:
            first = shown[places[key]]
            checks, subjects = _joined(first.check, line.check), _joined(first.subject, line.subject)
            shown[places[key]] = replace(first, check=checks, subject=subjects)
        else:
            places.setdefault(key, len(shown))
            shown.append(line)
    return shown


def _joined(names: str, name: str) -> str:
    return names if name in names.split(", ") else f"{names}, {name}"

"""Show what was settled, and for each that was not, what would settle it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mailer.cli.output import folded, printable

if TYPE_CHECKING:
    from mailer.delivery.settling.by_log import Judged
    from mailer.delivery.settling.settle import Settled
    from mailer.delivery.settling.verdicts import Verdict

#: Deliveries shown one by one; --json has them all.
_SHOWN = 20
#: What a finding makes of a delivery.
_BECOMES = {"accepted": "accepted", "absent": "sent again", "doubt": "unknown"}
_INDENT = " " * 10


def print_settled(judged: Judged, done: Settled | None) -> None:
    """Each delivery with its verdict and why; then the sum. `done` None: nothing was changed."""
    if not judged.verdicts:
        click.echo("No delivery is unknown: there is nothing to settle.")
        return
    if judged.evidence is not None:
        spans = ", ".join(f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}" for first, last in _utc(judged))
        click.echo(f"The log: {judged.evidence.lines:,} lines, {spans} (UTC).\n")
    for verdict in judged.verdicts[:_SHOWN]:
        click.echo("\n".join(_block(verdict)))
    if len(judged.verdicts) > _SHOWN:
        click.echo(f"and {len(judged.verdicts) - _SHOWN:,} more; --json has them all")
    click.echo(f"\n{_sum(judged, done)}")


def settled_as_json(judged: Judged, done: Settled | None) -> dict[str, object]:
    """The same for programs; `done` None: nothing was changed."""
    return {
        "dry_run": done is None,
        "accepted": done.accepted if done else 0,
        "resent": done.resent if done else 0,
        "verdicts": [
            {"delivery": each.delivery_id, "finding": each.finding.value, "words": each.words}
            for each in judged.verdicts
        ],
    }


def _block(verdict: Verdict) -> Iterator[str]:
    yield f"{verdict.delivery_id:>8}  {_BECOMES[verdict.finding.value]}"
    yield folded(f"{_INDENT}{printable(verdict.words)}", indent=_INDENT)


def _sum(judged: Judged, done: Settled | None) -> str:
    doubts = sum(each.finding.value == "doubt" for each in judged.verdicts)
    if done is None:
        accepted = sum(each.finding.value == "accepted" for each in judged.verdicts)
        absent = len(judged.verdicts) - doubts - accepted
        return (
            f"{accepted:,} would be accepted, {absent:,} sent again; {doubts:,} would stay unknown. "
            "Nothing was changed."
        )
    return f"{done.accepted:,} accepted, {done.resent:,} to be sent again, {doubts:,} still unknown."


def _utc(judged: Judged) -> Iterator[tuple[object, object]]:
    from datetime import UTC

    assert judged.evidence is not None
    for first, last in judged.evidence.spans:
        yield first.astimezone(UTC), last.astimezone(UTC)

"""Run the checks: at once where they wait, and never for long."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from mailer.doctor.model import Check, Finding, Line, Unasked, Verdict, line_of
from mailer.doctor.scene import Scene
from mailer.doctor.table import CHECKS
from mailer.maillog import EventLog

#: What one check may take, whoever keeps it waiting; all of them run at once.
CHECK_SECONDS = 20.0
log = EventLog("doctor")
_OFFLINE = Finding("", Verdict.SKIPPED, "It asks the network, and --offline was given.")


async def examine(scene: Scene, *, only: Collection[str] = (), offline: bool = False) -> list[Line]:
    """The findings of the checks named in `only`, or of all, in the order of the table."""
    asked = [check for check in CHECKS if not only or check.name in only]
    if not offline:
        # In a thread, once for all checks: to find this host's own name may take the system's resolver seconds.
        await asyncio.to_thread(lambda: scene.greetings)
    found = await asyncio.gather(*(_examine(check, scene, offline=offline) for check in asked))
    return [line for lines in found for line in lines]


async def _examine(check: Check[Any], scene: Scene, *, offline: bool) -> list[Line]:
    if offline and check.asks_network:
        return [line_of(check, _OFFLINE)]
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            facts: Sequence[Any] = await check.gather(scene)
        return [line_of(check, finding) for each in facts for finding in _judged(check, each)]
    except TimeoutError:
        reason = f"It took longer than {CHECK_SECONDS:.0f} s: somebody who was asked does not answer."
        return [
            line_of(check, Finding("", Verdict.WARNING, reason, f"Run: mailer doctor --only {check.name}"))
        ]
    except Exception as error:  # noqa: BLE001 - one check must not hide what the others found
        # Not its words: they may be somebody else's.
        log.check_failed(check=check.name, error=type(error).__name__)
        reason = f"This check itself failed ({type(error).__name__}); what it looks at is not known."
        return [line_of(check, Finding("", Verdict.WARNING, reason, "Tell us, with the lines of the log."))]


def _judged(check: Check[Any], fact: Any) -> Iterable[Finding]:
    return [fact.finding] if isinstance(fact, Unasked) else check.judge(fact)

"""Shorter waits and a wall clock that jumps, for `mailer` processes of the fault tests only.

Python imports a module of this name at its start from whatever stands first on its path; the product
itself knows no such switch. MAILER_FAULTS holds JSON: {"set": {"module:NAME": value}, "clock": FILE}.
"""

from __future__ import annotations

import importlib
import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any


def _set(target: str, value: Any) -> None:
    """`module:NAME`; `module:Class.field` for the default of a field, `module:CONSTANT.field` for that of a value.

    Numbers become timedeltas where those are.
    """
    module_name, _, name = target.partition(":")
    module = importlib.import_module(module_name)
    owner, _, field = name.partition(".")
    if field and not isinstance(getattr(module, owner), type):
        object.__setattr__(getattr(module, owner), field, value)
    elif field:
        cls = getattr(module, owner)
        names = list(cls.__dataclass_fields__)
        defaults = list(cls.__init__.__defaults__)
        defaults[names.index(field) - len(names)] = value
        cls.__init__.__defaults__ = tuple(defaults)
    else:
        before = getattr(module, owner)
        setattr(module, owner, timedelta(seconds=value) if isinstance(before, timedelta) else value)


def _step_clock(path: str) -> None:
    """Wall time is real time plus the seconds in the file, which is read again and again, for every reader of it."""
    import apscheduler.executors.base
    import apscheduler.executors.pool
    import apscheduler.job
    import apscheduler.schedulers.base

    from mailer import clock

    class Stepped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            try:
                with open(path) as file:
                    offset = float(file.read() or 0)
            except (OSError, ValueError):
                offset = 0.0
            return datetime.now(tz) + timedelta(seconds=offset)

    clock.now = lambda: Stepped.now(UTC)
    for module in (apscheduler.schedulers.base, apscheduler.executors.base, apscheduler.job):
        if hasattr(module, "datetime"):
            module.datetime = Stepped


def _patch() -> None:
    wanted = json.loads(os.environ.get("MAILER_FAULTS", "{}"))
    for target, value in wanted.get("set", {}).items():
        _set(target, value)
    if "clock" in wanted:
        _step_clock(wanted["clock"])


_patch()

"""The filters and tests that an author may use: a word means the same in what is known to all and in what differs.

None can run long or make a value grow without end; compile time has a few more, which are measured
(authoring/sandbox.py).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from jinja2 import Undefined, filters, tests

#: Places that `round` may keep, or take away: Python raises ten to that power.
_MAX_PRECISION: Final = 18


def _default(value: Any, fallback: Any = "", boolean: bool = False) -> Any:
    """Jinja's `default`, but nothing and an empty text count as missing: imports are full of both."""
    if isinstance(value, Undefined) or value is None or (boolean and not value):
        return fallback
    return fallback if isinstance(value, str) and not value.strip() else value


def _date(value: Any, pattern: str = "%Y-%m-%d") -> str:
    """A date in the author's own order of year, month and day; what is no date stays as it is."""
    if value is None:
        return ""
    moment = value
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            moment = datetime.fromisoformat(value)
    return moment.strftime(pattern) if isinstance(moment, date) else str(value)


def _round(value: Any, precision: int = 0, method: Any = "common") -> Any:
    return filters.do_round(value, max(-_MAX_PRECISION, min(precision, _MAX_PRECISION)), method)


def _truncate(value: Any, length: int = 255, end: str = "…") -> str:
    """Shortened to `length` characters at a word's end."""
    text = str(value)
    if len(text) <= length:
        return text
    kept = text[: max(0, int(length) - len(end))]
    return kept.rsplit(" ", 1)[0].rstrip() + end


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "abs": abs,
    "capitalize": lambda value: str(value).capitalize(),
    "count": len,
    "d": _default,
    "date": _date,
    "default": _default,
    "first": lambda value: next(iter(value), ""),
    "float": filters.do_float,
    "int": filters.do_int,
    "last": lambda value: value[-1] if value else "",
    "length": len,
    "lower": lambda value: str(value).lower(),
    "round": _round,
    "string": str,
    "title": filters.do_title,
    "trim": lambda value, characters=None: str(value).strip(characters),
    "truncate": _truncate,
    "upper": lambda value: str(value).upper(),
    "wordcount": filters.do_wordcount,
}

#: The tests that may follow `is`.
TESTS: Final[Mapping[str, Any]] = {
    name: tests.TESTS[name]
    for name in (
        "defined", "undefined", "none", "true", "false", "number", "string", "even", "odd", "divisibleby",
        "eq", "equalto", "==", "ne", "!=", "lt", "lessthan", "<", "le", "<=", "gt", "greaterthan", ">", "ge",
        ">=", "in", "mapping", "sequence", "iterable", "boolean", "integer", "float", "upper", "lower",
    )
}  # fmt: skip

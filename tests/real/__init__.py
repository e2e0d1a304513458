"""Real parts (Postfix, PostgreSQL, Chromium): skip loudly where missing, fail where they are required."""

from __future__ import annotations

import os

import pytest


def require_real(part: str, *, found: bool) -> None:
    """Skip the test when `part` is not installed; fail it when MAILER_REAL_PARTS=required."""
    if found:
        return
    if os.environ.get("MAILER_REAL_PARTS") == "required":
        pytest.fail(f"the real part {part} is required here and was not found")
    pytest.skip(f"MISSING REAL PART: {part} is not installed, so this was not tried")

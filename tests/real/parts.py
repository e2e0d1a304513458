"""Say which real parts are installed, before the tests run: `python -m tests.real.parts`."""

from __future__ import annotations

import os
import shutil
import sys

from tests.postgres import find_binaries


def missing_parts() -> dict[str, str]:
    """The real parts that are not installed, and what stays untried without them."""
    parts = {
        "Postfix": (_program("postfix"), "that a real relay takes our bytes and keeps them as they are"),
        "PostgreSQL": (find_binaries() is not None, "every test of the store on PostgreSQL"),
        "Chromium": (_program("chromium"), "screenshots and accessibility of the pages"),
        "SpamAssassin": (_program("spamassassin"), "that a spam filter has nothing against our mail"),
        "dovecot-imapd dovecot-pop3d": (
            _program("dovecot"),
            "that bounces are fetched from a real IMAP server",
        ),
        "opendkim-tools": (_program("opendkim-testmsg"), "that OpenDKIM takes our signatures for good"),
    }
    return {name: untried for name, (found, untried) in parts.items() if not found}


def _program(name: str) -> bool:
    # Debian keeps Postfix in a folder that is on the way of root only.
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None


def main() -> int:
    """Print the list; fail when MAILER_REAL_PARTS=required and one is missing."""
    missing = missing_parts()
    if not missing:
        print("Real parts: all are here.")
        return 0
    print("=" * 78)
    for name, untried in missing.items():
        print(f"MISSING REAL PART: {name}. Not tried without it: {untried}.")
    wanted = " ".join(name.lower() for name in missing)
    print(f"Tests that need them are skipped. On Debian: apt-get install {wanted}")
    print("=" * 78)
    return 1 if os.environ.get("MAILER_REAL_PARTS") == "required" else 0


if __name__ == "__main__":
    sys.exit(main())

"""One real Dovecot for the tests of this folder, emptied before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.dovecot import Dovecot, running_dovecot


@pytest.fixture(scope="session")
def _dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as dovecot:
        yield dovecot


@pytest.fixture
def dovecot(_dovecot: Dovecot) -> Dovecot:
    """A Dovecot with an empty mailbox."""
    _dovecot.empty()
    return _dovecot

"""Start a process as a copy of this one that dies with it: what is imported is paid for once."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def fork(body: Callable[[], None]) -> int:
    """Run `body` in a child process that ends with it; returns the child's pid. Raises OSError.

    The child has a session of its own, so that Ctrl-C reaches it once, through its parent, and
    gets SIGTERM when the parent is killed. A SystemExit of `body` is its exit code. The caller
    must have no other thread, no open database connection and no event loop.
    """
    parent = os.getpid()
    # What is buffered would be written twice.
    sys.stdout.flush()
    sys.stderr.flush()
    # A signal between the fork and the child's own handlers would be taken by a handler of the parent's.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            _live(body, parent)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def _live(body: Callable[[], None], parent: int) -> None:
    """The child, from its first to its last instruction; never returns."""
    code = 1
    try:
        os.setsid()
        _die_with(parent)
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        body()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - above this frame stands the parent's code, which is not ours to run
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _die_with(parent: int) -> None:
    """Ask Linux to stop this process when the parent is killed: nobody sends without a supervisor."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was killed before we could ask
            os._exit(1)

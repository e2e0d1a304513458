"""Run the synchronous services beside the event loop, never more at once than the pool has connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

#: Below the store's pool (10 + 20 overflow), so that no thread waits for a connection.
MAX_THREADS = 24
_threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="web")


async def in_thread(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """The function's result; once begun it runs to its end, even when the client goes away."""
    call = partial(function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_threads, call)

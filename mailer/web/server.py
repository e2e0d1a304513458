"""Run the pages with uvicorn on a socket that is open already: no log of paths, no Server header."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import uvicorn

from mailer.web.app import create_app

if TYPE_CHECKING:
    from mailer.application import Site

#: What is being answered when a stop comes gets this long.
STOP_SECONDS = 10


def build_server(site: Site) -> uvicorn.Server:
    """A server for the site's pages; run it with `server.run(sockets=[listen(...)])` or `await server.serve(...)`.

    Proxy headers are ours to judge (D11), and the access log is ours, because a path holds a token (D25).
    """
    app = create_app(site)
    # A look of the collector at everything that is loaded by now would hold up an answer for a tenth of a second.
    gc.freeze()
    return uvicorn.Server(
        uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            ws="none",
            lifespan="off",
            timeout_keep_alive=5,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )

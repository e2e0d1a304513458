"""The authoring side: from Markdown or MJML, a layout and a list to the three programs of a message."""

from __future__ import annotations

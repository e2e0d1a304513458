"""Keep PostgreSQL to look-ups by index where its statistics cannot be right."""

from __future__ import annotations

from sqlalchemy import Connection

# PostgreSQL plans by statistics, and these are of yesterday while a million rows are written out and
# settled; the only right plan here is to look each row up by its index, so it is told so.
_SETTINGS = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
    "enable_memoize": "off",
    "jit": "off",
    "join_collapse_limit": "1",  # tables in the order they are named
}
_LOOKUPS_ONLY = "SELECT " + ", ".join(
    f"set_config('{name}', '{value}', true)" for name, value in _SETTINGS.items()
)


def look_up_only(connection: Connection) -> None:
    """Let PostgreSQL plan nothing but look-ups by index, to the end of this transaction."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_LOOKUPS_ONLY)

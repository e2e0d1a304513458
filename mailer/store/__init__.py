"""The store: engine, schema, transactions and migrations, on SQLite and PostgreSQL."""

from mailer.store.engine import Store, open_store
from mailer.store.errors import SchemaOutdated, StoreBusy, StoreError, StoreFull, StoreUnreachable

__all__ = [
    "SchemaOutdated",
    "Store",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreUnreachable",
    "open_store",
]

"""What every table of mailer.toml has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One table: frozen, and a key that it does not know is an error, which never repeats its value."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, validate_default=False, hide_input_in_errors=True
    )

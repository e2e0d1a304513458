"""What comes back: reads bounces, complaints, replies and wishes to leave. Bytes in, frozen verdicts out."""

from __future__ import annotations

from mailer.bounces.model import Bounce, Cause, Fault, Kind, Reading, Severity
from mailer.bounces.reading import classify
from mailer.bounces.version import READER_VERSION

__all__ = ["READER_VERSION", "Bounce", "Cause", "Fault", "Kind", "Reading", "Severity", "classify"]

"""Import people and their standing from the CSV files of other tools (C29, D18, B20)."""

from mailer.subscribers.importing.errors import ImportInterrupted, ImportRefused
from mailer.subscribers.importing.options import Declaration, ImportOptions, Standing
from mailer.subscribers.importing.reasons import REASONS, Group
from mailer.subscribers.importing.report import ImportReport
from mailer.subscribers.importing.run import Imports, Progress

__all__ = [
    "REASONS",
    "Declaration",
    "Group",
    "ImportInterrupted",
    "ImportOptions",
    "ImportRefused",
    "ImportReport",
    "Imports",
    "Progress",
    "Standing",
]

"""From what an author wrote to the bytes on the wire; knows nothing of databases or people.

The public names: a Renderer compiles, a CompiledMessage fills, the Gate has the last word.
"""

from __future__ import annotations

from mailer.rendering.errors import RenderError
from mailer.rendering.gate import Gate, NoWayOut
from mailer.rendering.message import CompiledMessage, Expected, FilledMessage, RecipientValues, Unrenderable
from mailer.rendering.renderer import Renderer
from mailer.rendering.wire.artefact import ArtefactUnreadable, MessageClass

__all__ = [
    "ArtefactUnreadable",
    "CompiledMessage",
    "Expected",
    "FilledMessage",
    "Gate",
    "MessageClass",
    "NoWayOut",
    "RecipientValues",
    "RenderError",
    "Renderer",
    "Unrenderable",
]

"""The one way from a source to a compiled message: author, assemble, compile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mailer.rendering.authoring.author import author, author_confirmation
from mailer.rendering.errors import RenderError
from mailer.rendering.identity import FieldSpec, ListIdentity, MessageSource, Problem, SiteIdentity
from mailer.rendering.message import CompiledMessage
from mailer.rendering.program import Parts
from mailer.rendering.wire.artefact import MessageClass
from mailer.rendering.wire.expressions import ExpressionRefused
from mailer.rendering.wire.headers import HeaderUnsafe
from mailer.rendering.wire.mime import assemble

#: What stands in a Feedback-ID in the place of a campaign.
_CONFIRMATION_SLUG = "confirmation"


class Renderer:
    """Compiles messages for one site. Holds no state but what it is given."""

    def __init__(
        self, *, template_dirs: Sequence[Path], site: SiteIdentity, fields: Mapping[str, FieldSpec]
    ) -> None:
        """`template_dirs` are searched in order: the site's own first, the bundled last."""
        self.template_dirs = tuple(template_dirs)
        self.site = site
        self.fields = fields

    def compile(
        self, source: MessageSource, list_: ListIdentity, *, message_class: str = MessageClass.CAMPAIGN
    ) -> CompiledMessage:
        """A campaign, or its proof. Raises RenderError with every problem found."""
        parts = author(source, list_, site=self.site, fields=self.fields, template_dirs=self.template_dirs)
        return self._compiled(
            parts, list_, MessageClass(message_class), source.slug, source.language, source.body.path
        )

    def compile_confirmation(self, *, language: str, list_: ListIdentity) -> CompiledMessage:
        """The mail that asks whether a sign-up was meant (C6). Raises RenderError for a broken template."""
        parts = author_confirmation(
            language=language, list_=list_, site=self.site, template_dirs=self.template_dirs
        )
        return self._compiled(
            parts, list_, MessageClass.CONFIRMATION, _CONFIRMATION_SLUG, language, "mailer.toml"
        )

    def _compiled(
        self,
        parts: Parts,
        list_: ListIdentity,
        message_class: MessageClass,
        slug: str,
        language: str,
        path: str,
    ) -> CompiledMessage:
        try:
            artefact = assemble(
                parts,
                message_class=message_class,
                slug=slug,
                language=language,
                list_=list_,
                site=self.site,
                fields=self.fields,
            )
            return CompiledMessage(artefact, warnings=parts.warnings)
        except HeaderUnsafe as error:
            raise RenderError([Problem(path, None, "A29", str(error))]) from error
        except ExpressionRefused as error:
            raise RenderError([Problem(path, None, "D14", str(error))]) from error

"""What authors' HTML may hold."""

from __future__ import annotations

from collections.abc import Mapping

from mailer.rendering.authoring import dom
from mailer.rendering.authoring.markup import Element
from mailer.rendering.authoring.tags import Located, Placeholders
from mailer.rendering.identity import Problem, SiteIdentity


class Lint:
    """Looks at one message."""

    def __init__(self, site: SiteIdentity, images: Mapping[str, str], placeholders: Placeholders) -> None:
        self.site, self.images, self.placeholders = site, images, placeholders
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []

    def mjml(self, tree: Element) -> None:
        """The attributes of MJML elements."""

    def fragment(self, root: dom.Node, content: Located) -> list[Problem]:
        """A parsed piece of HTML."""
        return []

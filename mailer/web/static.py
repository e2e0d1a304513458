"""The style sheet and the icon, read once and named by their hash, so that a browser may keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

#: What may be served, and as what; anything else in the folder stays there.
CONTENT_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png"}
#: Content that is named by its hash never changes.
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class StaticFile:
    """One file, whole in memory."""

    content: bytes
    content_type: str
    digest: str

    @classmethod
    def of(cls, name: str, content: bytes) -> StaticFile:
        """A file by its name's ending, one of CONTENT_TYPES."""
        return cls(content, CONTENT_TYPES[Path(name).suffix], sha256(content).hexdigest()[:16])


@dataclass(frozen=True)
class StaticFiles:
    """The files by name."""

    files: dict[str, StaticFile]

    @classmethod
    def read(cls, folders: Sequence[Path], made: Mapping[str, str] | None = None) -> StaticFiles:
        """Read the folders; a file in an earlier folder shadows one in a later, and what is `made` by us."""
        files: dict[str, StaticFile] = {}
        for folder in folders:
            for path in sorted(folder.glob("*")) if folder.is_dir() else ():
                if path.suffix in CONTENT_TYPES and path.name not in files:
                    files[path.name] = StaticFile.of(path.name, path.read_bytes())
        for name, text in (made or {}).items():
            files.setdefault(name, StaticFile.of(name, text.encode()))
        return cls(files)

    def url(self, name: str) -> str:
        """The address that changes whenever the content does."""
        return f"/static/{name}?v={self.files[name].digest}"

    def endpoint(self, request: Request) -> Response:
        """GET /static/{name}"""
        file = self.files.get(request.path_params["name"])
        if file is None:
            raise HTTPException(404)
        return Response(file.content, media_type=file.content_type, headers={"Cache-Control": FOR_EVER})

    def icon(self, _request: Request) -> Response:
        """GET /favicon.ico: browsers ask for it even beside a mail, whose sandbox is of no origin."""
        file = self.files["icon.svg"]
        headers = {"Cache-Control": "public, max-age=86400", "Cross-Origin-Resource-Policy": "cross-origin"}
        return Response(file.content, media_type=file.content_type, headers=headers)

"""Styles and scripts: read once, named by their content, so that a browser may keep them for ever."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from belonging_llm.provenance import bytes_digest
from belonging_llm.report.pages import TEMPLATES as REPORT_TEMPLATES

FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class StaticFile:
    """One file."""

    content: bytes
    kind: str
    digest: str


@cache
def files() -> dict[str, StaticFile]:
    """Every file that pages may refer to, by name; reports and this application share their colours."""
    found = {path.name: path for path in FOLDER.rglob("*") if path.suffix in _TYPES}
    found["palette.css"] = REPORT_TEMPLATES / "palette.css"
    return {name: _read(path) for name, path in found.items()}


def address(name: str) -> str:
    """Where a page finds a file."""
    return f"/static/{name}?v={files()[name].digest[:12]}"


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    return StaticFile(content, _TYPES[path.suffix], bytes_digest(content))

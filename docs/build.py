"""What building the site does besides MkDocs: small repairs, called by it as hooks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_ROLE = re.compile(r":(?:meth|func|class|attr):(?=<code>)")
_OUTSIDE = re.compile(r"\[([^]]+)\]\(\.\./([^)#]+)\)")


def on_config(config: Any) -> None:
    """Leave out of the navigation what this checkout has no page for."""
    config.nav = [part for part in map(_with_pages_of(Path(config.docs_dir)), config.nav) if part]


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Name files of the repository, which are not part of the site, instead of linking to them."""
    return _OUTSIDE.sub(r"\1 (`\2`)", markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Take away Sphinx's roles, which docstrings have."""
    return _ROLE.sub("", html)


def _with_pages_of(folder: Path) -> Any:
    def kept(entry: dict[str, Any]) -> dict[str, Any] | None:
        ((title, what),) = entry.items()
        if isinstance(what, str):
            return entry if (folder / what).exists() else None
        inner = [part for part in map(kept, what) if part]
        return {title: inner} if inner else None

    return kept

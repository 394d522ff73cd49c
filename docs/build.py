"""What building the site does besides MkDocs: small repairs, called by it as hooks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_ROLE = re.compile(r":(?:meth|func|class|attr):(?=<code>)")
_TEST = re.compile(r"(?<=<code>)tests/[\w/.:]+(?=</code>)")
_LINK_UP = re.compile(r"\[([^]]+)\]\(((?:\.\./)+)([^)#]+)\)")
_EXAMPLES = Path(__file__).parent.parent / "example_dags"
_IN_FULL = "<!-- here: the files of example_dags in full -->"


def on_config(config: Any) -> None:
    """Leave out of the navigation what this checkout has no page for."""
    config.nav = [part for part in map(_with_pages_of(Path(config.docs_dir)), config.nav) if part]


def on_page_markdown(markdown: str, page: Any = None, **_: Any) -> str:
    """Show the example DAGs, and name other files of the repository, which are not part of the site."""
    if _IN_FULL in markdown:
        files = sorted(_EXAMPLES.glob("*.py"))
        markdown = markdown.replace(_IN_FULL, "\n\n".join(map(_shown, files)))
        for file in files:
            markdown = markdown.replace(f"(../{_EXAMPLES.name}/{file.name})", f"(#{file.stem})")
    folders = page.file.src_uri.count("/") if page else 0
    return _LINK_UP.sub(
        lambda link: f"{link[1]} (`{link[3]}`)" if link[2].count("/") > folders else link[0], markdown
    )


def on_page_content(html: str, **_: Any) -> str:
    """Take away Sphinx's roles, which docstrings have, and let the long names of tests be broken."""
    return _TEST.sub(lambda name: re.sub(r"(::|/|_)", r"\1<wbr>", name[0]), _ROLE.sub("", html))


def _shown(file: Path) -> str:
    return f"### `{file.name}` {{#{file.stem}}}\n\n```python\n{file.read_text()}```"


def _with_pages_of(folder: Path) -> Any:
    def kept(entry: dict[str, Any] | str) -> dict[str, Any] | str | None:
        if isinstance(entry, str):
            return entry if (folder / entry).exists() else None
        ((title, what),) = entry.items()
        inner = [part for part in map(kept, what) if part]
        return {title: inner} if inner else None

    return kept

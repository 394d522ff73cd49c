"""The README and the user guide, taken apart for the tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GUIDE = "\n".join(page.read_text() for page in PAGES)

_FENCE = re.compile(r"```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!-- (.*) -->\n\Z")


@dataclass(frozen=True)
class Block:
    """
    A block of code.

    :param note: the comment on the line before, which readers do not see: for which database it is, or why it is not run
    """

    page: Path
    line: int
    language: str
    text: str
    note: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(language: str, *pages: Path) -> list[Block]:
    """Return the blocks of a language."""
    return [block for page in pages or PAGES for block in _blocks(page) if block.language == language]


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in _FENCE.finditer(text):
        before = text[: found.start()]
        note = _COMMENT.search(before[-300:])
        yield Block(
            page, before.count("\n") + 1, found.group(1), found.group(2), note.group(1) if note else ""
        )


def without_code(text: str) -> str:
    return _FENCE.sub("", text)


def sections(text: str) -> list[str]:
    """Cut a page where a heading begins."""
    return re.split(r"^(?=#+ )", without_code(text), flags=re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return what links to the headings of a page end in."""
    headings = re.findall(r"^#+ (.*)$", without_code(page.read_text()), re.MULTILINE)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def tables(text: str) -> Iterator[list[str]]:
    """Return the rows of all tables, cut into cells."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|--"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def messages() -> list[re.Pattern[str]]:
    """Return what the package can say: each string in its code, with anything where it puts a value in."""
    found = []
    for path in (ROOT / "airflow_checkpoint_provider").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            parts: list[str | None] = []
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                parts = [node.value]
            words = sum(len(re.findall(r"\w+", part)) for part in parts if part)
            if words >= 3:  # less would match anything
                pattern = "".join(".*" if part is None else re.escape(part) for part in parts)
                found.append(re.compile(pattern))
    return found

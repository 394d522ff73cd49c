"""The README and the user guide, parsed for the tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GUIDE = "\n".join(page.read_text() for page in PAGES)

_FENCE = re.compile(r"```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!-- (.*) -->\n\Z")


@dataclass(frozen=True)
class Block:
    """
    A block of code.

    :param note: the hidden comment on the line before: the block's database, or the reason why it is not run
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
    """Split a page at its headings."""
    return re.split(r"^(?=#+ )", without_code(text), flags=re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", without_code(page.read_text()), re.MULTILINE)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def tables(text: str) -> Iterator[list[str]]:
    """Yield the rows of all tables, split into cells."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|--"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def messages(
    where: Path = ROOT / "airflow_checkpoint_provider", *, printf: bool = False
) -> list[re.Pattern[str]]:
    """
    Return patterns of the package's messages: each string in its code, with ``.*`` for each inserted value.

    :param printf: also replace ``%s`` and the like
    """
    found = []
    for path in [where] if where.is_file() else where.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            parts: list[str | None] = []
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                parts = [node.value]
            if printf:
                cut = [re.split(r"%[-+.\d]*[a-z]", part) if part else [part] for part in parts]
                parts = [piece for pieces in cut for part in pieces for piece in (part, None)][:-1]
            words = [word for part in parts if part for word in re.findall(r"\w+", part)]
            if (
                any(len(word) > 3 for word in words) if printf else len(words) >= 3
            ):  # a shorter pattern would match any text
                pattern = "".join(".*" if part is None else re.escape(part) for part in parts)
                found.append(re.compile(pattern))
    return found

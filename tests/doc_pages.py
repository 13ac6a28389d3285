"""The pages of the documentation, and the code that they show."""

import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
DOCS = sorted((PROJECT / "docs").glob("*.md"))
PAGES = [PROJECT / "README.md", *DOCS]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_FILE_NAME = re.compile(r"# (\w+)\.py\n")


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of a language."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [block for kind, block in found if kind == language]


def without_blocks(page: Path) -> str:
    """The text without its fenced code blocks."""
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))


def code_spans(page: Path) -> Iterator[str]:
    """Every shell line, with its continuations joined, and every inline code span."""
    for block in blocks(page, "bash"):
        yield from block.replace("\\\n", " ").splitlines()
    for paragraph in without_blocks(page).split("\n\n"):
        yield from _INLINE.findall(re.sub(r"(?<!\|)\n(?!\|)", " ", paragraph))


def examples() -> dict[str, str]:
    """The Python blocks of docs/extending.md by the file name in their first line."""
    named = {}
    for block in blocks(PROJECT / "docs" / "extending.md", "python"):
        name = _FILE_NAME.match(block)
        assert name, f"docs/extending.md: this block does not begin with its file name:\n{block}"
        named[name[1]] = block
    return named

"""A page of headings, paragraphs, tables and pictures, as Markdown and as one HTML file that needs no other."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import pandas as pd

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body{{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:76em;padding:0 1.5em;color:#222}}
h1{{font-size:1.7em;line-height:1.25}}h2{{margin-top:2em;border-bottom:1px solid #ccc}}
.wide{{overflow-x:auto}}table{{border-collapse:collapse;font-size:.92em}}
th,td{{padding:.35em .8em;text-align:left;white-space:nowrap;border-bottom:1px solid #e3e3e3;vertical-align:top}}
thead th{{border-bottom:2px solid #999}}tr.printed{{color:#666;font-style:italic}}
li,p{{overflow-wrap:anywhere}}img{{max-width:100%;height:auto}}pre{{background:#f5f5f5;padding:.8em;overflow-x:auto;font-size:.85em}}
.notice{{background:#fff5d6;border-left:4px solid #d9a400;padding:.6em 1em}}
</style>
<h1>{title}</h1>
{body}
</html>
"""


class Block(Protocol):
    """A part of a page."""

    def as_markdown(self, folder: Path) -> str:
        """The part in Markdown, in a file in `folder`."""
        ...

    def as_html(self) -> str:
        """The part in HTML, with all that it shows."""
        ...


@dataclass(frozen=True)
class Heading:
    """A heading of the second level."""

    text: str

    def as_markdown(self, folder: Path) -> str:
        """The heading."""
        return f"## {self.text}"

    def as_html(self) -> str:
        """The heading."""
        return f"<h2>{escape(self.text)}</h2>"


@dataclass(frozen=True)
class Paragraph:
    """Text.

    Attributes:
        text: The text.
        is_notice: Whether it must not be overlooked.
    """

    text: str
    is_notice: bool = False

    def as_markdown(self, folder: Path) -> str:
        """The text, quoted if it must not be overlooked."""
        safe = _in_markdown(self.text)
        return f"> **{safe}**" if self.is_notice else safe

    def as_html(self) -> str:
        """The text, on a coloured ground if it must not be overlooked."""
        return f"<p{' class=notice' if self.is_notice else ''}>{escape(self.text)}</p>"


@dataclass(frozen=True)
class Items:
    """A list of lines, or of command lines."""

    lines: Sequence[str]
    is_code: bool = False

    def as_markdown(self, folder: Path) -> str:
        """The list."""
        if self.is_code:
            return "\n".join(["```bash", *self.lines, "```"])
        return "\n".join(f"- {_in_markdown(line)}" for line in self.lines)

    def as_html(self) -> str:
        """The list."""
        if self.is_code:
            return f"<pre>{escape(chr(10).join(self.lines))}</pre>"
        return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in self.lines) + "</ul>"


@dataclass(frozen=True, eq=False)
class TableBlock:
    """A table whose cells are text, of one line or several; a row whose first cell ends in an asterisk is quoted from elsewhere."""

    frame: pd.DataFrame

    def as_markdown(self, folder: Path) -> str:
        """The table."""
        safe = self.frame.map(lambda cell: _in_markdown(str(cell)).replace("|", "\\|").replace("\n", "<br>"))
        return str(safe.to_markdown(index=False, disable_numparse=True))

    def as_html(self) -> str:
        """The table."""
        titles = [escape(str(title)).replace(" (", "<br>(") for title in self.frame.columns]
        head = "".join(f"<th>{title}</th>" for title in titles)
        rows = []
        for cells in self.frame.itertuples(index=False):
            kind = " class=printed" if str(cells[0]).endswith("*") else ""
            safe = [escape(str(cell)).replace("\n", "<br>") for cell in cells]
            rows.append(f"<tr{kind}>" + "".join(f"<td>{cell}</td>" for cell in safe) + "</tr>")
        return f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        path: Its PNG file.
        caption: What it shows.
    """

    path: Path
    caption: str

    def as_markdown(self, folder: Path) -> str:
        """The picture by its path from the file in `folder`."""
        return f"![{_in_markdown(self.caption)}]({quote(self.path.relative_to(folder).as_posix())})"

    def as_html(self) -> str:
        """The picture with its content."""
        data = b64encode(self.path.read_bytes()).decode()
        caption = escape(self.caption, quote=True)
        return f'<p><img alt="{caption}" src="data:image/png;base64,{data}"><br><small>{caption}</small></p>'


def markdown_page(title: str, blocks: Sequence[Block], folder: Path) -> str:
    """The text of a Markdown file in a folder."""
    return "\n\n".join([f"# {title}", *(block.as_markdown(folder) for block in blocks)]) + "\n"


def html_page(title: str, blocks: Sequence[Block]) -> str:
    """The text of an HTML file, which loads nothing."""
    return _PAGE.format(title=escape(title), body="\n".join(block.as_html() for block in blocks))


def _in_markdown(text: str) -> str:
    """Text whose asterisks, underscores and angle brackets stand for themselves."""
    for sign in ("\\", "*", "_", "`", "<"):
        text = text.replace(sign, f"\\{sign}")
    return text

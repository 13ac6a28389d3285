"""Prints tables and pages to the terminal, or to a file in a width that breaks no row."""

import os

from rich.console import Console, RenderableType

_FILE_COLUMNS = 120  # rich takes 80 where there is no terminal


def print_tables(*tables: RenderableType) -> None:
    """Prints tables, or pages that hold some, below each other.

    Args:
        tables: The tables. In a terminal they fit its width.
    """
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=_FILE_COLUMNS)
    for table in tables:
        console.print(table)

"""The documentation is short where it should be, and names only commands, options, files and links that exist."""

import importlib
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from typing import NamedTuple

import pytest
import yaml

from run import COMMANDS, main
from tests.doc_pages import DOCS, PAGES, PROJECT, blocks, code_spans, without_blocks

TEXTS = [*PAGES, PROJECT / "CHANGELOG.md", PROJECT / "CITATION.cff"]

INTERNAL = {"sweep-worker"}  # commands that other commands start
# Options that hold a dictionary: what comes below them is up to the user.
DICTIONARIES = ("--model.weights", "--space.ranges")

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_OPTION = re.compile(r"--[a-z][\w.-]*")
_LISTED = re.compile(
    r"^\s+(?:-\w[^,]*,\s)?(--[\w.-]+)", re.MULTILINE
)  # where --help lists it, not where it mentions it
_HASH = re.compile(r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{7,40}\b")


class Mention(NamedTuple):
    """A command line of `run.py` that a page shows, or an option that its prose names (then without a command)."""

    page: str
    command: str | None
    options: tuple[str, ...]


def _mentions() -> Iterator[Mention]:
    for page in PAGES:
        for code in code_spans(page):
            words = shlex.split(code, comments=True)
            options = tuple(word.partition("=")[0].removesuffix(".*") for word in words if _OPTION.match(word))
            if words[:2] == ["python", "run.py"] and len(words) > 2:
                yield Mention(page.name, words[2], options)
            elif words[:1] == ["make"] and words[1:2] in (["fit"], ["table2"]):
                more = shlex.split(next((word for word in words if word.startswith("ARGS=")), "ARGS=")[5:])
                yield Mention(page.name, "fit", tuple(word for word in more if _OPTION.match(word)))
            elif words and words[0].startswith("--"):
                yield Mention(page.name, None, options)
            elif len(words) > 1 and words[0] in _commands():
                yield Mention(page.name, words[0], options)


@cache
def _commands() -> frozenset[str]:
    """Commands that the table of the overview names."""
    text = (PROJECT / "docs" / "index.md").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^\| `python run\.py ([\w-]+)` \|", text, re.MULTILINE))


@cache
def _help(command: str) -> str:
    """What a command answers to --help, from its own parser."""
    output = StringIO()
    with redirect_stdout(output), pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code in (0, None), f"run.py {command} --help ends with {ended.value.code}"
    return output.getvalue()


@cache
def _options(command: str) -> frozenset[str]:
    return frozenset(_LISTED.findall(_help(command)))


def _takes(command: str, option: str) -> bool:
    """Whether a command has an option, or a group of options, of this name."""
    known = _options(command)
    if "--data.help" in known:  # the data module as a class, whose options `fit` lists
        known |= {name for name in _options("fit") if name.startswith("--data.")}
    parents = [option[: end.start()] for end in re.finditer(r"\.", option)]
    is_open = any(parent in DICTIONARIES or f"{parent}.help" in known for parent in parents if parent != "--data")
    return option in known or is_open or any(name.startswith(f"{option}.") for name in known)


def test_the_readme_is_short():
    lines = (PROJECT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    assert not [line for line in lines if len(line) > 120]


def test_the_readme_says_how_to_install_activate_and_test():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    for part in ("source .venv/bin/activate", "pip install -e .", "make test", "make fit", "CITATION.cff", "LICENSE"):
        assert part in text


def test_every_command_of_the_docs_exists_and_every_command_is_in_them():
    assert _commands() == COMMANDS.keys() - INTERNAL
    assert {mention.command for mention in _mentions()} - {None} <= _commands()


def test_every_option_of_the_docs_exists():
    wrong = []
    for page, command, options in _mentions():
        for option in options:
            commands = [command] if command else sorted(_commands())
            if not any(_takes(name, option) for name in commands):
                wrong.append(f"{page}: {command or 'no command'} takes {option}")
    assert not wrong, "\n".join(sorted(set(wrong)))


def test_every_link_and_picture_of_the_docs_is_there():
    for page in [*PAGES, PROJECT / "CHANGELOG.md"]:
        for target in _LINK.findall(without_blocks(page)):
            path, _, anchor = target.partition("#")
            if "://" in target:
                continue
            file = page.parent / path if path else page
            assert file.exists(), f"{page.name}: {target}"
            if anchor:
                titles = re.findall(r"^#+ (.*)$", without_blocks(file), re.MULTILINE)
                assert anchor in map(_anchor, titles), f"{page.name}: {target}"


def _anchor(title: str) -> str:
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", title.lower())).strip("-")


def test_every_picture_is_shown_and_every_page_is_in_the_navigation():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for picture in (PROJECT / "docs").glob("*.jpg"):
        assert picture.name in text, picture
    site = yaml.safe_load((PROJECT / "mkdocs.yml").read_text())
    listed = [page for entry in site["nav"] for value in entry.values() for page in _pages_of(value)]
    assert sorted(listed) == [page.name for page in DOCS]


def _pages_of(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [page for entry in value for page in entry.values()]  # type: ignore[attr-defined]


def test_every_path_module_and_target_of_the_docs_is_there():
    targets = re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    for page in PAGES:
        for code in code_spans(page):
            for module in re.findall(r"python -m (benchmarks\.[\w.]+)", code):
                place = PROJECT / module.replace(".", "/")
                is_there = place.with_suffix(".py").is_file() or (place / "__main__.py").is_file()
                assert is_there, f"{page.name}: {module}"
            for path in re.findall(r"\b((?:conf|tests|datamodules|lightning_module|sweeps|benchmarks)/[\w/.]*)", code):
                assert (PROJECT / path).exists(), f"{page.name}: {path}"
            for target in re.findall(r"^make (\w+)", code):
                assert target in targets, f"{page.name}: make {target}"
            for name in re.findall(r"\b((?:datamodules|lightning_module|sweeps)\.[\w.]+)", code):
                assert _is_importable(name), f"{page.name}: {name}"


def _is_importable(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    try:
        importlib.import_module(name)
    except ImportError:
        module, _, attribute = name.rpartition(".")
        try:
            return hasattr(importlib.import_module(module), attribute)
        except ImportError:
            return False
    return True


def test_the_citation_is_valid():
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "license", "version"} <= citation.keys()
    assert all(
        {"name"} <= author.keys() or {"family-names", "given-names"} <= author.keys() for author in citation["authors"]
    )
    for reference in citation["references"]:
        assert {"type", "title", "authors"} <= reference.keys()
    assert citation["references"][0]["doi"] == "10.1007/978-3-030-77569-8_17"
    assert f'version = "{citation["version"]}"' in (PROJECT / "pyproject.toml").read_text()


def test_the_docs_name_no_commit():
    for page in TEXTS:
        for line in page.read_text(encoding="utf-8").splitlines():
            assert not _HASH.search(line), f"{page.name}: {line}"


def test_python_code_of_all_pages_compiles():
    for page in PAGES:
        for block in blocks(page, "python"):
            compile(block, page.name, "exec")


def test_the_site_builds_strictly_and_loads_nothing_from_elsewhere(tmp_path):
    build = pytest.importorskip("mkdocs.commands.build", reason="needs the docs extra: make docs")
    from mkdocs.config import load_config

    config = load_config(str(PROJECT / "mkdocs.yml"), site_dir=str(tmp_path / "site"))
    build.build(config)
    pages = list((tmp_path / "site").glob("*.html"))
    assert {page.stem for page in DOCS} <= {page.stem for page in pages}
    for page in pages:
        loaded = re.findall(r"<(?:script|img|link)\b[^>]*(?:src|href)=\"(https?:)?//", page.read_text(encoding="utf-8"))
        assert not loaded, page.name

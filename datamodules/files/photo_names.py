"""Which photographs a name means that a person, or another program, has written down."""

import os
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from datamodules.errors import InputError

_Parts = tuple[str, ...]


class Meaning(NamedTuple):
    """What a name means.

    Attributes:
        photos: The photographs, none if the name means none.
        rank: Length of the name in parts of a path, and whether it agrees in upper and lower case.
    """

    photos: list[Path]
    rank: tuple[int, bool]


class NamedPhotos:
    """Photographs by the ends of their paths.

    Names are compared as they are; then without what the systems of two people write differently: composed and decomposed
    letters, the separators of Windows, a path that leads upwards first, and bytes that are no UTF-8; and then without
    regard to upper and lower case.

    Args:
        photos: The photographs. Links are not resolved.
    """

    def __init__(self, photos: Iterable[Path]) -> None:
        self._by_end: list[dict[_Parts, list[Path]]] = [{} for _ in _SPELLINGS]
        for photo in dict.fromkeys(photos):
            parts = Path(os.path.abspath(photo)).parts
            for spelling, by_end in zip(_SPELLINGS, self._by_end, strict=True):
                spelt = tuple(map(spelling, parts))
                for start in range(len(spelt)):
                    by_end.setdefault(spelt[start:], []).append(photo)

    def of(self, name: str) -> Meaning:
        """The photographs whose paths end in a name, in the first of the comparisons that finds any.

        Raises:
            InputError: If these differ in upper and lower case only.
        """
        for parts, spelling, by_end in zip(_written(name), _SPELLINGS, self._by_end, strict=True):
            if photos := by_end.get(tuple(map(spelling, parts)), []):
                agrees = spelling is not _regardless_of_case
                if not agrees:
                    _check_case(name, photos, len(parts))
                return Meaning(photos, (len(parts), agrees))
        return Meaning([], (0, False))


def _written(name: str) -> tuple[_Parts, _Parts, _Parts]:
    """The parts of a name for each of the comparisons."""
    plain = Path(os.path.normpath(name)).parts
    tidy = os.path.normpath(name.strip().replace("\\", "/"))
    upwards = [part for part in Path(tidy).parts if part != os.pardir]
    return plain, tuple(upwards), tuple(upwards)


def _readable(part: str) -> str:
    """A part of a path with composed letters."""
    try:
        part.encode("utf-8")
    except UnicodeEncodeError:  # bytes that are no UTF-8 stand in Python's paths as surrogates
        part = os.fsencode(part).decode("cp1252", "replace")
    return unicodedata.normalize("NFC", part)


def _regardless_of_case(part: str) -> str:
    return unicodedata.normalize("NFC", _readable(part).casefold())


def _check_case(name: str, photos: list[Path], length: int) -> None:
    ends = {tuple(map(_readable, photo.parts[-length:])): photo for photo in photos}
    if len(ends) > 1:
        one, other, *_ = ends.values()
        raise InputError(f"{name}: can be {one} or {other}. Write the name in --boxes as the file has it.")


_SPELLINGS: tuple[Callable[[str], str], ...] = (str, _readable, _regardless_of_case)

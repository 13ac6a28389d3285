"""Files of face boxes in photographs: CSV or JSON."""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.photo_names import NamedPhotos

_COLUMNS = ("photo", "x1", "y1", "x2", "y2")
_SHAPE = f'a CSV file with the columns {",".join(_COLUMNS)}, or JSON such as {{"a.jpg": [[x1, y1, x2, y2], ...]}}'
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # how files of "Unicode text" begin


class FaceBoxes:
    """Boxes of faces by photograph.

    Args:
        boxes: For each name of a photograph, as its file name or the end of its path, (N, 4) x1, y1, x2, y2: 0-based
            pixels of the upright image, tight about brows, chin and jaw.
    """

    def __init__(self, boxes: dict[str, NDArray[np.float64]]) -> None:
        self._boxes = boxes

    def of(self, photo: Path) -> NDArray[np.float64]:
        """(N, 4) boxes of a photograph; (0, 4) if no name means it. The longest of its names decides."""
        return self.among([photo])[0].get(photo, np.empty((0, 4)))

    def unused(self, photos: Iterable[Path]) -> list[str]:
        """Names that mean none of these photographs."""
        return self.among(photos)[1]

    def among(self, photos: Iterable[Path]) -> tuple[dict[Path, NDArray[np.float64]], list[str]]:
        """(N, 4) boxes of each of these photographs that a name means, and the names that mean none of them.

        Raises:
            InputError: If a name means one of several photographs that differ in upper and lower case only.
        """
        named = NamedPhotos(photos)
        meanings = {name: named.of(name) for name in self._boxes}
        best: dict[Path, tuple[int, bool]] = {}
        for meaning in meanings.values():
            for photo in meaning.photos:
                best[photo] = max(best.get(photo, meaning.rank), meaning.rank)
        boxes: dict[Path, list[NDArray[np.float64]]] = {}
        unused = []
        for name, meaning in meanings.items():
            for photo in meaning.photos:
                if best[photo] == meaning.rank:  # several names of one rank are one name in several spellings
                    boxes.setdefault(photo, []).append(self._boxes[name])
            # where the name of another photograph differs in upper and lower case, that photograph is not here
            if all(best[photo][0] == meaning.rank[0] and best[photo] > meaning.rank for photo in meaning.photos):
                unused.append(name)
        return {photo: np.concatenate(parts) for photo, parts in boxes.items()}, unused


def read_boxes(path: Path) -> FaceBoxes:
    """The boxes of a file.

    A CSV file may have commas, semicolons or tabs between its columns; with the latter two, its numbers may have decimal
    commas. Text that is no UTF-8 is read as Windows' code page 1252, as spreadsheets write it.

    Raises:
        InputError: If it has neither form, a box has no area, or a value is not a number.
    """
    try:
        text = _text(path.read_bytes())
        rows = _json_rows(json.loads(text)) if path.suffix.lower() == ".json" else _csv_rows(text)
        by_name: dict[str, list[list[float]]] = {}
        for name, numbers in rows:
            x1, y1, x2, y2 = (float(number) for number in numbers)
            if not np.isfinite([x1, y1, x2, y2]).all() or x2 <= x1 or y2 <= y1:
                raise InputError(f"{path}: the box {x1:g}, {y1:g}, {x2:g}, {y2:g} of {name} has no area. Correct it.")
            by_name.setdefault(name, []).append([x1, y1, x2, y2])
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Set --boxes.") from error
    except InputError:
        raise
    # a damaged file can fail in many ways inside json and csv
    except Exception as error:
        fault = " ".join(str(error).split())
        raise InputError(f"{path}: holds no boxes that can be read ({fault}). Give {_SHAPE}.") from error
    return FaceBoxes({name: np.array(boxes) for name, boxes in by_name.items()})


def _text(data: bytes) -> str:
    if data[:2] in _UTF_16:
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")


def _json_rows(content: Any) -> list[tuple[str, list[Any]]]:
    rows = []
    for name, boxes in content.items():
        if boxes and not isinstance(boxes[0], list):
            boxes = [boxes]
        rows += [(str(name), box) for box in boxes]
    return rows


def _csv_rows(text: str) -> list[tuple[str, list[str]]]:
    first, _, rest = text.partition("\n")
    if first.strip().lower() in ("sep=;", "sep=,", "sep=\t"):  # a hint for spreadsheets
        text, first = rest, rest.partition("\n")[0]
    separator = max(";\t,", key=first.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    rows.fieldnames = [name.strip() for name in rows.fieldnames or ()]
    if missing := set(_COLUMNS) - set(rows.fieldnames):
        raise ValueError(f"no column {sorted(missing)[0]}")
    boxes = []
    for row in rows:
        if not row[_COLUMNS[0]] or None in row.values():
            raise ValueError(f"line {rows.line_num} is not complete")
        numbers = [row[column] for column in _COLUMNS[1:]]
        boxes.append((row[_COLUMNS[0]], numbers if separator == "," else [text.replace(",", ".") for text in numbers]))
    return boxes

"""Files of face boxes in photographs: CSV or JSON."""

import csv
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError

_COLUMNS = ("photo", "x1", "y1", "x2", "y2")
_SHAPE = f'a CSV file with the columns {",".join(_COLUMNS)}, or JSON such as {{"a.jpg": [[x1, y1, x2, y2], ...]}}'


class FaceBoxes:
    """Boxes of faces by photograph.

    Args:
        boxes: For each name of a photograph, as its file name or the end of its path, (N, 4) x1, y1, x2, y2: 0-based
            pixels of the upright image, tight about brows, chin and jaw.
    """

    def __init__(self, boxes: dict[str, NDArray[np.float64]]) -> None:
        self._boxes = {Path(os.path.normpath(name)).parts: of_photo for name, of_photo in boxes.items()}

    def of(self, photo: Path) -> NDArray[np.float64]:
        """(N, 4) boxes of a photograph; (0, 4) if no name matches it. The longest matching name decides."""
        parts = _parts(photo)
        matching = [name for name in self._boxes if parts[-len(name) :] == name]
        return self._boxes[max(matching, key=len)] if matching else np.empty((0, 4))

    def unused(self, photos: Iterable[Path]) -> list[str]:
        """Names that belong to none of these photographs."""
        all_parts = [_parts(photo) for photo in photos]
        return ["/".join(name) for name in self._boxes if not any(parts[-len(name) :] == name for parts in all_parts)]


def _parts(photo: Path) -> tuple[str, ...]:
    """Parts of the path as the user writes it; links are not resolved."""
    return Path(os.path.abspath(photo)).parts


def read_boxes(path: Path) -> FaceBoxes:
    """The boxes of a file.

    Raises:
        InputError: If it has neither form, a box has no area, or a value is not a number.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = _json_rows(json.loads(text)) if path.suffix.lower() == ".json" else _csv_rows(text)
        by_name: dict[str, list[list[float]]] = {}
        for name, numbers in rows:
            x1, y1, x2, y2 = (float(number) for number in numbers)
            if not np.isfinite([x1, y1, x2, y2]).all() or x2 <= x1 or y2 <= y1:
                raise InputError(f"{path}: the box {x1:g}, {y1:g}, {x2:g}, {y2:g} of {name} has no area. Correct it.")
            by_name.setdefault(name, []).append([x1, y1, x2, y2])
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Set --boxes.") from error
    except (ValueError, TypeError, KeyError, AttributeError, csv.Error) as error:
        raise InputError(f"{path}: holds no boxes that can be read ({error}). Give {_SHAPE}.") from error
    return FaceBoxes({name: np.array(boxes) for name, boxes in by_name.items()})


def _json_rows(content: Any) -> list[tuple[str, list[Any]]]:
    rows = []
    for name, boxes in content.items():
        if boxes and not isinstance(boxes[0], list):
            boxes = [boxes]
        rows += [(str(name), box) for box in boxes]
    return rows


def _csv_rows(text: str) -> list[tuple[str, list[str]]]:
    rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
    if missing := set(_COLUMNS) - set(rows.fieldnames or ()):
        raise ValueError(f"no column {sorted(missing)[0]}")
    boxes = []
    for line, row in enumerate(rows, start=2):
        if not row[_COLUMNS[0]] or None in row.values():
            raise ValueError(f"line {line} is not complete")
        boxes.append((row[_COLUMNS[0]], [row[column] for column in _COLUMNS[1:]]))
    return boxes

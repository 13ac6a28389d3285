"""The table of regions; weights, protocols, search space and pictures derive from it.

The five regions are those of Shi et al., Eq. 3. Another table is given by a function that returns it, with
`--data.regions some.module.function`.
"""

import logging
import numbers
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError, described
from datamodules.geometry import face_areas

_log = logging.getLogger(__name__)

Draw = Callable[[NDArray[np.int64], int], NDArray[np.bool_]]


@dataclass(frozen=True)
class RegionSpec:
    """One region of the face in UV space.

    Attributes:
        label: Its number in label maps, 1 to 255.
        name: Its name in options and metrics: lower-case letters, digits and underscores.
        title: Its name in tables and pictures.
        colour: Its colour in pictures, as in "#d95f5f".
        is_face: Whether it belongs to the face: dense figures and meshes leave out what does not.
        weight: Its default weight in the loss.
        search_range: Lowest and highest weight that a sweep tries; None keeps it at `weight`.
        draw: Takes (68, 2) landmark texels (row, col) and the map's texels per side, and returns (size, size) bool;
            None marks the region of the landmarks, which the region weights draw as points.
    """

    label: int
    name: str
    title: str
    colour: str
    is_face: bool
    weight: float
    search_range: tuple[float, float] | None
    draw: Draw | None

    def __post_init__(self) -> None:
        if not _is_a(numbers.Integral, self.label) or not 1 <= self.label <= 255:
            raise InputError(f"region {self.name!r} has label {self.label!r}: give a whole number from 1 to 255.")
        if not _is_a(str, self.name) or not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise InputError(f"region {self.name!r}: give a name of lower-case letters, digits and underscores.")
        if not _is_a(str, self.colour) or not re.fullmatch(r"#[0-9a-fA-F]{6}", self.colour):
            raise InputError(f"region {self.name!r} has colour {self.colour!r}: give one such as '#d95f5f'.")
        if not _is_a(numbers.Real, self.weight) or not 0 <= self.weight < float("inf"):
            raise InputError(f"region {self.name!r} has weight {self.weight!r}: give a finite number of at least 0.")
        if self.search_range is not None and not _is_range(self.search_range):
            raise InputError(
                f"region {self.name!r} has search_range {self.search_range!r}: give (lowest, highest) above 0, or None."
            )
        if self.draw is not None and not callable(self.draw):
            raise InputError(
                f"region {self.name!r} has draw {self.draw!r}: give a function, or None for the landmarks."
            )


RegionTable = tuple[RegionSpec, ...]  # in order of precedence: where two overlap, the earlier one wins


def five_regions() -> RegionTable:
    """The regions of Shi et al. (Eq. 3) with the weights of r1 (Table 2)."""
    return (
        RegionSpec(1, "landmarks", "81 landmarks", "#ffffff", True, 16.0, (1.0, 3000.0), None),
        RegionSpec(2, "eyes_nose", "eyes and nose", "#d95f5f", True, 5.0, (0.3, 100.0), face_areas.eyes_and_nose),
        RegionSpec(3, "mouth", "mouth", "#5fc46a", True, 4.0, (0.3, 100.0), face_areas.mouth),
        RegionSpec(4, "face", "rest of the face", "#6fa8cf", True, 3.0, None, face_areas.above_jaw),
        RegionSpec(5, "neck", "neck", "#303030", False, 0.0, (0.01, 10.0), face_areas.everywhere),
    )


def checked_table(make_table: Callable[[], RegionTable]) -> RegionTable:
    """The table that a function returns.

    Raises:
        InputError: If it is not a table of regions, or two of its regions share a label or a name.
    """
    source = f"--data.regions {getattr(make_table, '__name__', make_table)}"
    try:
        table = tuple(make_table())
    except InputError:
        raise
    # what a table's function raises depends on what it does
    except Exception as error:
        raise InputError(f"{source}: gives no table of regions ({described(error)}).") from error
    if not all(isinstance(region, RegionSpec) for region in table) or not any(is_drawn(region) for region in table):
        raise InputError(
            f"{source}: returns no table of regions. Return a tuple of RegionSpec, some of which are drawn."
        )
    for what in ("label", "name"):
        values = [str(getattr(region, what)) for region in table]
        if repeated := [value for value in values if values.count(value) > 1]:
            raise InputError(f"{source}: two regions have the {what} {repeated[0]}. Give each one of its own.")
    if len([region for region in table if not is_drawn(region)]) > 1:
        raise InputError(f"{source}: two regions have no draw function. Only the region of the landmarks has none.")
    return table


def is_drawn(region: RegionSpec) -> bool:
    """Whether a region is an area, rather than the points of the landmarks."""
    return region.draw is not None


def face_labels(table: RegionTable) -> list[int]:
    """Labels of the regions that belong to the face."""
    return [region.label for region in table if region.is_face]


def draw_regions(table: RegionTable, landmark_texels: NDArray[np.int64], size: int) -> NDArray[np.uint8]:
    """Labels of all texels, without the points of the landmarks, which the region weights draw.

    Args:
        table: The regions; an earlier one wins where two overlap.
        landmark_texels: (68, 2) row, col.
        size: Texels per side.

    Returns:
        (size, size) uint8.

    Raises:
        InputError: If a region draws no (size, size) bool, or some texel belongs to no region.
    """
    labels = np.zeros((size, size), np.uint8)
    for region in reversed(table):
        if region.draw is None:
            continue
        try:
            area = np.asarray(region.draw(landmark_texels.copy(), size))
        # what a draw function raises depends on what it does
        except Exception as error:
            raise InputError(f"region {region.name!r}: its draw function fails ({described(error)}).") from error
        if area.shape != (size, size) or area.dtype != np.bool_:
            raise InputError(
                f"region {region.name!r}: its draw function returns {area.dtype} of shape {area.shape}. "
                f"Return bool of shape {(size, size)}."
            )
        labels[area] = region.label
    if empty := int((labels == 0).sum()):
        raise InputError(
            f"{empty} of {size * size} texels belong to no region: let the last region of the table, "
            f"{table[-1].name!r}, cover everything (datamodules.geometry.face_areas.everywhere)."
        )
    warn_of_empty_regions(table, labels)
    return labels


def warn_of_empty_regions(table: RegionTable, labels: NDArray[np.uint8]) -> None:
    """Says which regions of a table no texel belongs to."""
    for region in table:
        if is_drawn(region) and not (labels == region.label).any():
            _log.warning("region %r has no texels, so that its weight is without effect.", region.name)


def regions_as_data(table: RegionTable) -> list[dict[str, Any]]:
    """Plain values of a table for checkpoints and exported files, without the draw functions."""
    return [
        {
            "label": region.label,
            "name": region.name,
            "title": region.title,
            "colour": region.colour,
            "is_face": region.is_face,
            "weight": region.weight,
            "is_drawn": is_drawn(region),
        }
        for region in table
    ]


def regions_from_data(values: Iterable[Mapping[str, Any]]) -> RegionTable:
    """The table of plain values from `regions_as_data`; its regions cannot be drawn."""
    return tuple(
        RegionSpec(
            label=int(value["label"]),
            name=value["name"],
            title=value["title"],
            colour=value["colour"],
            is_face=bool(value["is_face"]),
            weight=float(value["weight"]),
            search_range=None,
            draw=_cannot_draw if value["is_drawn"] else None,
        )
        for value in values
    )


def _is_a(kind: type, value: object) -> bool:
    """Whether a value that a stranger's table holds is what its annotation says."""
    return isinstance(value, kind)


def _is_range(values: object) -> bool:
    """Whether a search range is one: two numbers above 0, the lower one first."""
    if not isinstance(values, tuple | list) or len(values) != 2:
        return False
    return all(isinstance(value, numbers.Real) for value in values) and 0 < values[0] < values[1] < float("inf")


def _cannot_draw(landmark_texels: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    raise InputError(
        "the regions come from a checkpoint, which stores their labels but not their draw functions. "
        "Set --data.regions to the function that returns their table."
    )

"""The morphable model of the synthetic faces, in the form of the Basel Face Model."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.morphable_model import MorphableModel
from datamodules.synthetic.expression import expression_basis
from datamodules.synthetic.head import GRID, Array, HeadSheet, make_head
from datamodules.synthetic.head_landmarks import landmark_vertices
from datamodules.synthetic.identity import identity_basis
from datamodules.synthetic.measured_head import measured_head
from datamodules.synthetic.variety import NO_VARIETY, Variety


@dataclass(frozen=True, eq=False)
class SyntheticModel:
    """The model with the coordinates that it is constructed in.

    Attributes:
        face: The model, in millimetres.
        identity_deviations: (40,) standard deviations of the identity coefficients.
        sheet: The mean head, with the coordinates of each vertex.
    """

    face: MorphableModel
    identity_deviations: Array
    sheet: HeadSheet


def synthetic_model(variety: Variety = NO_VARIETY) -> SyntheticModel:
    """The model of the faces.

    Options change the mean head and the modes, not the topology, the texture coordinates and the landmarks' vertices.
    Checkpoints and data of all users without options are compatible.
    """
    return _model(variety.proportions)


@cache
def _model(has_proportions: bool) -> SyntheticModel:
    sheet = make_head()
    measured = None
    if has_proportions:
        measured = measured_head(sheet)
        sheet = replace(sheet, points=measured.points)
    identity, deviations = identity_basis(sheet, measured)
    row, col = np.mgrid[:GRID, :GRID] / (GRID - 1)
    face = MorphableModel(
        sheet.points.reshape(-1, 3).astype(np.float32),
        identity.astype(np.float32),
        expression_basis(sheet).astype(np.float32),
        grid_triangles(GRID, GRID),
        np.column_stack([col.ravel(), 1 - row.ravel()]),
        landmark_vertices(sheet),
    )
    return SyntheticModel(face, deviations, sheet)


def grid_triangles(rows: int, columns: int) -> NDArray[np.int32]:
    """(F, 3) triangles over a grid of vertices, which are numbered row by row."""
    corner = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]))
    return np.concatenate([np.column_stack([a, c, b]), np.column_stack([b, c, d])]).astype(np.int32)

"""The morphable model of the synthetic faces, in the form of the Basel Face Model."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.morphable_model import MorphableModel
from datamodules.synthetic.ages import age_deviations
from datamodules.synthetic.expression import expression_basis, expression_names
from datamodules.synthetic.growth import age_modes
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
        identity_deviations: (K,) standard deviations of the identity coefficients.
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
    model = _model(variety.proportions, expression_names(variety), bool(variety.children), bool(variety.elderly))
    if not (variety.children or variety.elderly):
        return model
    return replace(model, identity_deviations=np.r_[model.identity_deviations, age_deviations(variety)])


@cache
def _model(
    has_proportions: bool, expressions: tuple[str, ...], has_children: bool, has_elderly: bool
) -> SyntheticModel:
    sheet, identity, deviations = _adults(has_proportions)
    if has_children or has_elderly:
        children, old = _ages(has_proportions)
        modes = (children if has_children else []) + ([old] if has_elderly else [])
        identity = np.concatenate([identity, np.stack([mode.reshape(-1, 3) for mode in modes], axis=-1)], axis=-1)
    row, col = np.mgrid[:GRID, :GRID] / (GRID - 1)
    face = MorphableModel(
        sheet.points.reshape(-1, 3).astype(np.float32),
        identity.astype(np.float32),
        expression_basis(sheet, expressions).astype(np.float32),
        grid_triangles(GRID, GRID),
        np.column_stack([col.ravel(), 1 - row.ravel()]),
        landmark_vertices(sheet),
    )
    return SyntheticModel(face, deviations, sheet)


@cache
def _adults(has_proportions: bool) -> tuple[HeadSheet, Array, Array]:
    """The mean head, the identity basis, and the deviations of its coefficients."""
    sheet, measured = make_head(), None
    if has_proportions:
        measured = measured_head(sheet)
        sheet = replace(sheet, points=measured.points)
    return sheet, *identity_basis(sheet, measured)


@cache
def _ages(has_proportions: bool) -> tuple[list[Array], Array]:
    return age_modes(_adults(has_proportions)[0])


def grid_triangles(rows: int, columns: int) -> NDArray[np.int32]:
    """(F, 3) triangles over a grid of vertices, which are numbered row by row."""
    corner = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]))
    return np.concatenate([np.column_stack([a, c, b]), np.column_stack([b, c, d])]).astype(np.int32)

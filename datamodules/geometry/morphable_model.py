"""Morphable models: face shapes as linear functions of coefficients."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.array_fingerprint import array_fingerprint


@dataclass(frozen=True, eq=False)
class MorphableModel:
    """A face model in the form of the Basel Face Model; lengths are in the unit of its file (there micrometres).

    Attributes:
        mean: (V, 3) mean identity plus mean expression, y up, z towards the camera.
        identity_basis: (V, 3, K), ordered by variance.
        expression_basis: (V, 3, L), ordered by variance.
        triangles: (F, 3) 0-based vertex indices; additional triangles close the mouth.
        uv: (V, 2) texture coordinates in [0, 1], v upwards.
        landmark_vertices: (68,) 0-based vertices of the iBUG landmarks.
    """

    mean: NDArray[np.float32]
    identity_basis: NDArray[np.float32]
    expression_basis: NDArray[np.float32]
    triangles: NDArray[np.int32]
    uv: NDArray[np.float64]
    landmark_vertices: NDArray[np.int64]

    @cached_property
    def basis(self) -> NDArray[np.float32]:
        """(V, 3, K + L) identity and expression components side by side."""
        return np.concatenate([self.identity_basis, self.expression_basis], axis=2)

    def leading_coefficients(
        self, identity: NDArray[np.floating], expression: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        """The coefficients of a sample for which this model has components.

        Args:
            identity: (..., at least K).
            expression: (..., at least L).

        Returns:
            (..., K + L) identity, then expression. The first ones are taken, since components are ordered by variance.
        """
        leading = identity[..., : self.identity_basis.shape[2]], expression[..., : self.expression_basis.shape[2]]
        return np.concatenate(leading, axis=-1)

    def vertices(self, identity: NDArray[np.floating], expression: NDArray[np.floating]) -> NDArray[np.floating]:
        """(V, 3) vertices in model space of one sample's coefficients, in their precision."""
        leading = self.leading_coefficients(identity, expression)
        offsets = self.basis.reshape(-1, self.basis.shape[2]) @ leading
        return np.asarray(self.mean + offsets.reshape(self.mean.shape))

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change with any number of the model."""
        shape = (self.mean, self.identity_basis, self.expression_basis)
        return array_fingerprint([*shape, self.triangles, self.uv, self.landmark_vertices])

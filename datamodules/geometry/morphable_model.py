"""A face shape as a linear function of coefficients."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

IDENTITY_COEFFICIENTS = 199  # in a sample of 300W-3D, 300W-LP, AFLW2000-3D (Zhu et al., 2016)
EXPRESSION_COEFFICIENTS = 29
SAMPLE_COEFFICIENTS = IDENTITY_COEFFICIENTS + EXPRESSION_COEFFICIENTS


@dataclass(frozen=True, eq=False)
class MorphableModel:
    """Basel-like face model; lengths are those of its file (micrometres in the Basel Face Model).

    Attributes:
        mean: (V, 3) mean identity plus mean expression, y up, z towards the camera.
        identity_basis: (V, 3, K), K <= 199.
        expression_basis: (V, 3, L), L <= 29.
        triangles: (F, 3) 0-based vertex indices, the mouth closed by triangles of its own.
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

    def leading_coefficients(self, coefficients: NDArray[np.floating]) -> NDArray[np.floating]:
        """Those of a sample's coefficients that this model has components for.

        Args:
            coefficients: (..., 228) identity, then expression, as on disk.

        Returns:
            (..., K + L). Both bases are ordered by variance, so the leading ones are the right ones.
        """
        identity = coefficients[..., : self.identity_basis.shape[2]]
        first = IDENTITY_COEFFICIENTS
        expression = coefficients[..., first : first + self.expression_basis.shape[2]]
        return np.concatenate([identity, expression], axis=-1)

    def vertices(self, coefficients: NDArray[np.floating]) -> NDArray[np.floating]:
        """(V, 3) vertices in model space of one sample's (228,) coefficients, in their precision."""
        leading = self.leading_coefficients(coefficients)
        offsets = self.basis.reshape(-1, self.basis.shape[2]) @ leading
        return np.asarray(self.mean + offsets.reshape(self.mean.shape))

    def fingerprint(self) -> str:
        """16 hexadecimal digits that change with any number of the model."""
        digest = blake2b(digest_size=8)
        for array in (
            self.mean,
            self.identity_basis,
            self.expression_basis,
            self.triangles,
            self.uv,
            self.landmark_vertices,
        ):
            digest.update(np.ascontiguousarray(array).view(np.uint8).data)
        return digest.hexdigest()

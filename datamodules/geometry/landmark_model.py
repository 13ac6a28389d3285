"""A morphable model reduced to its 68 landmarks."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.morphable_model import MorphableModel


class LandmarkModel:
    """Mean and basis of a model at its landmarks, in float64."""

    def __init__(self, model: MorphableModel) -> None:
        vertices = model.landmark_vertices
        self._model = model
        self._mean = model.mean[vertices].astype(np.float64)
        self._basis = model.basis[vertices].reshape(3 * len(vertices), -1).astype(np.float64)

    def points(self, identity: NDArray[np.floating], expression: NDArray[np.floating]) -> NDArray[np.float64]:
        """(N, 68, 3) landmarks in model space of (N, K) identity and (N, L) expression coefficients."""
        leading = self._model.leading_coefficients(identity, expression).astype(np.float64)
        return self._mean + (leading @ self._basis.T).reshape(len(leading), -1, 3)

    def project(
        self, identity: NDArray[np.floating], expression: NDArray[np.floating], projections: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(N, 68, 3) landmarks of (N, K) and (N, L) coefficients under (N, 3, 4) projections."""
        landmarks: NDArray[np.float64] = (
            self.points(identity, expression) @ projections[:, :, :3].mT + projections[:, None, :, 3]
        )
        return landmarks

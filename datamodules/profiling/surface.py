"""A face model's surface as something to take colours off and to put them on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.camera import HeadPose, project
from datamodules.geometry.interpolation import interpolate
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.geometry.uv_layout import MAP_SIZE, cover_uv, uv_to_texels


@dataclass(frozen=True, eq=False)
class FaceSurface:
    """What all faces of a model share.

    Attributes:
        triangles: (F, 3) vertices.
        corners: (S, S, 3) vertices of each texel's triangle.
        barycentric: (S, S, 3) weights of those.
        texels: (V, 2) float32 row, col of each vertex, not rounded.
        outward: 1 or -1: which way around triangles look outwards in an image.
    """

    triangles: NDArray[np.int32]
    corners: NDArray[np.int32]
    barycentric: NDArray[np.float32]
    texels: NDArray[np.float32]
    outward: int

    @classmethod
    def of(cls, model: MorphableModel, size: int = MAP_SIZE) -> "FaceSurface":
        """A model's, with S = size texels a side."""
        triangle_ids, barycentric = cover_uv(model, size)
        frontal = project(model.mean, HeadPose(0.0, 0.0, 0.0, np.zeros(3), 1.0).projection(image_height=0))
        landmarks = _vertex_normals(frontal, model.triangles)[model.landmark_vertices, 2]
        outward = 1 if np.median(landmarks) > 0 else -1  # the mean face looks at the camera
        texels = uv_to_texels(model.uv, size).astype(np.float32)
        return cls(model.triangles, model.triangles[triangle_ids], barycentric, texels, outward)

    def in_uv(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """(S, S, ...) of (V, ...) values of vertices."""
        return interpolate(values, self.corners, self.barycentric)

    def facing(self, vertices_px: NDArray[np.floating]) -> NDArray[np.float64]:
        """(V,) cosine between each vertex's normal and the line of sight: 1 looks at the camera, below 0 away."""
        return np.asarray(self.outward * _vertex_normals(vertices_px, self.triangles)[:, 2])


def _vertex_normals(points: NDArray[np.floating], triangles: NDArray[np.int32]) -> NDArray[np.float64]:
    """(V, 3) unit normals of (V, 3) points, the larger triangles counting more."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    of_triangles = np.cross(b - a, c - a)
    normals = np.zeros((len(points), 3))
    for corner in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(triangles[:, corner], of_triangles[:, axis], len(points))
    return np.asarray(normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12))

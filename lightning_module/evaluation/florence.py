"""Reconstruction error of a mesh: the distance of the true surface from the predicted one after alignment.

PRNet (Feng et al., ECCV 2018) and earlier work use this protocol on the Florence scans (Bagdanov et al., 2011): the true
surface within 95 mm of the tip of the nose is aligned by ICP; the error is the mean distance of its points to the
predicted surface, as a percentage of the distance between the outer corners of the eyes.
"""

import numpy as np
import trimesh
from numpy.typing import NDArray
from trimesh.proximity import closest_point
from trimesh.registration import icp, procrustes

from datamodules.geometry.landmarks import OUTER_EYE_CORNERS
from datamodules.geometry.textured_mesh import Mesh

Array = NDArray[np.float64]

RADIUS = 95.0  # millimetres, the unit of the true mesh
NOSE_TIP = 30  # among the 68 landmarks
_POINTS = 2000  # used by ICP; the error is measured at all points
_COARSE, _FINE = 100, 60  # iterations with nearest vertices, then with nearest points of the surface
_CONVERGED = 1e-9
_INTEROCULAR = (50.0, 150.0)  # millimetres, plausible for a face


def reconstruction_error(
    predicted: Mesh,
    truth: Mesh,
    landmarks_68: Array,
    predicted_68: Array | None = None,
    radius: float = RADIUS,
    has_scale: bool = True,
) -> float:
    """Mean point-to-plane distance from truth to prediction, in percent of the outer interocular distance.

    Args:
        predicted: The predicted mesh, in any frame. Without `predicted_68`, its rotation may differ by about 30 degrees,
            and it must cover about the same part of the head.
        truth: The true mesh, in millimetres.
        landmarks_68: (68, 3) landmarks of the truth.
        predicted_68: (68, 3) landmarks of the prediction, for the initial alignment.
        radius: Distance from the tip of the nose, in millimetres, within which the truth is used.
        has_scale: Whether the scale of the prediction is free, as is usual for predictions from single photographs.

    Raises:
        ValueError: If no point of the truth lies within the radius, or it cannot be in millimetres.
    """
    moved = trimesh.Trimesh(*predicted, process=False)
    interocular = float(np.linalg.norm(np.subtract(*landmarks_68[OUTER_EYE_CORNERS])))
    near = np.linalg.norm(truth.vertices - landmarks_68[NOSE_TIP], axis=1) <= radius
    if not near.any():
        raise ValueError(f"no vertex lies within {radius:g} of the tip of the nose")
    if not _INTEROCULAR[0] < interocular < _INTEROCULAR[1]:
        raise ValueError(
            f"the outer corners of the eyes are {interocular:.3g} apart, where millimetres would be about 90"
        )
    points = truth.vertices[near]
    start = _start(predicted.vertices, points, landmarks_68, predicted_68, has_scale)
    moved.apply_transform(start)
    few = points[:: max(1, len(points) // _POINTS)]
    # ICP moves the truth onto the prediction, which may cover a larger part of the head
    rough, _, _ = icp(
        few, np.asarray(moved.vertices), max_iterations=_COARSE, threshold=_CONVERGED, scale=has_scale, reflection=False
    )
    motion, _, _ = icp(
        few, moved, initial=rough, max_iterations=_FINE, threshold=_CONVERGED, scale=has_scale, reflection=False
    )
    moved.apply_transform(np.linalg.inv(motion))
    nearest, _, triangles = closest_point(moved, points)
    offsets, normals = points - nearest, moved.face_normals[triangles]
    # a plane extends beyond the surface: at an edge, or for a triangle without area, use the distance to the point
    has_plane = ~_at_an_edge(moved)[triangles] & (np.linalg.norm(normals, axis=1) > 0.5)
    distances = np.where(has_plane, np.abs((offsets * normals).sum(axis=1)), np.linalg.norm(offsets, axis=1))
    return float(100 * distances.mean() / interocular)


def _at_an_edge(mesh: trimesh.Trimesh) -> NDArray[np.bool_]:
    """(F,) whether a triangle has a side at the boundary of the mesh."""
    _, first, counts = np.unique(mesh.edges_sorted, axis=0, return_index=True, return_counts=True)
    is_at_edge = np.zeros(len(mesh.faces), bool)
    is_at_edge[mesh.edges_face[first[counts == 1]]] = True
    return is_at_edge


def _start(vertices: Array, points: Array, landmarks_68: Array, predicted_68: Array | None, has_scale: bool) -> Array:
    """(4, 4) initial alignment of the prediction: by landmarks, or else by centre and size."""
    if predicted_68 is not None:
        return np.asarray(procrustes(predicted_68, landmarks_68, reflection=False, scale=has_scale)[0])
    centre, goal = vertices.mean(axis=0), points.mean(axis=0)
    scale = (
        np.linalg.norm(points - goal, axis=1).mean() / np.linalg.norm(vertices - centre, axis=1).mean()
        if has_scale
        else 1.0
    )
    start = np.diag([scale, scale, scale, 1.0])
    start[:3, 3] = goal - scale * centre
    return start

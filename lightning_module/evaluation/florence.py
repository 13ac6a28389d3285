"""Reconstruction error of a mesh: how far the true surface is from the predicted one, once they are brought together.

The protocol that PRNet (Feng et al., ECCV 2018) and its forerunners use on the Florence scans (Bagdanov et al., 2011):
the truth within 95 mm of the tip of the nose, ICP, distance from each of its points to the predicted surface, as a
percentage of the distance of the outer corners of the eyes.
"""

import numpy as np
import trimesh
from numpy.typing import NDArray
from trimesh.proximity import closest_point
from trimesh.registration import icp, procrustes

from datamodules.geometry.textured_mesh import Mesh

Array = NDArray[np.float64]

RADIUS = 95.0  # of the truth's unit, millimetres
NOSE_TIP, OUTER_CORNERS = 30, (36, 45)  # among the 68 landmarks
_POINTS = 2000  # that ICP moves; the error is measured from all
_COARSE, _FINE = 100, 60  # iterations: nearest vertices, then nearest points of the surface
_SETTLED = 1e-9
_INTEROCULAR = (50.0, 150.0)  # millimetres that a face can have


def reconstruction_error(
    predicted: Mesh,
    truth: Mesh,
    landmarks_68: Array,
    predicted_68: Array | None = None,
    radius: float = RADIUS,
    has_scale: bool = True,
) -> float:
    """Mean distance, point to plane, from the truth to the prediction, in percent of the outer interocular distance.

    Args:
        predicted: In any frame; without `predicted_68` not turned further than some 30 degrees, and about as large a
            part of the head.
        truth: Whose unit the radius has.
        landmarks_68: (68, 3) of the truth.
        predicted_68: (68, 3) of the prediction, to start from.
        radius: About the tip of the nose, within which the truth counts.
        has_scale: Whether the scale of the prediction is free, as it has to be for predictions from a photograph alone.

    Raises:
        ValueError: If nothing of the truth lies within the radius, or it cannot be in millimetres.
    """
    moved = trimesh.Trimesh(*predicted, process=False)
    interocular = float(np.linalg.norm(np.subtract(*landmarks_68[list(OUTER_CORNERS)])))
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
    # the truth moves onto the prediction, of which more may be there than counts
    rough, _, _ = icp(
        few, np.asarray(moved.vertices), max_iterations=_COARSE, threshold=_SETTLED, scale=has_scale, reflection=False
    )
    motion, _, _ = icp(
        few, moved, initial=rough, max_iterations=_FINE, threshold=_SETTLED, scale=has_scale, reflection=False
    )
    moved.apply_transform(np.linalg.inv(motion))
    nearest, _, triangles = closest_point(moved, points)
    offsets, normals = points - nearest, moved.face_normals[triangles]
    # a plane runs on where the surface ends: beyond an edge, or a triangle without area, the distance to the point counts
    has_plane = ~_at_an_edge(moved)[triangles] & (np.linalg.norm(normals, axis=1) > 0.5)
    distances = np.where(has_plane, np.abs((offsets * normals).sum(axis=1)), np.linalg.norm(offsets, axis=1))
    return float(100 * distances.mean() / interocular)


def _at_an_edge(mesh: trimesh.Trimesh) -> NDArray[np.bool_]:
    """(F,) whether a side of a triangle belongs to no other."""
    _, first, counts = np.unique(mesh.edges_sorted, axis=0, return_index=True, return_counts=True)
    is_at_edge = np.zeros(len(mesh.faces), bool)
    is_at_edge[mesh.edges_face[first[counts == 1]]] = True
    return is_at_edge


def _start(vertices: Array, points: Array, landmarks_68: Array, predicted_68: Array | None, has_scale: bool) -> Array:
    """(4, 4) that brings the prediction about where the truth is: by landmarks, or by middle and size."""
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

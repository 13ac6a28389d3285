"""Draws the shape of a reconstructed face as it looks from another side: without its colours, and with its head upright."""

import numpy as np
from numpy.typing import NDArray

from datamodules.augmentation.pose.view_rendering import draw_face
from datamodules.geometry.camera import rotation_matrices
from datamodules.geometry.visibility import facing
from lightning_module.inference.face import Face

VIEW_PX = 256  # pixels per side of a view
_FILLED = 0.86  # of the view's side by the largest extent of the face
_CLAY = (196, 188, 180)
_BACKGROUND = 255
_LAMP = np.array([-0.35, 0.45, 0.82])  # direction to the light: from the upper left, y upwards
_AMBIENT = 0.25


def face_view(face: Face, yaw_deg: float) -> NDArray[np.uint8]:
    """(256, 256, 3) RGB picture of a face.

    Args:
        face: The face.
        yaw_deg: Turn of the head, as in Pose_Para: 0 is the front; with positive yaw it looks to the left of the picture.
    """
    own, wanted = rotation_matrices(np.deg2rad(np.array([face.pose, [0.0, yaw_deg, 0.0]])))
    upwards = face.vertices * [1, -1, 1]
    turned = upwards @ own @ wanted.T  # own.T @ p upright, then wanted @ p
    light = _AMBIENT + (1 - _AMBIENT) * np.clip(_normals(turned, face.triangles) @ _LAMP, 0, None)
    low, high = turned.min(axis=0), turned.max(axis=0)
    scale = _FILLED * VIEW_PX / (high - low)[:2].max()
    placed = (turned - (low + high) / 2) * scale * [1, -1, 1] + [(VIEW_PX - 1) / 2, (VIEW_PX - 1) / 2, 0]
    triangles = face.triangles[facing(placed, face.triangles)]
    brightness = np.repeat(light[:, None], 3, axis=1).astype(np.float32)
    clay = np.full((2, 2, 3), _CLAY, np.float32)
    behind = np.full((VIEW_PX, VIEW_PX, 3), _BACKGROUND, np.float32)
    picture, _ = draw_face(clay, placed, brightness, triangles, np.zeros((len(placed), 2), np.float32), behind)
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)


def _normals(points: NDArray[np.float64], triangles: NDArray[np.int32]) -> NDArray[np.float64]:
    """(V, 3) unit normals of vertices, outwards, from (F, 3) triangles that are counter-clockwise from outside."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    of_triangles = np.cross(b - a, c - a)
    sums = np.zeros_like(points)
    for corner in range(3):
        np.add.at(sums, triangles[:, corner], of_triangles)
    return np.asarray(sums / (np.linalg.norm(sums, axis=1, keepdims=True) + 1e-12))

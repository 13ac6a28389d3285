"""Draws a reconstructed face onto its photograph."""

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.files.images import warp_image
from datamodules.geometry.camera import rotation_matrices
from datamodules.geometry.crop import crop_matrix, crop_points, image_matrix
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.geometry.rasterizer import rasterize
from datamodules.geometry.visibility import depth_map, facing
from lightning_module.inference.face import Face

Image = NDArray[np.uint8]

OVERLAY_SIZE = 512  # pixels per side of the crop square
_SUBPIXEL_BITS = 4  # OpenCV draws at 1 / 16 of a pixel
_IBUG, _FOREHEAD, _HIDDEN = (60, 230, 80), (70, 160, 255), (255, 80, 60)
_AXES = ((235, 60, 60), (70, 200, 70), (80, 130, 255))  # to the left of the face, upwards, and outwards
_RADIUS_PX = 3.0  # of a landmark
_AXIS_LENGTH = 0.3  # as a fraction of the crop
_MESH_STEP = 5  # texels between lines
_MESH = (120, 235, 255)
_DIMMED = 0.45  # brightness of the background of a depth map


def overlays(face: Face) -> dict[str, Image]:
    """Pictures by name, each (512, 512, 3) RGB: landmarks, mesh, depth, pose."""
    matrix = image_matrix(crop_matrix(face.crop), OVERLAY_SIZE)
    background = warp_image(face.image, matrix, OVERLAY_SIZE)
    vertices = crop_points(face.map_px, matrix)
    return {
        "landmarks": draw_landmarks(
            background, crop_points(face.landmarks_81, matrix), face.landmarks_81_visible, _RADIUS_PX
        ),
        "mesh": _mesh(background, vertices, face),
        "depth": _depth(background, vertices, face),
        "pose": _pose(background, vertices, face),
    }


def draw_landmarks(
    background: Image, points: NDArray[np.float64], is_visible: NDArray[np.bool_], radius_px: float
) -> Image:
    """A copy of an (H, W, 3) picture with landmarks: green, blue on the forehead, and red rings where they are hidden.

    Args:
        background: The picture.
        points: (81, 2 or 3) landmarks in its pixels.
        is_visible: (81,) whether each is visible.
        radius_px: Radius of the points.
    """
    picture = background.copy()
    radius = max(round(radius_px * (1 << _SUBPIXEL_BITS)), 1)
    for number, (point, seen) in enumerate(zip(points, is_visible, strict=True)):
        colour = (_IBUG if number < LANDMARKS_68 else _FOREHEAD) if seen else _HIDDEN
        cv2.circle(picture, _fixed(point[:2]), radius, colour, -1 if seen else 1, cv2.LINE_AA, _SUBPIXEL_BITS)
    return picture


def _mesh(background: Image, vertices: NDArray[np.float64], face: Face) -> Image:
    """Every fifth row and column of texels, where they are visible and within the outline."""
    shape = face.layout.grid.is_valid.shape
    points = vertices[:, :2].reshape(*shape, 2)[::_MESH_STEP, ::_MESH_STEP]
    seen = (face.map_visible.reshape(shape) & face.layout.is_within)[::_MESH_STEP, ::_MESH_STEP]
    across = np.stack([points[:, :-1], points[:, 1:]], axis=2)[seen[:, :-1] & seen[:, 1:]]
    down = np.stack([points[:-1], points[1:]], axis=2)[seen[:-1] & seen[1:]]
    lines = np.rint(np.concatenate([across, down]) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    picture = background.copy()
    cv2.polylines(picture, list(lines), False, _MESH, 1, cv2.LINE_AA, _SUBPIXEL_BITS)
    return np.asarray(cv2.addWeighted(picture, 0.75, background, 0.25, 0), np.uint8)


def _depth(background: Image, vertices: NDArray[np.float64], face: Face) -> Image:
    surface = face.layout.surface
    corners = surface.interpolated(vertices)
    triangles = surface.triangles[facing(corners, surface.triangles)]
    depth = depth_map(corners, *rasterize(corners, triangles, OVERLAY_SIZE, OVERLAY_SIZE), triangles)
    is_face = np.isfinite(depth)
    picture = np.asarray(background * _DIMMED, np.uint8)
    if is_face.any():
        low, high = depth[is_face].min(), depth[is_face].max()
        grey = np.where(is_face, 255 * (depth - low) / max(high - low, 1e-6), 0).astype(np.uint8)
        colours = cv2.cvtColor(cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
        picture[is_face] = colours[is_face]
    return picture


def _pose(background: Image, vertices: NDArray[np.float64], face: Face) -> Image:
    picture = background.copy()
    centre = vertices[face.layout.grid.is_valid.ravel(), :2].mean(axis=0)
    draw_axes(picture, centre, face.pose, _AXIS_LENGTH * OVERLAY_SIZE, 4)
    pitch, yaw, roll = face.pose
    draw_text(picture, f"pitch {pitch:+z.0f}  yaw {yaw:+z.0f}  roll {roll:+z.0f}", (12, OVERLAY_SIZE - 14), 0.65)
    return picture


def draw_axes(
    picture: Image, centre: NDArray[np.float64], pose_deg: NDArray[np.float64], length_px: float, width_px: int
) -> None:
    """Draws the axes of a head into an (H, W, 3) picture: red to the left of the face, green upwards, blue outwards.

    Args:
        picture: The picture.
        centre: (2,) x and y of their origin.
        pose_deg: (3,) pitch, yaw and roll, as in Pose_Para.
        length_px: Their length if they are not foreshortened.
        width_px: Width of the lines.
    """
    rotation = rotation_matrices(np.deg2rad(pose_deg)[None])[0]
    ends = centre + length_px * rotation[:2].T * [1, -1]  # y of images points downwards
    for axis in np.argsort(rotation[2]):  # the axis that points to the viewer is drawn last
        cv2.line(picture, _fixed(centre), _fixed(ends[axis]), _AXES[axis], width_px, cv2.LINE_AA, _SUBPIXEL_BITS)


def draw_text(picture: Image, text: str, place: tuple[int, int], scale: float) -> None:
    """Writes white text with black outlines into an (H, W, 3) picture; `place` is x and y of its lower left corner."""
    for shift, colour in ((1, (0, 0, 0)), (-1, (0, 0, 0)), (0, (255, 255, 255))):
        at = (place[0] + shift, place[1] + shift)
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)


def _fixed(point: NDArray[np.floating]) -> tuple[int, int]:
    x, y = (int(number) for number in np.rint(point * (1 << _SUBPIXEL_BITS)))
    return x, y

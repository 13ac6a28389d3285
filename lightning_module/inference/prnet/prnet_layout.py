"""The layout of PRNet's maps: its landmarks and face texels, and a mean face, which head poses are measured against."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import distance_transform_edt, map_coordinates

from datamodules.errors import InputError
from datamodules.face_model import FaceModel
from datamodules.files.prnet_uv_data import LANDMARK_FILE, VERTEX_FILE, PRNetUVData
from datamodules.geometry.landmarks import BROWS, LANDMARKS_68
from datamodules.geometry.regions import five_regions
from datamodules.geometry.uv_layout import MAP_SIZE, UVLayout, layout_of_surface, sample_in_uv, uv_to_texels
from datamodules.synthetic.head_model import synthetic_model

_LAST = MAP_SIZE - 1
_BORDER = np.array(
    [[row, col] for row in (0, 127.5, _LAST) for col in (0, 127.5, _LAST) if (row, col) != (127.5, 127.5)]
)
_MOST_APART = 2  # texels between the landmarks of PRNet and those of a face model in the same UV space
_LEFT, _RIGHT, _CHIN, _NOSE = 0, 16, 8, 30  # landmarks
_FACE, _NECK = "face", "neck"


def prnet_layout(uv_data: PRNetUVData, face_model: Path | None = None) -> tuple[UVLayout, str]:
    """The layout, and in words where its mean face is from.

    PRNet publishes no mean map. It is that of the face model if one is given, else that of PRNet's own mean face, else that
    of this project's synthetic faces, moved to PRNet's landmarks.

    Args:
        uv_data: PRNet's landmarks, face texels and mean face.
        face_model: BFM.mat, which PRNet's data come from.

    Raises:
        InputError: If the face model has other texture coordinates, or PRNet's mean face is none.
    """
    texels = uv_data.landmark_texels
    if face_model is not None:
        layout, source = _layout_of_model(face_model, texels), face_model.name
    else:
        surface, source = _mean_surface(uv_data)
        layout = layout_of_surface(surface, surface[tuple(texels.T)], texels, five_regions())
    regions = layout.regions if uv_data.is_face is None else _with_face(layout.regions, uv_data.is_face)
    return UVLayout(regions, layout.landmark_texels, layout.mean_map), source


def _layout_of_model(path: Path, texels: NDArray[np.int64]) -> UVLayout:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file. Set --face_model to BFM.mat, or leave it out.")
    layout = FaceModel(path, None, five_regions()).layout
    apart = np.abs(layout.landmark_texels[:LANDMARKS_68] - texels).max()
    if apart > _MOST_APART:
        raise InputError(
            f"{path}: its landmarks lie up to {apart} texels from those of {LANDMARK_FILE}, so its texture coordinates are not "
            "PRNet's. Give --face_model the Basel Face Model of 2009, as face3d converts it, or leave it out."
        )
    landmarks = layout.landmark_texels.copy()
    landmarks[:LANDMARKS_68] = texels
    return UVLayout(layout.regions, landmarks, layout.mean_map)


def _mean_surface(uv_data: PRNetUVData) -> tuple[NDArray[np.float32], str]:
    """(256, 256, 3) points of a mean face, y up, z towards the camera; and where it is from."""
    if uv_data.mean_face is None or uv_data.is_face is None:
        return _synthetic_surface(uv_data.landmark_texels), "this project's synthetic faces"
    surface = np.zeros((MAP_SIZE, MAP_SIZE, 3))
    surface[uv_data.is_face] = uv_data.mean_face
    nearest = distance_transform_edt(~uv_data.is_face, return_distances=False, return_indices=True)
    surface = surface[tuple(nearest)]  # texels of the neck have the points of the nearest ones of the face
    landmarks = surface[tuple(uv_data.landmark_texels.T)]
    directions = np.array(
        [
            landmarks[_RIGHT, 0] - landmarks[_LEFT, 0],
            landmarks[BROWS, 1].mean() - landmarks[_CHIN, 1],
            landmarks[_NOSE, 2] - landmarks[[_LEFT, _RIGHT], 2].mean(),
        ]
    )
    if not directions.all():
        raise InputError(f"{VERTEX_FILE}: is no face: landmarks that lie apart have the same place. Copy it again.")
    return (surface * np.sign(directions)).astype(np.float32), VERTEX_FILE


def _synthetic_surface(texels: NDArray[np.int64]) -> NDArray[np.float32]:
    """The mean synthetic face, moved smoothly in UV space so that its landmarks are at PRNet's texels."""
    model = synthetic_model().face
    (surface,) = sample_in_uv(model, MAP_SIZE, model.mean)
    own = uv_to_texels(model.uv[model.landmark_vertices], MAP_SIZE)
    moved = RBFInterpolator(np.concatenate([texels, _BORDER]), np.concatenate([own, _BORDER]))
    rows, cols = np.mgrid[:MAP_SIZE, :MAP_SIZE]
    places = moved(np.column_stack([rows.ravel(), cols.ravel()])).T
    points = [map_coordinates(surface[..., axis], places, order=1, mode="nearest") for axis in range(3)]
    return np.stack(points, axis=-1).reshape(surface.shape).astype(np.float32)


def _with_face(regions: NDArray[np.uint8], is_face: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Labels of the regions in which exactly PRNet's face texels are face."""
    labels = {region.name: region.label for region in five_regions()}
    inside = np.where(regions == labels[_NECK], labels[_FACE], regions)
    return np.where(is_face, inside, labels[_NECK]).astype(np.uint8)

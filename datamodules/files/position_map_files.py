"""Reads and writes position maps in PRNet's layout, and `uv_layout.npz`, which describes their texels."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.atomic_files import whole_file
from datamodules.geometry.crop import CROP_MARGIN
from datamodules.geometry.landmarks import LANDMARKS_81
from datamodules.geometry.uv_layout import MAP_SIZE, UVLayout

MAP_ENDING, IMAGE_ENDINGS = ".npy", (".jpg", ".png")
LAYOUT_FILE = "uv_layout.npz"

_SHAPES: dict[str, tuple[int, ...]] = {
    "regions": (MAP_SIZE, MAP_SIZE),
    "landmark_texels": (LANDMARKS_81, 2),
    "mean_map": (MAP_SIZE, MAP_SIZE, 3),
}
_MARGIN = "crop_margin"  # of the crops of the maps; files of earlier versions have none
_REMEDY = "`run.py prepare` writes one; or set --data.face_model.path."


def read_position_map(path: Path) -> NDArray[np.float32]:
    """(256, 256, 3) float32 x, y, z in pixels of the crop.

    Raises:
        InputError: If the file cannot be read, has another shape, or holds NaN.
    """
    try:
        points = np.load(path, allow_pickle=False)
    # a damaged file can fail in many ways inside numpy
    except Exception as error:
        raise InputError(
            f"{path}: cannot be read ({error}). Write it again, or remove it.".replace("\n", " ")
        ) from error
    if not isinstance(points, np.ndarray):
        raise InputError(f"{path}: holds several arrays. Write it again, or remove it.")
    if points.shape != (MAP_SIZE, MAP_SIZE, 3) or points.dtype.kind != "f":
        raise InputError(
            f"{path}: holds {points.dtype} of shape {points.shape}, expected float32 of ({MAP_SIZE}, {MAP_SIZE}, 3)."
        )
    if not np.isfinite(points).all():
        raise InputError(f"{path}: holds NaN or infinite numbers. Write it again, or remove it.")
    return np.asarray(points, np.float32)


def write_position_map(path: Path, points_px: NDArray[np.float32]) -> None:
    """Writes a (256, 256, 3) float32 map for `read_position_map`."""
    with whole_file(path) as unfinished:
        np.save(unfinished, points_px)


def read_uv_layout(path: Path) -> UVLayout:
    """The layout of a label file.

    Raises:
        InputError: If the file cannot be read, or lacks one of its arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in _SHAPES}
            arrays[_MARGIN] = archive[_MARGIN] if _MARGIN in archive else np.array(CROP_MARGIN)
    # a damaged file can fail in many ways inside numpy
    except Exception as error:
        message = str(error).replace("\n", " ").strip("'\"")
        raise InputError(f"{path}: holds no layout of position maps ({message}). {_REMEDY}") from error
    for name, shape in {**_SHAPES, _MARGIN: ()}.items():
        if arrays[name].shape != shape:
            raise InputError(f"{path}: {name} has shape {arrays[name].shape}, expected {shape}. {_REMEDY}")
        if arrays[name].dtype.kind not in "buif" or not np.isfinite(arrays[name]).all():
            raise InputError(f"{path}: {name} holds {arrays[name].dtype}, expected finite numbers. {_REMEDY}")
    texels = arrays["landmark_texels"].astype(np.int64)
    if texels.min() < 0 or texels.max() >= MAP_SIZE:
        raise InputError(f"{path}: landmark_texels leave the map, whose rows and columns are 0 to {MAP_SIZE - 1}.")
    margin = float(arrays[_MARGIN])
    if margin <= 0:
        raise InputError(f"{path}: {_MARGIN} is {margin:g}, expected a number above 0. {_REMEDY}")
    mean_map = arrays["mean_map"].astype(np.float32)
    return UVLayout(arrays["regions"].astype(np.uint8), texels, mean_map, margin)


def write_uv_layout(path: Path, layout: UVLayout) -> None:
    """Writes a layout for `read_uv_layout`."""
    with whole_file(path) as unfinished, unfinished.open("wb") as file:
        np.savez_compressed(
            file,
            regions=layout.regions,
            landmark_texels=layout.landmark_texels,
            mean_map=layout.mean_map,
            crop_margin=layout.crop_margin,
        )

"""Reads PRNet's folder `Data/uv-data`: which texels of its maps are landmarks, which are face, and its mean face."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.images import read_image
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.geometry.uv_layout import MAP_SIZE

LANDMARK_FILE = "uv_kpt_ind.txt"
FACE_FILE, MASK_FILE = "face_ind.txt", "uv_face_mask.png"
VERTEX_FILE = "canonical_vertices.npy"

_LARGEST_TEXT = 2**22  # bytes
_SOURCE = "Take it from Data/uv-data of PRNet's repository, github.com/yfeng95/PRNet"
_BRIGHT = 128  # grey level from which a texel of the mask is face


@dataclass(frozen=True, eq=False)
class PRNetUVData:
    """What PRNet's maps show.

    Attributes:
        landmark_texels: (68, 2) row, col of iBUG's landmarks.
        is_face: (256, 256) texels of the face, or None if no file names them.
        mean_face: (F, 3) points of the mean face at these texels, row by row, or None if the file is not there. The
            directions of its axes are not documented.
    """

    landmark_texels: NDArray[np.int64]
    is_face: NDArray[np.bool_] | None
    mean_face: NDArray[np.float64] | None


def read_prnet_uv_data(folder: Path | None) -> PRNetUVData:
    """The content of the folder; of its files, only that of the landmarks must be there.

    Raises:
        InputError: If no folder is given, it has no file of landmarks, or a file is not what PRNet's is.
    """
    if folder is None:
        raise InputError(
            f"--uv_data is not set: PRNet's landmarks and face texels are missing. Give a folder with {LANDMARK_FILE}, and with "
            f"{FACE_FILE} and {VERTEX_FILE} where there: Data/uv-data of PRNet's repository, github.com/yfeng95/PRNet."
        )
    folder = folder.expanduser()
    if not (folder / LANDMARK_FILE).is_file():
        raise InputError(f"{folder / LANDMARK_FILE}: there is no such file. {_SOURCE}, or set --uv_data to its folder.")
    texels = _whole_numbers(folder / LANDMARK_FILE)
    if texels.shape != (2, LANDMARKS_68) or not _are_below(texels, MAP_SIZE):
        raise InputError(
            f"{folder / LANDMARK_FILE}: holds {texels.shape} numbers, expected two rows of {LANDMARKS_68} from 0 to "
            f"{MAP_SIZE - 1}. {_SOURCE}."
        )
    is_face = _face_texels(folder)
    # the first row of the file is the column
    return PRNetUVData(np.column_stack([texels[1], texels[0]]), is_face, _mean_face(folder, is_face))


def _face_texels(folder: Path) -> NDArray[np.bool_] | None:
    path, mask = folder / FACE_FILE, folder / MASK_FILE
    if path.is_file():
        places = _whole_numbers(path).ravel()
        if not len(places) or not _are_below(places, MAP_SIZE**2):
            raise InputError(f"{path}: expected numbers of texels from 0 to {MAP_SIZE**2 - 1}. {_SOURCE}.")
        is_face = np.zeros(MAP_SIZE**2, bool)
        is_face[places] = True
        return is_face.reshape(MAP_SIZE, MAP_SIZE)
    if not mask.is_file():
        return None
    pixels = read_image(mask)
    if pixels.shape[:2] != (MAP_SIZE, MAP_SIZE) or not (pixels[..., 0] >= _BRIGHT).any():
        raise InputError(
            f"{mask}: has {pixels.shape[1]} x {pixels.shape[0]} pixels, expected {MAP_SIZE} x {MAP_SIZE}, white where the face "
            f"is. {_SOURCE}."
        )
    return np.asarray(pixels[..., 0] >= _BRIGHT)


def _mean_face(folder: Path, is_face: NDArray[np.bool_] | None) -> NDArray[np.float64] | None:
    path = folder / VERTEX_FILE
    if not path.is_file():
        return None
    try:
        points = np.load(path, allow_pickle=False)
    # a damaged file can fail in many ways inside numpy
    except Exception as error:
        raise InputError(f"{path}: is no .npy file of numbers. {_SOURCE}.") from error
    expected = (0 if is_face is None else int(is_face.sum()), 3)
    if not isinstance(points, np.ndarray) or points.shape != expected or points.dtype.kind != "f":
        shape = getattr(points, "shape", "several arrays")
        raise InputError(
            f"{path}: holds {shape}, expected {expected}: a point for each texel of {FACE_FILE}. {_SOURCE}."
        )
    if not np.isfinite(points).all():
        raise InputError(f"{path}: holds NaN or infinite numbers. {_SOURCE}.")
    return points.astype(np.float64)


def _whole_numbers(path: Path) -> NDArray[np.int64]:
    """The numbers of a text file, as many per line in each."""
    try:
        if path.stat().st_size > _LARGEST_TEXT:
            raise ValueError
        lines = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
        numbers = np.array(lines, np.float64)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}). {_SOURCE}.") from error
    except ValueError as error:
        raise InputError(f"{path}: is no table of numbers. {_SOURCE}.") from error
    if not np.isfinite(numbers).all() or (numbers != np.rint(numbers)).any():
        raise InputError(f"{path}: holds other than whole numbers. {_SOURCE}.")
    return numbers.astype(np.int64)


def _are_below(numbers: NDArray[np.int64], most: int) -> bool:
    return bool((numbers >= 0).all() and (numbers < most).all())

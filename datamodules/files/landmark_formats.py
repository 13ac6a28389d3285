"""The formats in which other systems write landmarks: one table with an entry for each.

To add a system, add an entry: how its files are found and read, by what its numbers are recognised, and how they become
0-based pixels of the photograph with y downwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.landmark_arrays import checked_landmarks, read_arrays
from datamodules.files.stored_landmarks import StoredLandmarks, arrays, numbered_texts, numbered_vertices
from datamodules.geometry.landmarks import LANDMARKS_68

Array = NDArray[np.float64]

_CROP_PX = 120.0  # side of the images that 3DDFA's networks see
_FIRST = "coordinates first"  # (..., 3, 68)
_LAST = "coordinates last"  # (..., 68, 3)


@dataclass(frozen=True, eq=False)
class FormatAids:
    """What the landmarks of some formats cannot be read without.

    Attributes:
        landmark_vertices: Returns the (68,) numbers of the landmarks among the vertices of the face model, or None.
        roi_boxes: (N, 4) left, top, right, bottom of the crops of all photographs, or None.
    """

    landmark_vertices: Callable[[], NDArray[np.int64]] | None = None
    roi_boxes: Array | None = None


@dataclass(frozen=True, eq=False)
class LandmarkFormat:
    """A format of landmarks.

    Attributes:
        name: Its name in --predictions_format.
        description: System, files and shape, in words.
        origin: How its pixels are counted, in words, and what is assumed about it.
        stored: Finds its files; None for a path that has none.
        axes: Order of the axes of a face's array: coordinates first, coordinates last, or "any".
        is_signed: Whether an (F, A, B) array bears the marks by which the format is told from others of its shape.
        first_pixel: Coordinate of the first pixel; None if it is that of the true landmarks.
        placed: Returns (F, A, B) of 68 landmarks in pixels of the photograph; by default the array itself.
        needs_boxes: Whether it is recognised where --roi_boxes is given, and only there.
        is_fallback: Whether it is recognised only where the path has no files of other formats.
    """

    name: str
    description: str
    origin: str
    stored: Callable[[Path], StoredLandmarks | None]
    axes: str
    is_signed: Callable[[Array], bool]
    first_pixel: Literal[0, 1] | None
    placed: Callable[[Array, FormatAids, Path], Array] = lambda array, aids, path: array
    needs_boxes: bool = False
    is_fallback: bool = False

    def recognises(self, loaded: Sequence[Array]) -> bool:
        """Whether all arrays of (F, A, B) can only have been written in this format."""
        return all(self._has_axes(array) and self.is_signed(array) for array in loaded)

    def landmarks_px(self, array: Array, aids: FormatAids, path: Path) -> Array:
        """(F, 68 or 81, 2 or 3) landmarks of an (F, A, B) array, in pixels that count from `first_pixel`.

        Args:
            array: The array.
            aids: What the format needs besides.
            path: Its file, for messages.

        Raises:
            InputError: If the array has another shape, a number is not finite, or an aid is missing.
        """
        if not self._has_axes(array):
            wanted = "(3, 68) or (2, 68)" if self.axes == _FIRST else "(68, 3) or (68, 2)"
            raise InputError(
                f"{path}: holds {tuple(array.shape[1:])} for a face, but {self.name} has {wanted}. Transpose the array, or "
                "give another --predictions_format."
            )
        return checked_landmarks(self.placed(array, aids, path), path)

    def _has_axes(self, array: Array) -> bool:
        coordinates, landmarks = array.shape[1:] if self.axes == _FIRST else array.shape[:0:-1]
        is_ordered = coordinates in (2, 3) and landmarks not in (2, 3)
        return self.axes == "any" or is_ordered


def _is_anything(array: Array) -> bool:
    return True


def _starts_at_depth_0(array: Array) -> bool:
    """Whether the smallest depth of each face is exactly 0."""
    return array.shape[1] == 3 and bool((array[:, 2].min(axis=1) == 0).all())


def _is_on_whole_pixels(array: Array) -> bool:
    """Whether x and y of all landmarks are whole numbers."""
    return array.shape[1] == LANDMARKS_68 and bool((array[..., :2] == np.round(array[..., :2])).all())


def _landmarks_of_vertices(array: Array, aids: FormatAids, path: Path) -> Array:
    """(F, 3, 68) of the (F, 3, V) vertices of meshes."""
    if aids.landmark_vertices is None:
        raise InputError(
            f"{path}: holds the {array.shape[-1]} vertices of a mesh. Set --data.face_model.path to BFM.mat, which numbers the "
            "landmarks among them, or let 3DDFA write landmarks with --dump_pts true."
        )
    landmarks = aids.landmark_vertices()
    if array.shape[-1] <= landmarks.max():
        raise InputError(
            f"{path}: holds {array.shape[-1]} vertices, but the landmarks of --data.face_model.path reach vertex "
            f"{landmarks.max()}. Give meshes of 3DDFA's first version, and the model that they were made with."
        )
    return array[..., landmarks]


def _out_of_crops(array: Array, aids: FormatAids, path: Path) -> Array:
    """(N, 2 or 3, 68) in pixels of the photographs, of landmarks in crops of 120 pixels per side."""
    boxes = aids.roi_boxes
    if boxes is None:
        raise InputError(
            f"{path}: landmarks of 3DDFA's crops need the places of the crops. Set --roi_boxes to "
            "AFLW2000-3D_crop.roi_box.npy of 3DDFA's test.configs."
        )
    if len(boxes) != len(array):
        raise InputError(f"{path}: holds {len(array)} faces, --roi_boxes {len(boxes)}. Give the box of each face.")
    scale = (boxes[:, 2:] - boxes[:, :2]) / _CROP_PX
    scales = np.column_stack([scale, scale.mean(axis=1)])[:, : array.shape[1], None]
    corners = np.pad(boxes[:, :2], ((0, 0), (0, 1)))[:, : array.shape[1], None]
    return np.asarray(array * scales + corners)


LANDMARK_FORMATS = (
    # cleardusk/3DDFA, main.py (--dump_pts, np.savetxt) at ddf71eba, utils/inference.py (predict_68pts) at e0239b74 and
    # utils/ddfa.py (reconstruct_vertex: y = std_size + 1 - y) at e0582eae
    LandmarkFormat(
        "3ddfa",
        "3DDFA (v1), (3, 68) as text in <photograph>_<face>.txt",
        "y downwards, counted from 1 (assumed: its code counts the pixels of a crop from 1, but those of the crop's box "
        "from 0)",
        numbered_texts,
        _FIRST,
        _is_anything,
        1,
    ),
    # the same, --dump_vertex: savemat of {"vertex": (3, 53215)}, whose landmarks are keypoints of model_info.mat
    LandmarkFormat(
        "3ddfa-vertex",
        "3DDFA (v1), (3, 53215) vertices in <photograph>_<face>.mat",
        "y downwards, counted from 1 (assumed as for 3ddfa)",
        numbered_vertices,
        _FIRST,
        _is_anything,
        1,
        _landmarks_of_vertices,
        is_fallback=True,
    ),
    # cleardusk/3DDFA, benchmark.py (benchmark_aflw2000_params) at b529ed48, benchmark_aflw2000.py (calc_nme: x * scale + sx,
    # compared with pts68, which counts from 1) at 0ff8ca47
    LandmarkFormat(
        "3ddfa-crop",
        "3DDFA's benchmark, (N, 2, 68) or (N, 3, 68) in crops of 120 pixels that --roi_boxes places",
        "y downwards, counted from 1 as the benchmark compares them with pt3d_68",
        arrays,
        _FIRST,
        _is_anything,
        1,
        _out_of_crops,
        needs_boxes=True,
    ),
    # cleardusk/3DDFA_V2, TDDFA.py (recon_vers) at 4947e04d, utils/tddfa_util.py (similar_transform: x - 1 and size - y "for
    # Python compatibility", z less its minimum) at 82c3b1c1
    LandmarkFormat(
        "3ddfa_v2",
        "3DDFA_V2, (3, 68) of recon_vers, whose smallest z is 0",
        "y downwards, counted from 0",
        arrays,
        _FIRST,
        _starts_at_depth_0,
        0,
    ),
    # 1adrianb/face-alignment, face_alignment/api.py (get_landmarks_from_image, _from_directory) at bacd0afb and
    # face_alignment/utils.py (transform_np ends in whole pixels) at 7e6602a3; issue 13 of
    # 1adrianb/2D-and-3D-face-alignment confirms that they count from 0, and so do tests of its crop and heat maps
    LandmarkFormat(
        "face-alignment",
        "face-alignment, (68, 2) or (68, 3) with x and y in whole pixels",
        "y downwards, counted from 0",
        arrays,
        _LAST,
        _is_on_whole_pixels,
        0,
    ),
    # any other: this project's own
    LandmarkFormat(
        "array",
        "an array of no particular system",
        "y downwards, counted as in the true landmarks (assumed; see --predictions_first_pixel)",
        arrays,
        "any",
        _is_anything,
        None,
    ),
)


def read_roi_boxes(path: Path) -> Array:
    """(N, 4) left, top, right, bottom of the crops of all photographs.

    Raises:
        InputError: If the file holds no such array, or a box has no area.
    """
    boxes = [
        array.astype(np.float64) for array in read_arrays(path).values() if array.ndim == 2 and array.shape[1] == 4
    ]
    if len(boxes) != 1:
        raise InputError(
            f"{path}: holds no array of boxes, (N, 4). Set --roi_boxes to 3DDFA's AFLW2000-3D_crop.roi_box.npy."
        )
    if len(faulty := np.flatnonzero(~(boxes[0][:, 2:] - boxes[0][:, :2] > 0).all(axis=1))):
        raise InputError(
            f"{path}: the box of face {faulty[0]} (counted from 0) has no area. Give left, top, right, bottom."
        )
    return boxes[0]

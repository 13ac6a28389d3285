"""Measures how two annotations of AFLW2000-3D differ, by contour: the source of datamodules/geometry/annotation.py.

    python -m benchmarks.annotation_noise GROUND_TRUTH_FOLDER

The folder holds AFLW2000-3D.pts68.npy, AFLW2000-3D-Reannotated.pts68.npy and AFLW2000-3D.pose.npy, which 3DDFA publishes.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurements import save
from datamodules.geometry.annotation import CONTOURS, Contour, contour_tangents, normals_of
from datamodules.geometry.face_size import box_size
from datamodules.geometry.landmarks import MIRROR_68

Array = NDArray[np.float64]

YAW_DEG = ((0, 30), (30, 60), (60, 90))
_OF_NORMAL = 1.4826  # standard deviation of normal numbers / their median absolute deviation
_MOST = 8.0  # percent; larger differences are cut before correlations, which single outliers would decide


@dataclass(frozen=True, eq=False)
class Difference:
    """The difference of two annotations, turned so that the left half of each face is the far one.

    Attributes:
        landmarks_px: (N, 68, 2) the first annotation.
        percent: (N, 68, 2) second less first, in percent of the face's size.
        yaw_deg: (N,) size of the yaw.
    """

    landmarks_px: Array
    percent: Array
    yaw_deg: Array

    def components(self, contour: Contour) -> tuple[Array, Array]:
        """(N, L) differences along and across a contour."""
        tangents = contour_tangents(self.landmarks_px[:, contour.part], contour.is_closed)
        apart = self.percent[:, contour.part]
        return (apart * tangents).sum(axis=-1), (apart * normals_of(tangents)).sum(axis=-1)

    def of_yaw(self, least: float, most: float) -> "Difference":
        """The faces with a yaw in a range of degrees."""
        chosen = (self.yaw_deg >= least) & (self.yaw_deg < most)
        return Difference(self.landmarks_px[chosen], self.percent[chosen], self.yaw_deg[chosen])


def read_difference(folder: Path) -> Difference:
    """The difference of the two annotations of AFLW2000-3D."""
    first, second = (
        np.load(folder / f"AFLW2000-3D{name}.pts68.npy").astype(np.float64)[:, :2].transpose(0, 2, 1)
        for name in ("", "-Reannotated")
    )
    first -= 1  # its pixels count from 1
    percent = 100 * (second - first) / box_size(first)[:, None, None]
    yaw = np.load(folder / "AFLW2000-3D.pose.npy").astype(np.float64)
    is_right = yaw < 0
    first[is_right] = first[is_right][:, MIRROR_68] * [-1, 1]
    percent[is_right] = percent[is_right][:, MIRROR_68] * [-1, 1]
    return Difference(first, percent, np.abs(yaw))


def deviation(differences: Array) -> Array:
    """(L,) robust standard deviations of one annotation, of (N, L) differences between two of the same quality."""
    spread = np.abs(differences - np.median(differences, axis=0))
    return np.asarray(_OF_NORMAL * np.median(spread, axis=0) / np.sqrt(2))


def neighbour_correlation(differences: Array) -> float:
    """Mean correlation of neighbours, of (N, L) differences along an open or closed contour."""
    cut = np.clip(differences, -_MOST, _MOST)
    return float(np.mean([np.corrcoef(cut[:, i], cut[:, i + 1])[0, 1] for i in range(cut.shape[1] - 1)]))


def measure(folder: Path) -> dict[str, Any]:
    """Deviations and correlations by range of |yaw| and contour, in percent of the face's size."""
    difference = read_difference(folder)
    figures: dict[str, Any] = {
        "faces": len(difference.yaw_deg),
        "mean distance, %": round(float(np.linalg.norm(difference.percent, axis=-1).mean()), 2),
    }
    for least, most in YAW_DEG:
        part = difference.of_yaw(least, most)
        by_contour = {}
        for contour in CONTOURS:
            along, across = part.components(contour)
            by_contour[f"{contour.landmarks.start}-{contour.landmarks.stop - 1}"] = {
                "along": _text(deviation(along)),
                "across": _text(deviation(across)),
                "correlation": round((neighbour_correlation(along) + neighbour_correlation(across)) / 2, 2),
            }
        figures[f"|yaw| {least}-{most}, {len(part.yaw_deg)} faces"] = by_contour
    return figures


def _text(numbers: Array) -> str:
    return " ".join(f"{number:.2f}" for number in numbers)


if __name__ == "__main__":
    save(
        "annotation_noise",
        "python -m benchmarks.annotation_noise GROUND_TRUTH_FOLDER",
        measure(Path(sys.argv[1])),
    )

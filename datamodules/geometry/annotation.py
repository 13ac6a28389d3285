"""Where annotators place the 68 landmarks: noise by group, along and across the contours of the face.

The figures are measured. AFLW2000-3D has two annotations of its 2 000 faces, the landmarks of its own fits (Zhu et al.,
CVPR 2016) and a re-annotation, both published with 3DDFA, which differ by 3.0 % of the face's size on average. The
deviations below are robust standard deviations of that difference for |yaw| up to 30 degrees, divided by the square
root of 2, as if both annotations were independent and equally good; the correlations are those of neighbours. How the
deviations grow for hidden landmarks is that of the far half of the face at |yaw| from 60 to 90 degrees, over the mean
depth at which synthetic faces hide those landmarks. `python -m benchmarks.annotation_noise` measures them again.

Their order agrees with what is published: between annotators, eyes vary least, jaw and brows most (Fagertun et al., "3D
facial landmarks: inter-operator variability of manual annotation", BMC Medical Imaging 2014). Landmarks without a
defined place slide along their contour (Liu et al., "Semantic alignment", CVPR 2019), so that errors spread along its
tangent (Huang et al., "ADNet", ICCV 2021).

These are choices of ours: normal distributions without the outliers of the data, a first-order autoregression along each
contour, contours that are independent of each other, and noise that grows linearly with the depth of a hidden landmark.
A hidden landmark is placed about its true projection. In the image plane, 300-W's annotators mark the silhouette
instead, but 300W-3D's labels are fits that let the vertices of the jaw line march to the silhouette (Zhu et al., CVPR
2015), and in the two annotations above the far jaw line lies on the surface too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.face_size import box_size

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Contour:
    """A contour of neighbouring landmarks, and how well annotators place them.

    Attributes:
        landmarks: Their numbers, in order.
        is_closed: Whether the last is a neighbour of the first.
        along: Standard deviation along the contour in percent of the face's size, of each or of all.
        across: The same across the contour.
        correlation: Correlation of the noise of neighbours.
        growth_along: Growth of `along` for a hidden landmark: a share per size of the face that it lies behind the
            nearest surface.
        growth_across: The same of `across`.
    """

    landmarks: range
    is_closed: bool
    along: tuple[float, ...]
    across: float
    correlation: float
    growth_along: float
    growth_across: float

    @property
    def part(self) -> slice:
        """Where its landmarks lie among the 68."""
        return slice(self.landmarks.start, self.landmarks.stop)


_CHEEK_TO_CHIN = (2.9, 3.0, 3.0, 2.9, 2.4, 1.9, 1.6, 1.5)
JAW_LINE = Contour(range(17), False, (*_CHEEK_TO_CHIN, 1.4, *_CHEEK_TO_CHIN[::-1]), 1.3, 0.9, 0.7, 2.5)
CONTOURS = (
    JAW_LINE,
    Contour(range(17, 22), False, (1.2,), 1.15, 0.8, 4.0, 4.0),  # brows
    Contour(range(22, 27), False, (1.2,), 1.15, 0.8, 4.0, 4.0),
    Contour(range(27, 31), False, (1.15,), 1.0, 0.8, 1.0, 1.0),  # bridge of the nose
    Contour(range(31, 36), False, (0.95,), 0.95, 0.8, 1.0, 1.0),  # its underside
    Contour(range(36, 42), True, (0.95,), 0.95, 0.4, 4.5, 4.5),  # eyes
    Contour(range(42, 48), True, (0.95,), 0.95, 0.4, 4.5, 4.5),
    Contour(range(48, 60), True, (1.1,), 1.15, 0.6, 2.0, 2.0),  # outer lips
    Contour(range(60, 68), True, (1.1,), 1.15, 0.5, 2.0, 2.0),  # inner lips
)


def annotated(landmarks_px: NDArray[np.floating], hidden_by: NDArray[np.floating], normal: Array) -> Array:
    """Landmarks as an annotator would place them.

    Args:
        landmarks_px: (N, 68, 2 or more) true landmarks in pixels.
        hidden_by: (N, 68) depth of each behind the nearest surface, in sizes of the face; 0 in plain view.
        normal: (N, 68, 2) independent standard normal numbers.

    Returns:
        (N, 68, 2) in pixels: nobody annotates depth.
    """
    placed = landmarks_px[..., :2].astype(np.float64)
    unit = box_size(landmarks_px)[:, None] / 100
    for contour in CONTOURS:
        part, depth = contour.part, hidden_by[:, contour.part]
        tangents = contour_tangents(placed[:, part], contour.is_closed)
        along, across = np.moveaxis(_correlated(normal[:, part], contour.correlation), -1, 0)
        along = along * unit * contour.along * (1 + contour.growth_along * depth)
        across = across * unit * contour.across * (1 + contour.growth_across * depth)
        placed[:, part] += along[..., None] * tangents + across[..., None] * normals_of(tangents)
    return placed


def noise_of_hidden(hidden_by: NDArray[np.floating]) -> Array:
    """(N, 68) factors by which the noise across the contours of hidden landmarks exceeds that of landmarks in view.

    Args:
        hidden_by: (N, 68) depth of each behind the nearest surface, in sizes of the face.
    """
    growth = np.concatenate([np.full(len(contour.landmarks), contour.growth_across) for contour in CONTOURS])
    return np.asarray(1 + growth * hidden_by)


def contour_tangents(points: Array, is_closed: bool) -> Array:
    """(N, L, 2) unit tangents of contours of (N, L, 2) points; 0 where neighbours coincide."""
    # the length of the difference does not matter
    apart = np.roll(points, -1, axis=1) - np.roll(points, 1, axis=1) if is_closed else np.gradient(points, axis=1)
    length = np.linalg.norm(apart, axis=-1, keepdims=True)
    return np.asarray(apart / np.where(length > 0, length, 1))


def normals_of(tangents: Array) -> Array:
    """(N, L, 2) unit normals of (N, L, 2) unit tangents."""
    return np.stack([-tangents[..., 1], tangents[..., 0]], axis=-1)


def _correlated(normal: Array, correlation: float) -> Array:
    """(N, L, 2) standard normal numbers whose neighbours along L are correlated, of independent ones."""
    chain = normal.copy()
    own = np.sqrt(1 - correlation**2)
    for place in range(1, chain.shape[1]):
        chain[:, place] = correlation * chain[:, place - 1] + own * normal[:, place]
    return chain

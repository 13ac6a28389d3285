"""The shape of glasses on a head: frame, bridge, temples, and the lenses as a mesh of their own."""

import numpy as np

from datamodules.synthetic.adornments import Spectacles
from datamodules.synthetic.head import Array
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.surfaces import Surface, tube

_OUTLINE, _SIDES = 26, 5  # points around a lens, and faces around the frame
_RINGS = 4  # of a lens, from its middle to its edge
_CURVE = 0.0024  # how far lenses bend back, per squared millimetre from the midline
_LEAN = 0.12  # how far their lower edges lie further back, per millimetre
_BEFORE_BROWS = 3.0
_EYES = (slice(36, 42), slice(42, 48))
_BROWS = slice(17, 27)
_EAR_DEPTH, _EAR_GAP = -16.0, 4.0  # where temples end, and their distance from the head


def glasses_on(face: Array, glasses: Spectacles) -> tuple[list[Surface], Surface]:
    """The surfaces of the frame, and those of both lenses.

    Args:
        face: (GRID, GRID, 3) the sheet of the head.
        glasses: The glasses.

    Returns:
        The frame's parts, and (2, R, C, 3) lenses.
    """
    landmarks = face.reshape(-1, 3)[synthetic_model().face.landmark_vertices]
    front = float(landmarks[_BROWS, 2].max()) + _BEFORE_BROWS
    rims, temples, lenses, inner = [], [], [], []
    turn = np.linspace(0, 2 * np.pi, _OUTLINE + 1)
    waves = [np.sign(wave) * np.abs(wave) ** glasses.squareness for wave in (np.cos(turn), np.sin(turn))]
    for eye, side in zip(_EYES, (-1, 1), strict=True):
        middle = landmarks[eye].mean(axis=0) - np.array([0.0, 1.0, 0.0])
        middle[0] = side * max(abs(middle[0]), glasses.half_width + 5)
        x = middle[0] + side * glasses.half_width * waves[0]
        y = middle[1] + glasses.half_height * waves[1]
        rim = _on_plane(x, y, middle[1], front)
        shown = rim[turn <= np.pi + 0.01] if glasses.is_rimless_below else rim
        rims.append(shown)
        shares = np.linspace(0.02, 1, _RINGS)[:, None]
        lenses.append(
            _on_plane(middle[0] + shares * (x - middle[0]), middle[1] + shares * (y - middle[1]), middle[1], front)
        )
        hinge = _on_plane(np.array(middle[0] + side * glasses.half_width), np.array(middle[1] + 6), middle[1], front)
        edge = landmarks[0 if side < 0 else 16]
        ear = np.array([edge[0] + side * _EAR_GAP, middle[1] + 2, _EAR_DEPTH])
        beside = np.array([ear[0], middle[1] + 5, hinge[2] - 18])
        temples.append(np.stack([hinge, beside, (beside + ear) / 2, ear]))
        inner.append(
            _on_plane(np.array(middle[0] - side * glasses.half_width), np.array(middle[1] + 4), middle[1], front)
        )
    frame = [
        tube(np.stack(rims), np.full((2, len(rims[0])), glasses.rim), _SIDES),
        tube(np.stack(temples), np.full((2, 4), max(glasses.rim, 1.0)), _SIDES, flat_along=np.array([1.0, 0.0, 0.0])),
    ]
    bridge_z = max(front, float(landmarks[27, 2]) + 2)
    top = (inner[0] + inner[1]) / 2 + [0.0, 2.0, 0.0]
    top[2] = max(top[2], bridge_z)
    bridge = np.stack([inner[0], top, inner[1]])
    frame.append(tube(bridge, np.full(3, glasses.rim), _SIDES, flat_along=np.array([0.0, 1.0, 0.0])))
    grid = np.stack(lenses)
    low, high = grid[..., :2].min(axis=(1, 2), keepdims=True), grid[..., :2].max(axis=(1, 2), keepdims=True)
    return frame, Surface(grid, (grid[..., :2] - low) / (high - low))


def _on_plane(x: Array, y: Array, eye_height: float, front: float) -> Array:
    """(..., 3) points of the bent plane of the lenses."""
    z = front - _CURVE * x**2 + _LEAN * np.minimum(y - eye_height, 0)
    return np.stack([x, y, z], axis=-1)

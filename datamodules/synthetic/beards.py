"""Beards that stand out from the skin, as a shell about the lower face."""

from functools import cache

import numpy as np

from datamodules.synthetic.adornments import Beard, BeardKind
from datamodules.synthetic.head import LENS_HALF_WIDTH, MIDLINE, Array, jaw_edge, lip_borders, ramp
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.noise import smooth_noise, streak_noise
from datamodules.synthetic.surfaces import Surface, unit_texels
from datamodules.synthetic.surroundings import outward

_HIDDEN = -3.0  # millimetres below the skin
_HIGHEST, _LOWEST = -8.0, -140.0  # heights of the sheet between which beards grow
_CHEEKS = ([0, 18, 30, 50, 70, 82, 90], [-82, -68, -58, -50, -38, -10, 20])  # angle, height of a full beard's edge


def beard_shell(face: Array, beard: Beard) -> Surface:
    """The beard; where there is none, it lies below the skin.

    Args:
        face: (GRID, GRID, 3) the sheet of the head.
        beard: The beard.
    """
    rng = np.random.default_rng(beard.seed)
    part, edge, down, texels = _region(beard.kind)
    points = face[part]
    shape = edge.shape
    ragged = 2.0 * smooth_noise(shape, 8, rng) + 1.0 * streak_noise(shape, rng)
    inside = edge + ragged - 1.5 * (1 - beard.density)
    clumps = 1 + 0.25 * streak_noise(shape, rng) + 0.15 * smooth_noise(shape, 4, rng)
    grown = np.where(inside > 0, (1.8 + beard.length * clumps * (0.25 + 0.3 * down)) * np.tanh(inside / 7), _HIDDEN)
    hanging = np.clip(grown, 0, None) * down * 0.9
    moved = points + grown[..., None] * outward(points) - hanging[..., None] * [0.0, 1.0, 0.0]
    return Surface(moved, texels)


@cache
def _region(kind: BeardKind) -> tuple[tuple[slice, slice], Array, Array, Array]:
    """The rows and columns of the sheet with beard; on these, distance from its edge, and how far it hangs down."""
    sheet = synthetic_model().sheet
    x, y, angle = np.abs(sheet.across), sheet.height, np.abs(sheet.angle_deg)
    rows = np.flatnonzero((y[:, MIDLINE] < _HIGHEST) & (y[:, MIDLINE] > _LOWEST))
    columns = np.flatnonzero(angle[MIDLINE] < 97)
    part = (slice(rows[0], rows[-1] + 1, 2), slice(columns[0], columns[-1] + 1, 2))
    upper, lower = lip_borders(x)
    lips = np.where(x < LENS_HALF_WIDTH + 3, np.maximum(y - upper, lower - y), 6.0) - 1.5  # away from the mouth
    under = jaw_edge(angle)
    chin = np.minimum(lower - y - 1.0, y - under + 16)
    whiskers = np.minimum(np.interp(angle, *_CHEEKS) - y, (92 - angle) * 1.2)
    full = np.minimum(np.minimum(whiskers, y - under + 22), lips)
    goatee = np.minimum(np.minimum(chin, 27 - x), lips)
    moustache = np.minimum(np.minimum(y - upper - 0.5, -52.5 - 0.25 * x - y), 34 - x)
    drooping = np.minimum(np.minimum(5.5 - np.abs(x - 31), -60 - y), y + 100)
    strap = np.minimum(np.minimum(whiskers, y - under + 12), under + 16 - y)
    sideburns = np.minimum(np.minimum(np.minimum(whiskers, angle - 58), y + 75), 24.0)
    edges = {
        "full": np.maximum(full, moustache),
        "goatee": np.maximum(np.maximum(goatee, moustache), drooping),
        "strap": strap,
        "sideburns": sideburns,
        "moustache": moustache,
    }
    down = ramp(y, -70.0, -112.0)
    inside = edges[kind][part]
    return part, inside, down[part], unit_texels(*inside.shape)

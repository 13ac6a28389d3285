"""Caps, hats with brims, and knitted hats."""

import numpy as np

from datamodules.synthetic.adornments import Hat
from datamodules.synthetic.head import Array
from datamodules.synthetic.sheet_places import sheet_points
from datamodules.synthetic.surfaces import Surface, unit_texels
from datamodules.synthetic.surroundings import (
    BELOW_SKIN,
    SHELL_BACK,
    hairline,
    outward,
    shell,
    shell_places,
)

UNDER_HAT = 0.4  # thickness of hair under a hat / without
_CLEARANCE = 4.0  # millimetres over that hair
_ROUND_DEG = 110.0  # the sheet reaches this far to either side
_BACK_DEPTH = 62.0  # of the head behind the ends of the sheet
_ROWS = 27  # of a shell, from its top to below the edges of hats
_VISOR_DEG = 62.0  # of a cap, to either side of its middle
_BRIM_ROWS, _BRIM_COLUMNS = 5, 41
_BRIM_THICKNESS = 1.6
_ARCH = 0.0016  # drop per squared millimetre from the middle of a visor


def hat_surfaces(face: Array, hat: Hat, hair_volume: float) -> list[Surface]:
    """The crown of a hat, and its brim.

    Args:
        face: (GRID, GRID, 3) the sheet of the head.
        hat: The hat.
        hair_volume: Thickness of the hair below it, in millimetres.
    """
    angle, height = (places[:_ROWS] for places in shell_places())
    inside = height - hairline("hat", angle) - hat.raised
    thick = UNDER_HAT * hair_volume + _CLEARANCE
    thickness = np.where(inside > -1, thick * np.tanh((inside + 2) / 3), BELOW_SKIN)
    behind = np.repeat(height[:, :1] + 2 - hat.raised, SHELL_BACK, axis=1)
    thickness_behind = np.where(behind > 0, thick * np.tanh((behind + 2) / 3), BELOW_SKIN)
    crown = shell(face, thickness, thickness_behind)
    if not hat.brim:
        return crown
    if hat.kind == "cap":
        turn = hat.turned_deg + np.linspace(-_VISOR_DEG, _VISOR_DEG, _BRIM_COLUMNS)
        length = hat.brim * np.cos(np.deg2rad((turn - hat.turned_deg) * 88 / _VISOR_DEG)) ** 0.45
    else:
        turn = np.linspace(-180, 180, _BRIM_COLUMNS)
        length = np.full(_BRIM_COLUMNS, hat.brim)
    return [*crown, _brim(face, hat, turn, length, 0.8 * thick)]


def _brim(face: Array, hat: Hat, turn_deg: Array, length: Array, thick: float) -> Surface:
    """Upper and lower side of a brim at angles about the head."""
    start, away = _ring(face, hat.raised, turn_deg)
    start = start + thick * away
    t = np.linspace(0, 1, _BRIM_ROWS)[:, None]
    reach = t * length
    points = start + reach[..., None] * away
    arch = 0.0
    if hat.kind == "cap":
        beside = np.deg2rad(turn_deg - hat.turned_deg) * 75
        arch = t * _ARCH * beside**2 * 4
    points[..., 1] -= hat.slope * reach + arch
    lower = points - [0.0, _BRIM_THICKNESS, 0.0]
    texels = 0.1 + 0.15 * unit_texels(_BRIM_ROWS, _BRIM_COLUMNS)
    # with rows that go outwards, columns to the right face upwards
    return Surface(np.stack([points, lower[::-1]]), np.stack([texels, texels]))


def _ring(face: Array, raised: float, turn_deg: Array) -> tuple[Array, Array]:
    """(K, 3) points of the hat's edge at angles about the head, and (K, 3) horizontal directions away from it."""
    turn = (turn_deg + 180) % 360 - 180
    before = np.clip(turn, -_ROUND_DEG, _ROUND_DEG)
    on_head = sheet_points(face, before, hairline("hat", before) + raised)
    left, right = (
        sheet_points(face, np.array(end), hairline("hat", np.array(end)) + raised) for end in (-_ROUND_DEG, _ROUND_DEG)
    )
    past = np.where(turn > 0, 180 - turn, -180 - turn) / (180 - _ROUND_DEG)  # 1 and -1 at the ends, 0 at the back
    middle, half = (left + right) / 2, (right - left) / 2
    round_back = (
        middle
        + np.sin(past * np.pi / 2)[:, None] * half
        + np.cos(past * np.pi / 2)[:, None] * np.array([0.0, 0.0, -_BACK_DEPTH])
    )
    ring = np.where((np.abs(turn) > _ROUND_DEG)[:, None], round_back, on_head)
    return ring, outward(ring)

"""The surroundings of the synthetic face: back of the head, hair, hats and shoulders."""

from functools import cache

import numpy as np
from scipy.interpolate import PchipInterpolator

from datamodules.synthetic.head import GRID, Array, jaw_edge, ramp
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.looks import HairStyle, Look
from datamodules.synthetic.noise import smooth_noise
from datamodules.synthetic.surfaces import Surface, unit_texels

_STEP = 2  # every other vertex of the sheet carries hair
SHELL_ROWS = GRID // _STEP + 1
SHELL_BACK, _CROWN = 25, 9  # columns behind the head, rings over it
_CROWN_HEIGHT = 31.0
_DEPTHS = PchipInterpolator([-170, -120, -70, -40, 0, 40, 92], [34, 34, 40, 56, 68, 74, 62])  # behind the sheet's edges
BELOW_SKIN = -9.0
_BODY_ROWS, _BODY_COLUMNS = 9, 33

# Height of the hair's edge at each angle from the midline; hair grows above it.
_ANGLES = [0, 25, 45, 58, 68, 76, 82, 88, 100, 108, 115]
_HAIRLINES: dict[HairStyle, list[float]] = {
    "bald": [400] * 11,
    "short": [74, 74, 68, 52, 30, 4, -10, 14, 18, 8, -38],
    "medium": [74, 74, 68, 50, 26, 0, -28, -45, -62, -72, -82],
    "long": [74, 74, 68, 50, 26, -10, -90, -400, -400, -400, -400],
    "hat": [48, 47, 44, 40, 34, 28, 24, 20, 12, 4, -5],
    "scarf": [70, 69, 62, 48, 26, -20, -62, -120, -400, -400, -400],
}


def scalp(face: Array) -> list[Surface]:
    """The bare back and top of a head.

    Args:
        face: (GRID, GRID, 3) the sheet.
    """
    edge = face[::_STEP, ::_STEP]
    still = np.zeros((SHELL_ROWS, SHELL_ROWS))
    return _behind(edge, still, still[:, :1] * np.ones(SHELL_BACK))


def hair(face: Array, look: Look, rng: np.random.Generator) -> list[Surface]:
    """Hair, hat or scarf: a shell about the head, which lies below the skin where there is none."""
    if look.hair_style == "bald":
        return []
    sheet = synthetic_model().sheet
    angle, height = shell_places()
    line = hairline(look.hair_style, angle)
    ragged = 5.0 * smooth_noise((SHELL_ROWS, SHELL_ROWS), 8, rng) + 2.5 * smooth_noise((SHELL_ROWS, SHELL_ROWS), 2, rng)
    is_cloth = look.hair_style in ("hat", "scarf")
    if is_cloth:
        ragged = ragged * 0.2
    else:
        across = sheet.across[::_STEP, ::_STEP]
        front = ramp(angle, 60.0, 40.0)
        line = line + (look.hairline * ramp(angle, 80.0, 50.0))
        lower = look.fringe * (1 - 0.5 * ramp(np.abs(across - look.parting), 6.0, 0.0))
        line = line - lower * front
    inside = height - line + ragged
    if look.hair_style == "scarf":
        inside = np.maximum(inside, jaw_edge(angle) - 4 - height)
    volume = look.hair_volume * (0.6 if is_cloth else 1.0)
    hanging = 22.0 * ramp(height, -25.0, -85.0) * (look.hair_style in ("long", "scarf"))
    thickness = np.where(inside > 0, (volume + hanging) * np.tanh(inside / 14), np.maximum(inside, BELOW_SKIN))
    nape = {"short": -52.0, "medium": -85.0, "hat": -40.0}.get(look.hair_style, -500.0)
    behind = height[:, :1] - nape + 4.0 * smooth_noise((SHELL_ROWS, SHELL_BACK), 4, rng)
    thickness_behind = np.where(
        behind > 0, (volume + hanging[:, :1]) * np.tanh(behind / 14), np.maximum(behind, BELOW_SKIN)
    )
    thickness_behind = np.where(np.abs(np.linspace(-1, 1, SHELL_BACK)) > 0.9, thickness[:, [0]], thickness_behind)
    return shell(face, thickness, thickness_behind)


def hairline(style: HairStyle, angle_deg: Array) -> Array:
    """Height of the lower edge of hair or hat at angles from the midline."""
    return np.asarray(np.interp(np.abs(angle_deg), _ANGLES, _HAIRLINES[style]))


def shell(face: Array, thickness: Array, thickness_behind: Array) -> list[Surface]:
    """A shell about a head: its front, back and top.

    Args:
        face: (GRID, GRID, 3) the sheet.
        thickness: (R, SHELL_ROWS) height over every other point of the sheet, from its top to the row where the
            shell ends; where it is negative, the shell lies below the skin.
        thickness_behind: (R, SHELL_BACK) height over the back of the head.
    """
    edge = face[::_STEP, ::_STEP][: len(thickness)]
    return [
        Surface(edge + thickness[..., None] * outward(edge), unit_texels(*thickness.shape)),
        *_behind(edge, thickness, thickness_behind),
    ]


@cache
def shell_places() -> tuple[Array, Array]:
    """(SHELL_ROWS, SHELL_ROWS) distances from the midline in degrees, and heights, of the points of a shell."""
    sheet = synthetic_model().sheet
    return np.abs(sheet.angle_deg[::_STEP, ::_STEP]), sheet.height[::_STEP, ::_STEP]


def body() -> Surface:
    """The body from neck to chest, relative to the base of the neck."""
    return _body()


@cache
def _body() -> Surface:
    turn = np.linspace(-np.pi, np.pi, _BODY_COLUMNS)
    t = np.linspace(0, 1, _BODY_ROWS)[:, None]
    half_width = PchipInterpolator([0, 0.25, 0.45, 0.62, 1], [50, 70, 150, 195, 205])(t)
    depth = PchipInterpolator([0, 0.25, 0.5, 1], [48, 60, 88, 112])(t)
    height = PchipInterpolator([0, 0.25, 0.45, 0.62, 1], [14, -14, -34, -60, -240])(t)
    x, z = half_width * np.sin(turn), depth * np.cos(turn) - 6
    lower = 16 * np.cos(turn) * np.clip(1 - np.abs(t - 0.35) / 0.3, 0, 1)  # the neckline is lower in front
    points = np.stack([x, height * np.ones_like(x) - lower, z], axis=-1)
    return Surface(points, unit_texels(_BODY_ROWS, _BODY_COLUMNS))


def _behind(edge: Array, thickness: Array, thickness_behind: Array) -> list[Surface]:
    """The surfaces that close the sheet behind and above the head."""
    left, right = edge[:, 0], edge[:, -1]
    middle, half = (left + right) / 2, (right - left) / 2
    turn = np.linspace(np.pi, 0, SHELL_BACK)[:, None]
    depth = _DEPTHS(np.clip(middle[:, 1], -170, 92))[:, None, None] * [0.0, 0.0, -1.0]
    ring = half[:, None] * np.cos(turn) + depth * np.sin(turn)
    away = ring / np.linalg.norm(ring, axis=-1, keepdims=True)
    ends = np.stack([thickness[:, 0], thickness[:, -1]], axis=1)
    thickness_behind = np.concatenate([ends[:, :1], thickness_behind[:, 1:-1], ends[:, 1:]], axis=1)
    away[:, 0], away[:, -1] = outward(edge)[:, 0], outward(edge)[:, -1]
    back = middle[:, None] + ring + thickness_behind[..., None] * away

    top = np.concatenate([edge[0], (middle[:, None] + ring)[0, ::-1]])
    cover = np.concatenate([thickness[0], thickness_behind[0, ::-1]])
    centre = top.mean(axis=0)
    turn = np.linspace(0, np.pi / 2, _CROWN)[:, None, None]
    radial = top - centre
    unit = radial / np.linalg.norm(radial, axis=-1, keepdims=True)
    up = np.array([0.0, 1.0, 0.0])
    crown = centre + np.cos(turn) * radial + np.sin(turn) * _CROWN_HEIGHT * up
    crown += np.maximum(cover, cover.mean() * np.sin(turn[..., 0]))[..., None] * (
        np.cos(turn) * unit + np.sin(turn) * up
    )
    back = back[:, ::-1]  # to the right as seen from behind
    return [Surface(back, unit_texels(len(edge), SHELL_BACK)), Surface(crown[::-1], unit_texels(_CROWN, len(top)))]


def outward(points: Array) -> Array:
    """Horizontal unit vectors away from the axis of the head."""
    direction = points * [1.0, 0.0, 1.0] + [0.0, 0.0, 10.0]
    return np.asarray(direction / np.linalg.norm(direction, axis=-1, keepdims=True))

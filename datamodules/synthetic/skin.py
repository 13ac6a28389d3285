"""Colour of the skin, and of brows, eyes, lips and beard on it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.head import (
    EYE_CENTRE,
    LENS_HALF_WIDTH,
    bump,
    ear_place,
    eye_opening,
    jaw_edge,
    lens,
    lids,
    lip_borders,
    mouth_line,
    ramp,
)
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.looks import Look
from datamodules.synthetic.noise import smooth_noise, streak_noise
from datamodules.synthetic.skin_marks import paint_make_up, paint_marks
from datamodules.synthetic.skin_planes import TEXTURE, blend, fine_sheet, to_linear

_IRIS_RADIUS, _PUPIL_RADIUS = 5.9, 2.2
_SCLERA = np.array([226, 218, 212], np.float32)
_TEETH = np.array([226, 216, 198], np.float32)
_MOUTH = np.array([58, 22, 22], np.float32)
_PUPIL = np.full(3, 8, np.float32)
_WINDOW = np.full(3, 245, np.float32)  # reflection of a window in the eye


@dataclass(frozen=True, eq=False)
class _Masks:
    """(256, 256) float32 masks: amounts from 0 to 1, or millimetres from an edge, positive inside."""

    brow_edge: NDArray[np.float32]
    lip_edge: NDArray[np.float32]
    mouth: NDArray[np.float32]
    teeth: NDArray[np.float32]
    eye_edge: NDArray[np.float32]
    lash: NDArray[np.float32]
    lid: NDArray[np.float32]
    nostril: NDArray[np.float32]
    red: NDArray[np.float32]
    freckled: NDArray[np.float32]
    beard_edge: NDArray[np.float32]
    moustache: NDArray[np.float32]
    wrinkles: NDArray[np.float32]
    glasses: NDArray[np.float32]
    across: NDArray[np.float32]
    height: NDArray[np.float32]


def paint_skin(look: Look, gaze: tuple[float, float], rng: np.random.Generator) -> NDArray[np.float32]:
    """(256, 256, 3) linear albedo of the head.

    Args:
        look: Appearance of the person.
        gaze: Displacement of the iris from the middle of the eye in millimetres, sideways and upwards.
        rng: Draws the noise of the skin.
    """
    masks = _masks()
    shape = (TEXTURE, TEXTURE)
    skin = look.skin.astype(np.float32)
    blotches = smooth_noise(shape, 32, rng) * 0.6 + smooth_noise(shape, 8, rng) * 0.4
    tint = np.float32(look.redness) * masks.red + np.float32(0.25 * look.blotches) * blotches
    colour = np.empty((3, *shape), np.float32)  # stored as planes, since operations on a whole plane are faster
    fine = 1 + 0.02 * smooth_noise(shape, 1, rng) + np.float32(0.03 * look.blotches) * blotches
    for k, reddened in enumerate((0.02, -0.1, -0.09)):
        colour[k] = skin[k] * (1 + reddened * tint) * fine
    shade = 1 - np.float32(0.12 + 0.28 * look.age) * masks.wrinkles - 0.75 * masks.nostril
    colour *= shade
    if look.freckles:
        spots = ramp(smooth_noise(shape, 4, rng), 1.1, 1.7) * masks.freckled * look.freckles
        blend(colour, skin * (0.72, 0.6, 0.5), spots)
    if look.skin_detail:
        paint_marks(colour, look.skin_detail, look.skin)
    _paint_hair(colour, look, masks, rng)
    _paint_mouth(colour, look, masks, rng)
    if look.make_up:
        paint_make_up(colour, look.make_up, masks.lid, masks.eye_edge)
    _paint_eyes(colour, look, masks, gaze)
    if look.glasses:
        blend(colour, look.cloth * 0.3, masks.glasses * look.glasses)
    return to_linear(colour.transpose(1, 2, 0))


def _paint_hair(colour: NDArray[np.float32], look: Look, masks: _Masks, rng: np.random.Generator) -> None:
    """Paints brows, beard and stubble."""
    shape = (TEXTURE, TEXTURE)
    strands = streak_noise(shape, rng)
    hair = look.hair.astype(np.float32)
    dark = np.minimum(hair * 0.8, look.skin * 0.75)
    edge = np.roll(masks.brow_edge, round(-look.brow_height), axis=0) + np.float32(look.brow_thickness)
    blend(colour, dark, ramp(edge + 0.5 * strands, -0.9, 1.2) * look.brow_amount)
    edge = masks.beard_edge + 5 * smooth_noise(shape, 16, rng)
    if look.stubble:
        blend(colour, look.skin * 0.45 + hair * 0.2, ramp(edge, -9.0, 9.0) * 0.5 * look.stubble)
    if look.beard:
        blend(
            colour,
            hair * 0.7,
            ramp(edge + 2.5 * strands, -3.0, 5.0) * look.beard * (0.85 + 0.1 * np.clip(strands, -1, 1)),
        )
    if look.moustache or look.beard:
        amount = max(look.moustache, look.beard)
        blend(colour, hair * 0.7, ramp(masks.moustache * (1 + 0.3 * strands), 0.25, 0.6) * amount)


def _paint_mouth(colour: NDArray[np.float32], look: Look, masks: _Masks, rng: np.random.Generator) -> None:
    lip = look.lips.astype(np.float32)
    lines = 1 + 0.05 * streak_noise((TEXTURE, TEXTURE), rng)
    blend(colour, lip, ramp(masks.lip_edge, -1.2, 1.0) * 0.85, lines)
    blend(colour, _MOUTH, masks.mouth)
    blend(colour, _TEETH * np.float32(rng.uniform(0.6, 1.0)), masks.teeth)


def _paint_eyes(colour: NDArray[np.float32], look: Look, masks: _Masks, gaze: tuple[float, float]) -> None:
    if look.lid_shadow:
        blend(colour, look.skin * 0.45, masks.lid * look.lid_shadow)
    rows = np.flatnonzero(((masks.eye_edge > -3) | (masks.lash > 0.01)).any(axis=1))
    part = slice(rows[0], rows[-1] + 1)
    eye = colour[:, part]
    inside = ramp(masks.eye_edge[part], -0.4, 0.5)
    rim = 1 - 0.35 * np.exp(-np.clip(masks.eye_edge[part], 0, None) / 1.6)
    blend(eye, _SCLERA, inside, rim)
    across = masks.across[part] - np.sign(masks.across[part]) * np.float32(EYE_CENTRE[0])
    x = across - gaze[0]
    y = masks.height[part] - EYE_CENTRE[1] - 0.8 - gaze[1]
    distance = np.hypot(x, y)
    ring = 1 - 0.5 * ramp(distance, 4.2, 5.8)
    blend(eye, look.iris, inside * ramp(distance, _IRIS_RADIUS + 0.5, _IRIS_RADIUS - 0.5), ring)
    blend(eye, _PUPIL, inside * ramp(distance, _PUPIL_RADIUS + 0.4, _PUPIL_RADIUS - 0.4))
    blend(eye, _WINDOW, inside * ramp(np.hypot(across + 2.0, y - 2.2), 1.3, 0.7))
    blend(eye, np.minimum(look.hair * 0.5, look.skin * 0.35), masks.lash[part] * np.float32(0.8))


@cache
def _masks() -> _Masks:
    sheet = fine_sheet(synthetic_model().sheet)
    x, y = np.abs(sheet.across), sheet.height
    above = y - mouth_line(x)
    edge = lens(x)
    upper, lower = lip_borders(x)
    brow_line = np.interp(x, [13, 17, 27, 39, 50, 58], [18.5, 19.5, 23.0, 24.0, 21.0, 15.0])
    brow_half = np.interp(x, [13, 16, 24, 40, 52, 58], [0.5, 3.0, 3.2, 2.6, 1.5, 0.3])
    brow_edge = brow_half - np.abs(y - brow_line) - 2 * np.clip(13 - x, 0, None) - np.clip(x - 58, 0, None)
    lip_edge = np.where(x < LENS_HALF_WIDTH + 3, np.minimum(upper - y, y - lower), -4.0)
    eye_edge = eye_opening(sheet.across, y)
    upper_lid, _ = lids(x - EYE_CENTRE[0])
    near_eye = bump(x, y, EYE_CENTRE, (15.0, 9.0))
    back, up = ear_place(sheet)
    cheek_line = np.interp(np.abs(sheet.angle_deg), [0, 18, 30, 50, 70, 82, 90], [-82, -68, -58, -50, -38, -10, 20])
    beard = np.minimum(cheek_line - y, 10 * ramp(np.abs(sheet.angle_deg), 92.0, 84.0) * 2 - 10)
    beard = np.minimum(beard, (y - jaw_edge(sheet.angle_deg) + 22) * 0.7)
    moustache = bump(x, y, (9.0, -56.5), (13.0, 5.5)) * (lip_edge < 0)
    wrinkles = (
        0.8 * bump(x - 0.55 * (-47 - y) - 21, y, (0.0, -56.0), (2.2, 14.0))  # nasolabial
        + 0.7 * bump(x, y, (27.0, -11.0), (13.0, 2.6))  # under the eyes
        + 0.35 * np.cos(y / 1.9) ** 6 * bump(x, y, (0.0, 50.0), (34.0, 14.0))  # forehead
        + 0.5 * np.exp(-((np.hypot(back, up) - 0.62) ** 2) / 0.01) * (np.hypot(back, up) < 1)  # ear
        + 0.6 * bump(back, up, (-0.2, -0.1), (0.35, 0.4))
        + 0.6 * bump(x, y, (0.0, -90.0), (13.0, 2.6))  # under the lip
    )
    frame_x, frame_y = (x - 33) / 24, (y + 4) / 17
    frame = np.exp(-(((np.hypot(frame_x, frame_y) - 0.95) / 0.06) ** 2)) + bump(x, y, (0.0, 2.0), (9.0, 1.6))
    frame += (
        np.exp(-(((y - 3) / 1.8) ** 2))
        * ramp(np.abs(sheet.angle_deg), 38.0, 42.0)
        * ramp(np.abs(sheet.angle_deg), 92.0, 88.0)
    )
    arrays = {
        "brow_edge": brow_edge,
        "lip_edge": lip_edge,
        "mouth": ramp(np.abs(above) - edge, 0.3, -0.5) * (edge > 0.3),
        "teeth": ramp(np.abs(above / np.maximum(edge, 1e-6) - 0.62), 0.4, 0.3) * (edge > 2.0)
        + 0.4 * ramp(np.abs(above / np.maximum(edge, 1e-6) + 0.8), 0.22, 0.12) * (edge > 2.5),
        "eye_edge": eye_edge,
        "lash": np.exp(-(((y - upper_lid - 0.2) / 0.9) ** 2)) * ramp(np.abs(x - EYE_CENTRE[0]), 16.0, 13.0),
        "lid": near_eye * (y > upper_lid) * (eye_edge < 0),
        "nostril": bump(x, y, (7.0, -47.3), (3.6, 2.0)),
        "red": bump(x, y, (42.0, -34.0), (17.0, 15.0))
        + 0.8 * bump(x, y, (0.0, -38.0), (14.0, 9.0))
        + 0.6 * ramp(np.hypot(back, up), 1.2, 0.8)
        + 0.4 * bump(x, y, (0.0, -103.0), (15.0, 8.0)),
        "freckled": bump(x, y, (24.0, -28.0), (32.0, 18.0)),
        "beard_edge": beard,
        "moustache": moustache,
        "wrinkles": np.clip(wrinkles, 0, 1),
        "glasses": np.clip(frame, 0, 1),
        "across": sheet.across,
        "height": y,
    }
    return _Masks(**{name: np.asarray(array, np.float32) for name, array in arrays.items()})

"""The texture of the skin as planes of colour, and the coordinates of the head on it."""

import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.head import Array, HeadSheet

TEXTURE = 256  # texels per side: a little under a millimetre each on the front of the face


def to_linear(colour: NDArray[np.floating]) -> NDArray[np.float32]:
    """Linear light (0 to 1) from sRGB (0 to 255), by squaring: close to the exact curve, and 20 times as fast."""
    light = np.asarray(colour, np.float32) * np.float32(1 / 255)
    np.maximum(light, 0, out=light)
    np.square(light, out=light)
    return np.asarray(np.minimum(light, 1, out=light), np.float32)


def blend(
    colour: NDArray[np.float32],
    other: NDArray[np.floating],
    amount: NDArray[np.floating],
    shade: NDArray[np.floating] | None = None,
) -> None:
    """Blends the planes of a picture with another colour, optionally shaded. In place, since the planes are large.

    Args:
        colour: (3, H, W) planes.
        other: (3,) colour.
        amount: (H, W) share of the other colour.
        shade: (H, W) factor of the other colour.
    """
    rows = np.flatnonzero(amount.max(axis=1) > 0)
    if not len(rows):
        return
    part = slice(rows[0], rows[-1] + 1)
    share = amount[part].astype(np.float32)
    for plane, value in zip(colour, other.astype(np.float32), strict=True):
        plane[part] += ((value if shade is None else value * shade[part]) - plane[part]) * share


def fine_sheet(sheet: HeadSheet) -> HeadSheet:
    """The coordinates of the sheet, interpolated to every texel."""

    def finer(values: Array) -> Array:
        place = np.linspace(0, len(values) - 1, TEXTURE)
        rows = np.stack([np.interp(place, np.arange(len(values)), column) for column in values.T], axis=1)
        return np.stack([np.interp(place, np.arange(len(values)), row) for row in rows])

    points = np.stack([finer(axis) for axis in np.moveaxis(sheet.points, -1, 0)], axis=-1)
    return HeadSheet(finer(sheet.across), finer(sheet.height), finer(sheet.angle_deg), points)

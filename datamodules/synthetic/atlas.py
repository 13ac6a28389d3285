"""The textures of a photograph's surfaces, side by side in one picture."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.looks import Look
from datamodules.synthetic.noise import smooth_noise, streak_noise
from datamodules.synthetic.skin import TEXTURE, paint_skin, to_linear

_PATCH = 128  # texels per side of the texture of hair; those of clothes and scalp have half as many rows


class Place(NamedTuple):
    """A rectangle of the atlas."""

    top: int
    left: int
    height: int
    width: int

    @property
    def part(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


SKIN = Place(0, 0, TEXTURE, TEXTURE)
HAIR = Place(0, TEXTURE, _PATCH, _PATCH)
CLOTHES = Place(_PATCH, TEXTURE, _PATCH // 2, _PATCH)
SCALP = Place(_PATCH + _PATCH // 2, TEXTURE, _PATCH // 2, _PATCH)


def paint_atlas(look: Look, gaze: tuple[float, float], rng: np.random.Generator) -> NDArray[np.float32]:
    """(256, 384, 3) linear textures: the skin, and to its right hair, clothes and scalp."""
    atlas = np.empty((TEXTURE, TEXTURE + _PATCH, 3), np.float32)
    atlas[SKIN.part] = paint_skin(look, gaze, rng)
    is_cloth = look.hair_style in ("hat", "scarf")
    patch = (_PATCH, _PATCH)
    streaks = 0.06 * smooth_noise(patch, 2, rng) if is_cloth else 0.22 * streak_noise(patch, rng)
    shades = 1 + streaks + 0.1 * smooth_noise(patch, 16, rng)
    atlas[HAIR.part] = to_linear((look.cloth if is_cloth else look.hair) * shades[..., None])
    half = _PATCH // 2
    pattern = 1 + rng.exponential(0.08) * smooth_noise((half, _PATCH), int(2 ** rng.integers(0, 4)), rng)
    cloth = look.clothes * pattern[..., None]
    neckline = int(rng.integers(8, 22))
    cloth[:neckline] = look.skin
    atlas[CLOTHES.part] = to_linear(cloth)
    scalp_shades = 1 + 0.03 * smooth_noise((half, _PATCH), 8, rng)
    atlas[SCALP.part] = to_linear(look.skin * scalp_shades[..., None])
    return atlas

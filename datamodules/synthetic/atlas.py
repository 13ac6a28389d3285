"""The textures of a photograph's surfaces, side by side in one picture."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.adornments import Hat
from datamodules.synthetic.looks import Look
from datamodules.synthetic.noise import smooth_noise, streak_noise
from datamodules.synthetic.skin import paint_skin
from datamodules.synthetic.skin_planes import TEXTURE, to_linear
from datamodules.synthetic.variety import option_generator

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
# a further column, for what options add
_MORE = TEXTURE + _PATCH
LOCKS = Place(0, _MORE, 64, _PATCH)
BEARD = Place(64, _MORE, 64, _PATCH)
HAT = Place(128, _MORE, 64, _PATCH)
FRAME = Place(192, _MORE, 8, 32)
STRANGER = Place(192, _MORE + 32, 32, 32)  # skin of someone else
THING = Place(200, _MORE + 64, 56, 64)
_ADDED = frozenset({LOCKS, BEARD, HAT, FRAME, STRANGER, THING})


def paint_atlas(
    look: Look, gaze: tuple[float, float], rng: np.random.Generator, places: frozenset[Place] = frozenset()
) -> NDArray[np.float32]:
    """(256, 384, 3) linear textures: the skin, and to its right hair, clothes and scalp.

    Args:
        look: The person.
        gaze: Displacement of the irises in millimetres, sideways and upwards.
        rng: Draws the textures.
        places: What is needed of what options add; if it is anything, there is a further column, (256, 512, 3).
    """
    added = places & _ADDED
    atlas = np.zeros((TEXTURE, TEXTURE + (2 if added else 1) * _PATCH, 3), np.float32)
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
    for place in sorted(added):
        colours = _paint_addition(place, look, option_generator(rng, f"texture {place}"))
        atlas[place.part] = to_linear(colours)
    return atlas


def _paint_addition(place: Place, look: Look, rng: np.random.Generator) -> NDArray[np.floating]:
    """The texture of something that an option adds, in sRGB."""
    if place == LOCKS:
        return look.hair * _strands(LOCKS, 0.22, rng)
    if place == BEARD and look.full_beard:
        return look.full_beard.colour * _strands(BEARD, 0.16, rng)
    if place == HAT and look.hat:
        return _hat_cloth(look.hat, rng)
    if place == FRAME and look.spectacles:
        return look.spectacles.frame * np.ones((FRAME.height, FRAME.width, 1))
    if place == STRANGER:
        tone = np.array([226, 178, 148]) * rng.uniform(0.3, 1.1)
        return np.asarray(tone * (1 + 0.04 * smooth_noise((STRANGER.height, STRANGER.width), 8, rng))[..., None])
    return _printed(rng)


def _strands(place: Place, contrast: float, rng: np.random.Generator) -> NDArray[np.floating]:
    shape = (place.height, place.width)
    shades = 1 + contrast * streak_noise(shape, rng) + 0.12 * smooth_noise(shape, 16, rng)
    return np.asarray(np.clip(shades, 0.3, None)[..., None])


def _hat_cloth(hat: Hat, rng: np.random.Generator) -> NDArray[np.floating]:
    """Cloth or wool, with stripes or a band, and a badge at the front."""
    shape = (HAT.height, HAT.width)
    cloth = np.broadcast_to(hat.colour, (*shape, 3)).copy()
    rows, columns = np.mgrid[: HAT.height, : HAT.width]
    if hat.stripes:
        cloth[(rows * hat.stripes // HAT.height) % 2 == 1] = hat.trim
    elif hat.kind == "cap":
        badge = ((rows - 9) / 5) ** 2 + ((columns - HAT.width / 2) / 9) ** 2 < 1
        cloth[badge] = hat.trim
    else:
        cloth[10:16] = hat.trim
    ribs = 0.18 * np.sin(columns * 1.6) if hat.kind == "beanie" else np.zeros(shape)
    return np.asarray(
        cloth * (1 + ribs + 0.05 * smooth_noise(shape, 2, rng) + 0.06 * smooth_noise(shape, 16, rng))[..., None]
    )


def _printed(rng: np.random.Generator) -> NDArray[np.floating]:
    """A thing of one colour, or with stripes or patches of another."""
    shape = (THING.height, THING.width)
    colour, other = rng.uniform(5, 245, 3), rng.uniform(5, 245, 3)
    if rng.random() < 0.6:
        colour = np.full(3, rng.uniform(5, 245))
    pattern = smooth_noise(shape, int(2 ** rng.integers(1, 5)), rng)
    is_other = (pattern > rng.uniform(0.5, 1.5)) if rng.random() < 0.3 else np.zeros(shape, bool)
    painted = np.where(is_other[..., None], other, colour)
    return np.asarray(painted * (1 + 0.06 * smooth_noise(shape, 8, rng))[..., None])

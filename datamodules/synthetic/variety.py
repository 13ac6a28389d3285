"""Options that make synthetic people and their photographs more varied than the default; all of them are off by default.

Every option draws from a generator of its own, so that what it does not concern stays the same: two data sets that
differ in one option show the same people with the same everything else.
"""

from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from datamodules.errors import InputError

VARIETY_VERSION = 1  # to be raised by any change of what an option draws, so that data sets with options are made again


@dataclass(frozen=True)
class Variety:
    """What the synthetic faces vary in beyond the default.

    Args:
        proportions: Whether the mean head and its spread follow tables of anthropometry, of women and men of many groups
            of people.
        children: Share of the people who are children of up to 16 years.
        elderly: Share of the people who are old.
        expressions: Share of the views with a strong expression: a mouth wide open, eyes that are shut or squeezed, a laugh,
            or one side of the face unlike the other.
        wide_poses: Share of the views whose head pose is drawn as in photographs: yaw mostly near frontal and at times
            beyond a profile, strong pitch and roll now and then.
        scenery: Share of the photographs whose background has the edges, the spectrum and the lights out of focus of
            real ones, instead of plain walls and clutter.
        harsh_light: Share of the photographs in hard, low or coloured light: sun, window, flash, lamps in the dark.
        cast_shadows: Share of the photographs in which lamps throw shadows: of the head on itself, of hats, hair and
            hands on the face, and of things outside the picture.
        white_balance: Share of the photographs with the wrong colour for white, or too strong or too weak colours.
        blur: Share of the photographs that are out of focus or blurred by motion.
        low_resolution: Share of the photographs that were once smaller.
        grain: Share of the photographs with the noise of a sensor.
        compression: Share of the photographs that went through a small JPEG file.
        loose_hair: Share of the people with locks of hair over forehead, temples or cheeks.
        beards: Share of the people with growth of beard whose beard stands out from the skin, in several shapes.
        hats: Share of the people with a cap, a hat with a brim, or a knitted hat.
        glasses: Share of the people with glasses that have frames and lenses, also against the sun.
        make_up: Share of the people without growth of beard with colours on lips, lids and cheeks.
        skin_detail: Share of the people whose skin has wrinkles, pores, moles and rings under the eyes.
        occlusion: Share of the photographs with a hand or another thing before the face.
        borders: Share of the photographs that end close to the face, in black or plain bars or repeated pixels.
    """

    proportions: bool = False
    children: float = 0.0
    elderly: float = 0.0
    expressions: float = 0.0
    wide_poses: float = 0.0
    scenery: float = 0.0
    harsh_light: float = 0.0
    cast_shadows: float = 0.0
    white_balance: float = 0.0
    blur: float = 0.0
    low_resolution: float = 0.0
    grain: float = 0.0
    compression: float = 0.0
    loose_hair: float = 0.0
    beards: float = 0.0
    hats: float = 0.0
    glasses: float = 0.0
    make_up: float = 0.0
    skin_detail: float = 0.0
    occlusion: float = 0.0
    borders: float = 0.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, float) and not 0 <= value <= 1:
                raise InputError(f"variety.{name} is {value}: give a share from 0 to 1.")

    def changes(self) -> dict[str, Any]:
        """The options that are not at their defaults, by name."""
        defaults = asdict(NO_VARIETY)
        return {name: value for name, value in sorted(asdict(self).items()) if value != defaults[name]}


NO_VARIETY = Variety()  # the default faces


def option_generator(rng: np.random.Generator, option: str) -> np.random.Generator:
    """A generator for the draws of one option.

    It depends on the seed of the given generator and on the option, not on what the given one has drawn, and it leaves
    that one as it is.

    Args:
        rng: The generator of a person or a view.
        option: Name of the option.
    """
    seeds: Any = rng.bit_generator.seed_seq
    key = int.from_bytes(blake2b(option.encode(), digest_size=4).digest(), "big")
    return np.random.default_rng(np.random.SeedSequence(seeds.entropy, spawn_key=(*seeds.spawn_key, key)))


def occurrence(rng: np.random.Generator, variety: Variety, option: str) -> np.random.Generator | None:
    """A generator for the draws of an option that occurs in a share of the people or views; None where it does not.

    Args:
        rng: The generator of the person or the view.
        variety: The shares.
        option: Name of the option, a field of the variety.
    """
    share: float = getattr(variety, option)
    if not share:
        return None
    own = option_generator(rng, option)
    return own if own.random() < share else None

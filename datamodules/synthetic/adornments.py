"""What people wear and how they do their hair, beyond the default: shapes and colours, drawn once per person."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from datamodules.synthetic.head import Array

HatKind = Literal["cap", "brimmed", "beanie"]
BeardKind = Literal["full", "goatee", "strap", "sideburns", "moustache"]

_HATS: dict[HatKind, float] = {"cap": 0.5, "brimmed": 0.22, "beanie": 0.28}
_BEARDS: dict[BeardKind, float] = {"full": 0.45, "goatee": 0.2, "strap": 0.12, "sideburns": 0.08, "moustache": 0.15}


@dataclass(frozen=True, eq=False)
class LooseHair:
    """Locks of hair that hang over forehead, temples and cheeks. Lengths are millimetres, angles degrees.

    Attributes:
        seed: Of the locks' shapes.
        fringe: Number of locks over the forehead.
        sides: Number of locks over each temple.
        fringe_length: Mean length of those over the forehead.
        side_length: Mean length of those over the temples.
        width: Mean width of a lock.
        lift: Distance from the skin.
        sweep: How far the fringe is swept to the side.
        curl: Amplitude of waves.
        is_parted: Whether the fringe falls to both sides of its middle.
    """

    seed: int
    fringe: int
    sides: int
    fringe_length: float
    side_length: float
    width: float
    lift: float
    sweep: float
    curl: float
    is_parted: bool


@dataclass(frozen=True, eq=False)
class Beard:
    """A beard that stands out from the skin. Colours are sRGB from 0 to 255, lengths millimetres."""

    seed: int
    kind: BeardKind
    length: float
    density: float
    colour: Array


@dataclass(frozen=True, eq=False)
class Hat:
    """A hat. Colours are sRGB from 0 to 255, lengths millimetres; the brim's slope is a drop / a length."""

    kind: HatKind
    raised: float
    brim: float
    slope: float
    turned_deg: float
    colour: Array
    trim: Array
    stripes: int


@dataclass(frozen=True, eq=False)
class Spectacles:
    """Glasses with a frame. Colours are sRGB from 0 to 255, lengths millimetres, other numbers 0 to 1.

    Attributes:
        half_width: Of each lens.
        half_height: Of each lens.
        squareness: Exponent of the lens's outline; 1 is an ellipse, and below it has corners.
        rim: Radius of the frame.
        frame: Colour of the frame.
        is_rimless_below: Whether the lower half has no frame.
        tint: How much light the lenses take, from clear ones to sunglasses.
        lens: Colour of that light that they let through.
        mirroring: How much they reflect.
    """

    half_width: float
    half_height: float
    squareness: float
    rim: float
    frame: Array
    is_rimless_below: bool
    tint: float
    lens: Array
    mirroring: float


@dataclass(frozen=True, eq=False)
class MakeUp:
    """Colours on lips, lids and cheeks. Colours are sRGB from 0 to 255, amounts 0 to 1."""

    lips: Array
    lip_amount: float
    lids: Array
    lid_amount: float
    liner: float
    blush: float


@dataclass(frozen=True, eq=False)
class SkinDetail:
    """What distinguishes skin from an even colour; amounts are 0 to 1.

    Attributes:
        seed: Of the places of marks.
        wrinkles: Of forehead, eyes, cheeks and mouth.
        pores: Roughness of the skin.
        spots: Number of moles, pimples and spots of age.
        rings: Shadows under the eyes.
    """

    seed: int
    wrinkles: float
    pores: float
    spots: int
    rings: float


def draw_loose_hair(rng: np.random.Generator) -> LooseHair:
    """Draws locks: a few strands, a full fringe, hair over one side, or all of it."""
    is_dense = rng.random() < 0.6
    return LooseHair(
        seed=int(rng.integers(2**31)),
        fringe=int(rng.integers(45, 120) if is_dense else rng.integers(0, 14)),
        sides=int(rng.integers(0, 45) if is_dense else rng.integers(0, 10)),
        fringe_length=rng.uniform(18, 75),
        side_length=rng.uniform(40, 190),
        width=rng.uniform(3.0, 9.0) if is_dense else rng.uniform(0.6, 2.5),
        lift=rng.uniform(2, 9),
        sweep=rng.normal(0, 28),
        curl=rng.exponential(1.5),
        is_parted=bool(rng.random() < 0.3),
    )


def draw_beard(hair: Array, rng: np.random.Generator) -> Beard:
    """Draws a beard, mostly of the colour of the hair."""
    kinds = list(_BEARDS)
    colour = hair * rng.uniform(0.6, 1.3) + rng.uniform(0, 1) ** 4 * np.array([90, 50, 20])
    return Beard(
        int(rng.integers(2**31)),
        kinds[rng.choice(len(kinds), p=list(_BEARDS.values()))],
        float(np.exp(rng.uniform(np.log(2.0), np.log(38.0)))),
        rng.uniform(0.3, 1.0),
        np.clip(colour, 6, 240),
    )


def draw_hat(rng: np.random.Generator) -> Hat:
    """Draws a cap, a hat with a brim all round, or a knitted one without."""
    kinds = list(_HATS)
    kind = kinds[rng.choice(len(kinds), p=list(_HATS.values()))]
    colour = _cloth(rng)
    return Hat(
        kind,
        rng.uniform(-8, 14),
        0.0 if kind == "beanie" else rng.uniform(45, 80),
        rng.uniform(-0.05, 0.5),
        0.0 if rng.random() < 0.75 else rng.uniform(-180, 180),
        colour,
        _cloth(rng) if rng.random() < 0.5 else colour * rng.uniform(0.6, 1.1),
        int(rng.integers(0, 9)) if rng.random() < 0.4 else 0,
    )


def draw_spectacles(rng: np.random.Generator) -> Spectacles:
    """Draws glasses to see better or against the sun."""
    is_dark = rng.random() < 0.35
    lens = rng.uniform(10, 70) * (1 + rng.normal(0, 0.25, 3)) if is_dark else np.full(3, 200.0)
    frame = np.full(3, rng.uniform(5, 60)) if rng.random() < 0.6 else rng.uniform(20, 220, 3)
    return Spectacles(
        half_width=rng.uniform(22, 30),
        half_height=rng.uniform(14, 25),
        squareness=rng.uniform(0.4, 1.0),
        rim=rng.uniform(0.7, 2.8),
        frame=frame,
        is_rimless_below=bool(rng.random() < 0.15),
        tint=rng.uniform(0.6, 0.99) if is_dark else rng.uniform(0, 0.15),
        lens=np.clip(lens, 0, 255),
        mirroring=rng.uniform(0, 0.5) ** 1.5 + (0.3 if is_dark and rng.random() < 0.25 else 0.0),
    )


def draw_make_up(rng: np.random.Generator) -> MakeUp:
    """Draws make-up, from a little of it to that of a stage."""
    red = np.array([rng.uniform(90, 225), rng.uniform(10, 110), rng.uniform(20, 130)])
    shadow = rng.uniform(20, 190, 3) if rng.random() < 0.4 else rng.uniform(25, 90) * np.array([1.1, 1.0, 0.95])
    return MakeUp(red, rng.uniform(0.2, 1), shadow, rng.uniform(0, 0.9), rng.uniform(0, 1), rng.uniform(0, 0.8))


def draw_skin_detail(age: float, rng: np.random.Generator) -> SkinDetail:
    """Draws the detail of a skin at an age from 0 to 1."""
    old = float(np.clip(age + rng.normal(0, 0.15), 0, 1))
    return SkinDetail(
        int(rng.integers(2**31)), old**1.5, rng.uniform(0.1, 1), int(rng.integers(0, 5 + int(25 * old))), rng.random()
    )


def _cloth(rng: np.random.Generator) -> Array:
    """(3,) colour of cloth: often black, white or grey."""
    if rng.random() < 0.5:
        return np.full(3, rng.uniform(8, 235))
    return rng.uniform(8, 235, 3)

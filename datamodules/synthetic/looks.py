"""Appearance of a person apart from the shape of the head: colours, hair, beard, make-up."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.adornments import (
    Beard,
    Hat,
    LooseHair,
    MakeUp,
    SkinDetail,
    Spectacles,
    draw_beard,
    draw_hat,
    draw_loose_hair,
    draw_make_up,
    draw_skin_detail,
    draw_spectacles,
)
from datamodules.synthetic.head import Array
from datamodules.synthetic.variety import Variety, occurrence

HairStyle = Literal["bald", "short", "medium", "long", "hat", "scarf"]

# sRGB of skin from the lightest to the darkest, evenly over the human range (after Fitzpatrick's and Monk's scales)
_SKIN = np.array([(246, 218, 202), (236, 200, 176), (224, 182, 152), (205, 156, 122), (176, 124, 90), (142, 95, 66),
                  (106, 69, 48), (74, 49, 37)], float)  # fmt: skip
_HAIR = np.array([(24, 20, 19), (46, 32, 24), (84, 58, 38), (128, 92, 58), (196, 160, 104), (140, 68, 34),
                  (140, 138, 136), (214, 210, 204)], float)  # black to blond, red, grey, white  # fmt: skip
_HAIR_SHARE_LIGHT = [0.16, 0.22, 0.2, 0.12, 0.12, 0.06, 0.08, 0.04]
_HAIR_SHARE_DARK = [0.72, 0.14, 0.03, 0.01, 0.01, 0.0, 0.06, 0.03]
_IRIS = np.array([(66, 42, 26), (92, 62, 34), (120, 98, 56), (84, 112, 132), (118, 142, 156), (96, 116, 88)], float)
_IRIS_SHARE = [0.4, 0.2, 0.1, 0.12, 0.1, 0.08]


@dataclass(frozen=True, eq=False)
class Look:
    """The appearance of a person. Colours are sRGB from 0 to 255, lengths millimetres, amounts 0 to 1."""

    skin: Array
    redness: float
    blotches: float
    freckles: float
    hair: Array
    hair_style: HairStyle
    hair_volume: float
    hairline: float  # relative to the usual height
    fringe: float
    parting: float  # distance from the midline
    cloth: Array  # of hat, scarf
    brow_thickness: float
    brow_height: float
    brow_amount: float
    iris: Array
    lips: Array
    lid_shadow: float
    beard: float
    stubble: float
    moustache: float
    age: float
    glasses: float
    clothes: Array
    has_beard_growth: bool = False
    locks: LooseHair | None = None
    full_beard: Beard | None = None
    hat: Hat | None = None
    spectacles: Spectacles | None = None
    make_up: MakeUp | None = None
    skin_detail: SkinDetail | None = None


def draw_look(rng: np.random.Generator) -> Look:
    """Draws the appearance of a person."""
    tone = rng.uniform()
    skin = _ramp(_SKIN, tone) * (1 + rng.normal(0, 0.03, 3)) * (1 + rng.normal(0, 0.05))
    share = (1 - tone) * np.array(_HAIR_SHARE_LIGHT) + tone * np.array(_HAIR_SHARE_DARK)
    hair = _HAIR[rng.choice(len(_HAIR), p=share / share.sum())] * rng.uniform(0.75, 1.25)
    has_beard_growth = rng.random() < 0.5
    styles: list[HairStyle] = ["bald", "short", "medium", "long", "hat", "scarf"]
    chances = [0.14, 0.56, 0.1, 0.06, 0.12, 0.02] if has_beard_growth else [0.02, 0.14, 0.24, 0.44, 0.06, 0.1]
    style = styles[rng.choice(len(styles), p=chances)]
    iris = _IRIS[rng.choice(len(_IRIS), p=_IRIS_SHARE)] if tone < 0.55 else _IRIS[0]
    made_up = not has_beard_growth and rng.random() < 0.4
    lips = skin * (0.86, 0.62, 0.62) + (14, 0, 2)
    if made_up:
        lips = 0.5 * lips + 0.5 * np.array([rng.uniform(120, 200), rng.uniform(20, 80), rng.uniform(40, 100)])
    beard_kind = rng.random() if has_beard_growth else 1.0
    return Look(
        skin=np.clip(skin, 20, 250),
        redness=rng.uniform(0.2, 1.0),
        blotches=rng.uniform(0.3, 1.0),
        freckles=rng.uniform(0.3, 1.0) if tone < 0.4 and rng.random() < 0.15 else 0.0,
        hair=np.clip(hair, 8, 240),
        hair_style=style,
        hair_volume=rng.uniform(4, 17),
        hairline=rng.normal(-2, 6) + (rng.uniform(5, 25) if has_beard_growth and rng.random() < 0.2 else 0),
        fringe=rng.uniform(10, 42) if rng.random() < 0.35 else 0.0,
        parting=rng.normal(0, 22),
        cloth=rng.uniform(10, 235, 3) if rng.random() < 0.6 else np.full(3, rng.uniform(12, 235)),
        brow_thickness=rng.normal(0.6 if has_beard_growth else -0.1, 0.5),
        brow_height=rng.normal(0, 0.8),
        brow_amount=rng.uniform(0.5, 1.0),
        iris=iris * rng.uniform(0.8, 1.2),
        lips=np.clip(lips, 15, 235),
        lid_shadow=rng.uniform(0.2, 0.8) if made_up else 0.0,
        beard=rng.uniform(0.6, 1.0) if beard_kind < 0.2 else 0.0,
        stubble=rng.uniform(0.1, 0.9) if 0.2 <= beard_kind < 0.7 else 0.0,
        moustache=rng.uniform(0.5, 1.0) if 0.7 <= beard_kind < 0.8 else 0.0,
        age=rng.uniform(0, 1) ** 1.5,
        glasses=rng.uniform(0.6, 1.0) if rng.random() < 0.12 else 0.0,
        clothes=rng.uniform(10, 235, 3) if rng.random() < 0.6 else np.full(3, rng.uniform(10, 240)),
        has_beard_growth=has_beard_growth,
    )


def adorned(look: Look, rng: np.random.Generator, variety: Variety, is_child: bool = False) -> Look:
    """A look with what the options add, in place of what it has of the same kind.

    Args:
        look: The appearance of the person at its age.
        rng: The generator of the person.
        variety: Shares of the options.
        is_child: Whether there is neither beard nor make-up.
    """
    if (own := occurrence(rng, variety, "loose_hair")) and look.hair_style not in ("bald", "scarf"):
        look = replace(look, locks=draw_loose_hair(own))
    if (own := occurrence(rng, variety, "beards")) and look.has_beard_growth and not is_child:
        beard = draw_beard(look.hair, own)
        look = replace(look, full_beard=beard, beard=0.0, moustache=0.0, stubble=own.uniform(0.3, 1))
    if own := occurrence(rng, variety, "hats"):
        look = replace(look, hat=draw_hat(own))
        if look.hair_style in ("hat", "scarf"):
            look = replace(look, hair_style="short")
    if own := occurrence(rng, variety, "glasses"):
        look = replace(look, spectacles=draw_spectacles(own), glasses=0.0)
    if (own := occurrence(rng, variety, "make_up")) and not (look.has_beard_growth or is_child):
        make_up = draw_make_up(own)
        lips = look.lips + make_up.lip_amount * (make_up.lips - look.lips)
        look = replace(look, make_up=make_up, lips=np.clip(lips, 15, 235))
    if own := occurrence(rng, variety, "skin_detail"):
        look = replace(look, skin_detail=draw_skin_detail(look.age, own))
    return look


def _ramp(colours: NDArray[np.floating], place: float) -> Array:
    at = place * (len(colours) - 1)
    return np.array([np.interp(at, np.arange(len(colours)), channel) for channel in colours.T])

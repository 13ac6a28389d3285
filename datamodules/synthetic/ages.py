"""Ages of synthetic people: coefficients of the modes of `growth.py`, and what age does to the appearance."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.growth import CHILD_AGES, GROWN_UP
from datamodules.synthetic.looks import Look
from datamodules.synthetic.variety import Variety, option_generator

_YOUNGEST, _OLDEST_CHILD = 0.5, 16.0  # years
_OLD_AMOUNTS = (0.5, 1.3)  # of the changes with old age
_COEFFICIENT = 0.5  # root mean square of an age's coefficient among the people whom it concerns
_SPREAD = 0.08  # standard deviation of the coefficients among people of one age
_HAIR = np.array([(24, 20, 19), (46, 32, 24), (84, 58, 38), (128, 92, 58), (196, 160, 104)], float)  # black to blond
_GREY = np.array([(120, 118, 116), (160, 158, 155), (212, 208, 202), (232, 230, 226)], float)


@dataclass(frozen=True)
class Age:
    """The age of a person.

    Attributes:
        years: Years of a child; None of an adult.
        old: Amount of the changes with old age, 0 for other people.
        coefficients: Coefficients of the modes that the options add.
    """

    years: float | None
    old: float
    coefficients: NDArray[np.float32]


def age_deviations(variety: Variety) -> NDArray[np.float64]:
    """Standard deviations of the coefficients of `age_coefficients`, whose number depends on the options."""
    children = [_COEFFICIENT * np.sqrt(variety.children)] * len(CHILD_AGES) if variety.children else []
    old = [2 * _COEFFICIENT * np.sqrt(variety.elderly)] if variety.elderly else []
    return np.array(children + old)


def draw_age(rng: np.random.Generator, variety: Variety) -> Age:
    """Draws an age.

    Args:
        rng: The generator of the person.
        variety: Shares of children and of old people.
    """
    years, old, coefficients = None, 0.0, []
    if variety.children:
        own = option_generator(rng, "children")
        weights = np.zeros(len(CHILD_AGES))
        if own.random() < variety.children:
            years = own.uniform(_YOUNGEST, _OLDEST_CHILD)
            nodes = np.column_stack([np.eye(len(CHILD_AGES)), np.zeros(len(CHILD_AGES))])
            weights = np.array([np.interp(years, [*CHILD_AGES, GROWN_UP], node) for node in nodes])
            weights += own.normal(0, _SPREAD, len(CHILD_AGES))
        coefficients += weights.tolist()
    if variety.elderly:
        own = option_generator(rng, "elderly")
        if own.random() < variety.elderly and years is None:
            old = own.uniform(*_OLD_AMOUNTS)
        coefficients.append(old)
    return Age(years, old, np.array(coefficients, np.float32))


def aged(look: Look, age: Age, rng: np.random.Generator) -> Look:
    """The appearance of a person at an age.

    Args:
        look: The appearance of an adult.
        age: The age.
        rng: The generator of the person.
    """
    if age.years is not None:
        return _as_child(look, age.years, option_generator(rng, "children look"))
    return _as_old(look, age.old, option_generator(rng, "elderly look")) if age.old else look


def _as_child(look: Look, years: float, rng: np.random.Generator) -> Look:
    is_grey = np.ptp(look.hair) < 12 and look.hair.mean() > 90
    style = look.hair_style
    if years < 2 and rng.random() < 0.4:
        style = "bald"
    elif style == "bald":
        style = "short"
    return replace(
        look,
        beard=0.0,
        stubble=0.0,
        moustache=0.0,
        lid_shadow=0.0,
        age=0.0,
        blotches=0.5 * look.blotches,
        lips=look.skin * (0.86, 0.62, 0.62) + (14, 0, 2),
        hair=_HAIR[rng.integers(len(_HAIR))] if is_grey else look.hair,
        hair_style=style,
        hairline=min(look.hairline, 4.0),
        brow_thickness=look.brow_thickness - 0.6,
        brow_amount=0.7 * look.brow_amount,
        glasses=look.glasses if years > 4 else 0.0,
    )


def _as_old(look: Look, amount: float, rng: np.random.Generator) -> Look:
    greyed = np.clip(rng.normal(amount, 0.4), 0, 1)
    grey = _GREY[rng.integers(len(_GREY))]
    return replace(
        look,
        age=min(1.0, 0.55 + 0.4 * amount),
        hair=look.hair + greyed * (grey - look.hair),
        brow_amount=look.brow_amount * (1 - 0.4 * greyed),
    )

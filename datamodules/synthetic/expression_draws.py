"""Draws expressions: amounts of the modes of `expression.py`."""

import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.expression import EXPRESSIONS, expression_names
from datamodules.synthetic.variety import Variety, option_generator

# Probability of each expression, and the range of its amount.
_OCCURS = {
    "jaw": (0.4, 0.0, 1.0),
    "smile": (0.45, 0.1, 1.0),
    "frown": (0.15, 0.1, 1.0),
    "pucker": (0.12, 0.1, 0.9),
    "upper_lip": (0.25, 0.0, 0.9),
    "lower_lip": (0.25, 0.0, 0.9),
    "brows_up": (0.3, 0.1, 1.0),
    "brows_together": (0.25, 0.1, 1.0),
    "puff": (0.08, 0.1, 1.0),
}
_BLINK_CHANCE = 0.15

# Strong expressions. Each has parts, which occur with a probability and are added to the usual expression; where the
# range reaches below zero, the sign stands for the side.
_STRONG: dict[str, dict[str, tuple[float, float, float]]] = {
    "shout": {
        "jaw": (1.0, 0.8, 1.5),
        "pucker": (0.3, 0.1, 0.6),
        "brows_up": (0.4, 0.2, 1.0),
        "lower_lip": (0.3, 0, 0.8),
    },
    "laugh": {
        "jaw": (1.0, 0.4, 1.1),
        "smile": (1.0, 0.7, 1.3),
        "upper_lip": (0.7, 0.2, 1.0),
        "squint": (0.8, 0.4, 1.0),
    },
    "eyes_shut": {"blink_left": (1.0, 0.92, 1.02), "blink_right": (1.0, 0.92, 1.02), "smile": (0.3, 0.2, 0.9)},
    "squeeze": {
        "blink_left": (1.0, 0.75, 0.85),
        "blink_right": (1.0, 0.75, 0.85),
        "brows_together": (1.0, 0.5, 1.2),
        "squint": (1.0, 0.4, 0.8),
        "upper_lip": (0.8, 0.3, 1.1),
        "smile": (0.5, 0.3, 0.9),
    },
    "surprise": {
        "jaw": (0.8, 0.5, 1.5),
        "brows_up": (1.0, 0.7, 1.3),
        "blink_left": (1.0, -0.4, -0.2),
        "blink_right": (1.0, -0.4, -0.2),
    },
    "one_sided": {
        "smile_side": (0.7, -1.0, 1.0),
        "upper_lip_side": (0.4, -1.0, 1.0),
        "brows_side": (0.5, -1.0, 1.0),
        "jaw_side": (0.4, -1.0, 1.0),
        "puff_side": (0.15, -1.0, 1.0),
        "shift": (0.4, -1.0, 1.0),
        "smile": (0.4, 0.2, 0.8),
        "jaw": (0.4, 0.2, 1.2),
    },
    "wink": {"blink_left": (1.0, 0.9, 1.0), "blink_right": (1.0, -0.1, 0.3), "smile_side": (0.5, -0.8, 0.0)},
}
_STRONG_SHARES = [0.28, 0.16, 0.14, 0.1, 0.08, 0.2, 0.04]


def draw_expression(rng: np.random.Generator, variety: Variety) -> NDArray[np.float32]:
    """(L,) coefficients: mostly slight expressions, a fifth neutral, and as many strong ones as the options say."""
    amounts = np.zeros(len(expression_names(variety)), np.float32)
    is_neutral = rng.random() < 0.2
    for name, (chance, least, most) in _OCCURS.items():
        draw, amount = rng.random(), rng.uniform(least, most)
        if draw < chance and not is_neutral:
            amounts[EXPRESSIONS.index(name)] = amount
    amounts[EXPRESSIONS.index("jaw")] **= 1.5  # mostly a little
    amounts[EXPRESSIONS.index("shift")] = rng.normal(0, 0.2)
    blinks = [EXPRESSIONS.index("blink_left"), EXPRESSIONS.index("blink_right")]
    narrowed = rng.uniform(-0.25, 0.35)
    amounts[blinks] = narrowed + rng.normal(0, 0.05, 2)
    if rng.random() < _BLINK_CHANCE:
        amounts[blinks if rng.random() < 0.8 else blinks[rng.integers(0, 2)]] = rng.uniform(0.7, 1.0)
    if variety.expressions:
        own = option_generator(rng, "expressions")
        if own.random() < variety.expressions:
            return _strengthened(amounts, expression_names(variety), own)
    return amounts


def _strengthened(usual: NDArray[np.float32], names: tuple[str, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    kind = list(_STRONG)[rng.choice(len(_STRONG), p=_STRONG_SHARES)]
    amounts = 0.5 * usual
    for name, (chance, least, most) in _STRONG[kind].items():
        if rng.random() < chance:
            amounts[names.index(name)] = rng.uniform(least, most)
    if kind == "wink" and rng.random() < 0.5:  # with the other eye
        left, right, side = (names.index(name) for name in ("blink_left", "blink_right", "smile_side"))
        amounts[[left, right]] = amounts[[right, left]]
        amounts[side] *= -1
    return amounts.astype(np.float32)

"""Finished trainings of a confirmation, as the database keeps them."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np
from optuna.trial import FrozenTrial, TrialState, create_trial

from lightning_module.evaluation.sequential import SequentialDesign
from sweeps.confirmation_course import Course, follow
from sweeps.divergence import DIVERGED
from sweeps.settings import SweepSettings
from sweeps.training import MeasuredErrors

REFERENCE, KNOWN = "16-5-4-3-0", ("3-3-3-3-0", "16-4-4-3-0")
BINS = np.repeat([0, 1, 2], 2)
_EPOCH = datetime(2026, 1, 1)


def training(ratio: str, seed: int, error: float | np.ndarray, start: float = 0, end: float = 1) -> FrozenTrial:
    """A training that was tested on six faces; NaN marks one that diverged.

    Args:
        ratio: Its ratio.
        seed: Its seed.
        error: Percent of every face, or (6,).
        start: Hours.
        end: Hours.
    """
    attributes = {"ratio": ratio, "seed": seed}
    if np.isnan(error).any():
        trial = create_trial(state=TrialState.PRUNED, user_attrs=attributes | {DIVERGED: seed})
    else:
        test = MeasuredErrors(error + np.zeros(6), BINS, "six faces", "same")
        trial = create_trial(value=float(np.mean(error)), user_attrs=attributes | {"test": test.as_attribute()})
    trial.datetime_start, trial.datetime_complete = (_EPOCH + timedelta(hours=hours) for hours in (start, end))
    return trial


def figure(ratio: str, seed: int, effects: dict[str, float], deviation: float = 0.1) -> float:
    """NME of a ratio with a given effect, in percent, with chance that depends on ratio and seed."""
    luck = np.random.default_rng([seed, *ratio.encode()]).normal(0, deviation)
    return 5 + effects.get(ratio, 0.0) + float(luck)


def trained_to_the_end(
    asked: SweepSettings,
    families: Sequence[Sequence[str]],
    error: Callable[[str, int], float | np.ndarray],
    order: random.Random | None = None,
) -> tuple[Course, list[FrozenTrial]]:
    """Trains what a confirmation wants, an hour each and one after the other, until it wants nothing.

    Args:
        asked: The sweep.
        families: The proposed and the known ratios.
        error: Percent of a ratio and seed.
        order: Chooses the next of the wanted trainings; by default the first.
    """
    design, finished = SequentialDesign.up_to(asked.confirm_seeds), dict[tuple[str, int], FrozenTrial]()
    while not (course := follow(list(finished.values()), families, asked, design)).is_over:
        missing = [key for key in course.wanted if key not in finished]
        key = order.choice(missing) if order is not None else missing[0]
        finished[key] = training(*key, error(*key), len(finished), len(finished) + 1)
    return course, list(finished.values())

"""Figures of trainings from the same seeds, and the correction for several comparisons of them.

Only seeds are independent: the errors of one network are correlated over faces, so a permutation of faces would call most
null differences significant. Methods are therefore compared by one figure for each seed.
"""

import numpy as np
from numpy.typing import NDArray

from lightning_module.evaluation.nme import YAW_BINS, reduce_bins
from lightning_module.evaluation.statistics import LEVEL

Array = NDArray[np.float64]

ALPHA = 1 - LEVEL
POWER = 0.8


def holm(p_values: Array) -> Array:
    """P-values of several hypotheses, adjusted for their number (Holm, 1979).

    Args:
        p_values: (..., M) p-values of M hypotheses.

    Returns:
        (..., M) adjusted p-values, at most 1.
    """
    order = np.argsort(p_values, axis=-1)
    steps = np.arange(p_values.shape[-1], 0, -1)
    in_order = np.maximum.accumulate(np.minimum(np.take_along_axis(p_values, order, -1) * steps, 1.0), axis=-1)
    adjusted = np.empty_like(in_order)
    np.put_along_axis(adjusted, order, in_order, axis=-1)
    return adjusted


def reduced_by_seed(errors: Array, bins: NDArray[np.integer], reduction: str) -> Array:
    """Reduces the errors of each seed to one figure.

    Args:
        errors: (S, N) percent, for each seed and face.
        bins: (N,) index in `YAW_BINS` of each face's bin.
        reduction: How the means of the bins become one figure, such as "mean" or "worst".

    Returns:
        (S,) percent.
    """
    means = np.full((len(errors), len(YAW_BINS)), np.nan)
    for place in np.unique(bins):
        means[:, place] = errors[:, bins == place].mean(axis=1)
    return reduce_bins(means, reduction)

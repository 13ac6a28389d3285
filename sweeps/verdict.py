"""Verdicts: whether a ratio is better or worse than the reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lightning_module.evaluation.paired_seeds import (
    ALPHA,
    detectable,
    difference_interval,
    holm,
    reduced_by_seed,
    sign_flip_p,
)
from lightning_module.evaluation.statistics import Interval

Outcome = Literal["better", "worse", "not distinguishable"]


@dataclass(frozen=True)
class Verdict:
    """The verdict on one ratio against the reference, from the same seeds and faces.

    Attributes:
        ratio: The ratio, such as "16-5-4-3-0".
        outcome: Outcome of the test over seeds.
        difference: Difference of the score from the reference, in percent of the size of the face.
        interval: 95 % interval of the difference, over seeds and faces.
        p: P-value of the sign-flip test over seeds, after Holm's correction.
        detectable: Smallest difference that so many seeds detect with a power of 80 %.
    """

    ratio: str
    outcome: Outcome
    difference: float
    interval: Interval
    p: float
    detectable: float

    def in_words(self, reference: str) -> str:
        """The verdict as a sentence."""
        claim = {"better": "is better than", "worse": "is worse than"}.get(self.outcome, "is not distinguishable from")
        smallest = f"a difference of {self.detectable:.2f} in four of five confirmations"
        if not np.isfinite(self.detectable):
            smallest = "no difference, since they are too few"
        return (
            f"{self.ratio} {claim} {reference}: {self.difference:+.2f} % NME (95 % {self.interval.low:+.2f} to "
            f"{self.interval.high:+.2f}, p = {self.p:.3f} after Holm); with this spread, so many seeds detect "
            f"{smallest}."
        )


def verdicts_against(
    reference: NDArray[np.float64],
    errors: Mapping[str, NDArray[np.float64]],
    bins: NDArray[np.integer],
    reduction: str = "mean",
    seed: int = 0,
) -> list[Verdict]:
    """Verdicts on several ratios against a reference, corrected for their number.

    Args:
        reference: (S, N) percent, errors of the reference for each seed and face.
        errors: (S, N) percent of each ratio, from the same seeds on the same faces.
        bins: (N,) index in `YAW_BINS` of each face's bin.
        reduction: How the means of the bins become the compared figure, such as "mean" or "worst".
        seed: Seed of the resampling.
    """
    reference_by_seed = reduced_by_seed(reference, bins, reduction)
    differences = {ratio: reduced_by_seed(own, bins, reduction) - reference_by_seed for ratio, own in errors.items()}
    p_values = holm([sign_flip_p(by_seed, seed) for by_seed in differences.values()])
    verdicts = []
    for (ratio, by_seed), p in zip(differences.items(), p_values, strict=True):
        difference = float(by_seed.mean())
        outcome: Outcome = "not distinguishable" if p > ALPHA else "better" if difference < 0 else "worse"
        smallest = float("inf")
        if len(by_seed) > 1:
            smallest = detectable(len(by_seed), len(errors)) * float(by_seed.std(ddof=1))
        interval = difference_interval(errors[ratio], reference, bins, reduction, seed)
        verdicts.append(Verdict(ratio, outcome, difference, interval, p, smallest))
    return verdicts

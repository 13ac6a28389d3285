"""Whether a ratio that a search found is better, in words that its figures bear."""

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
    """On one ratio against the reference, from the same seeds and faces.

    Attributes:
        ratio: As in "16-5-4-3-0".
        outcome: What the test over seeds says.
        difference: Of the figure, less the reference's, percent of the size of the face.
        interval: 95 %, over other seeds and faces.
        p: Of the sign-flip test over seeds, after Holm's correction.
        detectable: Smallest difference that this budget would have found four times out of five.
    """

    ratio: str
    outcome: Outcome
    difference: float
    interval: Interval
    p: float
    detectable: float

    def in_words(self, reference: str) -> str:
        """One sentence."""
        found = {"better": "is better than", "worse": "is worse than"}.get(self.outcome, "is not distinguishable from")
        seen = f"a difference of {self.detectable:.2f} four times out of five"
        if not np.isfinite(self.detectable):
            seen = "none, being too few seeds"
        return (
            f"{self.ratio} {found} {reference}: {self.difference:+.2f} % NME (95 % {self.interval.low:+.2f} to "
            f"{self.interval.high:+.2f}, p = {self.p:.3f} after Holm); so many seeds, spread as these are, find {seen}."
        )


def judge(
    errors: Mapping[str, NDArray[np.float64]],
    reference: NDArray[np.float64],
    bins: NDArray[np.integer],
    figure: str = "mean",
    seed: int = 0,
) -> list[Verdict]:
    """Verdicts on several ratios, corrected for their number.

    Args:
        errors: (S, N) NME of each face under each seed, by ratio.
        reference: (S, N) of the reference, from the same seeds on the same faces.
        bins: (N,) yaw bin of each face.
        figure: What is compared: the "mean" of the bins, or the "worst".
        seed: Of the resampling.
    """
    known = reduced_by_seed(reference, bins, figure)
    by_seed = {ratio: reduced_by_seed(found, bins, figure) - known for ratio, found in errors.items()}
    p_values = holm([sign_flip_p(means, seed) for means in by_seed.values()])
    verdicts = []
    for (ratio, means), p in zip(by_seed.items(), p_values, strict=True):
        outcome: Outcome = "not distinguishable" if p > ALPHA else "better" if means.mean() < 0 else "worse"
        smallest = detectable(len(means), len(errors)) * float(means.std(ddof=1)) if len(means) > 1 else float("inf")
        interval = difference_interval(errors[ratio], reference, bins, figure, seed)
        verdicts.append(Verdict(ratio, outcome, float(means.mean()), interval, p, smallest))
    return verdicts
